"""Keys as text: of a network, the numbers of its options; of options, their names."""

from __future__ import annotations

import re
from collections.abc import Sequence

MOST_KEYS = 100  #: keys of options that a text lists in full
SHOWN_KEYS = 4  #: of more keys, a text lists this many, and the last

_NUMBER = r"(?:0|[1-9][0-9]{0,5})"
_KEY = re.compile(rf"(?:{_NUMBER}(?:\.{_NUMBER})*)?")


def option_numbers(key: str) -> tuple[int, ...] | None:
    """Return the option numbers of a network's key; None where the text is no key of any network."""
    if not _KEY.fullmatch(key):
        return None
    return tuple(map(int, key.split("."))) if key else ()


def keys_text(keys: Sequence[str]) -> str:
    """Return the keys of options as text: all of them, or of more than MOST_KEYS the first ones, the last one and their
    number."""
    if len(keys) <= MOST_KEYS:
        return ", ".join(keys)
    return f"{', '.join(keys[:SHOWN_KEYS])}, ..., {keys[-1]} ({len(keys):,} options)"
