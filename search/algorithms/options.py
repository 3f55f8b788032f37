"""Checks of options that several algorithms have."""

from __future__ import annotations

from edgenas.base.errors import InputError


def check_counts(**counts: int) -> None:
    """Raise InputError for a number below 1, with the name of its option."""
    for name, value in counts.items():
        if value < 1:
            raise InputError(f"{name} {value} is below 1")


def check_shares(**shares: float) -> None:
    """Raise InputError for a share or probability outside 0..1, with the name of its option."""
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise InputError(f"{name} {value!r} is outside 0..1")
