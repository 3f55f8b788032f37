"""The files of a run: their places (``layout``) and their content. One module for each file both reads and writes it.

docs/file-formats.md describes every field.
"""
