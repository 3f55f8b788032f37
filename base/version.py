"""Version of the running edgenas, which is written into every file that it makes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

UNKNOWN = "unknown"  #: version of source files that were never installed


def installed_version() -> str:
    """Return the installed version of edgenas; 'unknown' when run from source files that were never installed."""
    try:
        return version("edgenas")
    except PackageNotFoundError:
        return UNKNOWN
