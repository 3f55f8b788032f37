"""Numbers of things in sentences: '1 block', '2 blocks', '1,234 classes'."""

from __future__ import annotations

_LONG = ("s", "x", "ch", "sh")  #: ends of nouns that take 'es'


def counted(number: int, noun: str, verb: str = "") -> str:
    """Return the number and the noun, in the singular or the plural; ``verb`` is "is", "was" or "has", of which "are",
    "were" or "have" is the plural. ``noun`` may be several words, of which the last takes the plural.

    >>> counted(1, "held-out network"), counted(2, "class"), counted(0, "entry")
    ('1 held-out network', '2 classes', '0 entries')
    >>> counted(1, "block", "was"), counted(1234, "block", "was")
    ('1 block was', '1,234 blocks were')
    """
    if number != 1:
        noun, verb = plural(noun), {"is": "are", "was": "were", "has": "have"}.get(verb, verb)
    return f"{number:,} {noun} {verb}".rstrip()


def plural(noun: str) -> str:
    """Return the plural of a regular noun.

    >>> plural("switch"), plural("boundary"), plural("day")
    ('switches', 'boundaries', 'days')
    """
    if noun.endswith(_LONG):
        return f"{noun}es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}s"
