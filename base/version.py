"""The version of edgenas that runs: what it writes into every file it makes."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """The installed version of edgenas; 'unknown' when run from a tree that was never installed."""
    try:
        return version("edgenas")
    except PackageNotFoundError:
        return "unknown"
