"""The choice of a network: spaces, costs, search algorithms, and judges of accuracy."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
