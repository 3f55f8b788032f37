"""How a block is timed: export to model files, run on a device, collect samples."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
