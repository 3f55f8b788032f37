"""Devices that measurements run on: this machine, boards over ssh, phones over adb."""

if not __name__.startswith("edgenas."):
    raise ImportError(f"import edgenas.{__name__}, not {__name__}")
