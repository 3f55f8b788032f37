"""The files of a run: where they lie (``layout``), and what each of them holds, a module a file, read and written by
the same code. docs/file-formats.md describes every field.
"""
