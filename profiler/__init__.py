"""Timing of blocks and networks: export to model files, runs on a device, collection of samples."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
