"""What was measured: raw samples on disk, their statistics, and whether sums of blocks predict networks."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
