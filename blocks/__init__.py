"""Blocks and networks: their definition, their operations, their counts of MACs and bytes, and their weights."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
