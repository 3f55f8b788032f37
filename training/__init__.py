"""Reading of labelled pictures, and training of networks on them."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
