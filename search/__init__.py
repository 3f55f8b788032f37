"""Which network is chosen: spaces, costs, algorithms, judges of accuracy."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
