"""Shared foundations of all rooms: errors, the version, whole-file writes, child processes, and user code."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
