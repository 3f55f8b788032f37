"""Text of others (file names, output of devices, published files) on one line that a terminal can show."""

from __future__ import annotations

import unicodedata

#: Unicode categories of controls (line feed, tab, form feed, U+0085 ...), U+2028, U+2029, and bytes that are not UTF-8
CONTROLS = frozenset(["Cc", "Zl", "Zp", "Cs"])


def printable(text: str, limit: int = 200) -> str:
    """Return one line of at most ``limit`` characters, spaces in place of those that cannot be printed: for output,
    where the words matter.

    >>> printable("out of\\nmemory\\x07")
    'out of memory'
    """
    return "".join(c if c.isprintable() else " " for c in text[: 10 * limit]).strip()[:limit]


def escaped(text: object) -> str:
    """Return one line, controls and bytes that are not UTF-8 as escapes: for names, where every character matters.

    >>> print(escaped("caf\\udce9\\n"))
    caf\\xe9\\n
    """
    return "".join(_escape(c) if unicodedata.category(c) in CONTROLS else c for c in str(text))


def _escape(character: str) -> str:
    byte = ord(character) - 0xDC00  # how Python keeps a byte of a file name that is not UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(character)[1:-1]
