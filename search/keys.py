"""Keys as text: of a network, the numbers of its options; of options, their names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

MOST_KEYS = 100  #: keys of options that a text lists in full
SHOWN_KEYS = 4  #: of more keys, a text lists this many, and the last

_NUMBER = re.compile(r"0|[1-9][0-9]{0,5}")


class Keyed(Protocol):
    """Protocol of an object with a key, such as an option."""

    @property
    def key(self) -> str: ...


def option_number(part: str, options: Sequence[Keyed]) -> int | None:
    """Return the number that a part of a network's key names: a number, or the key of one of ``options``; None for
    other text. A number that is none of an option, but a key, such as that of a size, is a key."""
    number = int(part) if _NUMBER.fullmatch(part) else None
    if number is not None and number < len(options):
        return number
    return next((place for place, option in enumerate(options) if option.key == part), number)


def keys_text(keys: Sequence[str]) -> str:
    """Return the keys of options as text: all of them, or of more than MOST_KEYS the first ones, the last one and their
    number."""
    if len(keys) <= MOST_KEYS:
        return ", ".join(keys)
    return f"{', '.join(keys[:SHOWN_KEYS])}, ..., {keys[-1]} ({len(keys):,} options)"
