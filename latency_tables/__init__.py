"""Latency tables: raw samples on disk, their statistics, and validation of sums of blocks against whole networks."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
