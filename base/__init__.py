"""What every room needs and no room owns: errors, the version, whole-file writes, processes, code of the user."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
