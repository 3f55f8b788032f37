"""Class names of a network, and the file ``labels.txt`` that carries them: UTF-8, one name a line, ``\\n`` alone ends
a line.

    labels_text(("ant", "bee"))                  -> "ant\\nbee\\n"
    parse_labels(b"ant\\nbee\\n", "labels.txt")    -> ("ant", "bee")

A name that holds a line break of any kind is refused when it is read: other programs split ``labels.txt`` there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from edgenas.base.errors import InputError

#: Unicode categories of controls (line feed, tab, form feed, U+0085 ...), U+2028, U+2029, and bytes that are not UTF-8
_REFUSED = frozenset(["Cc", "Zl", "Zp", "Cs"])
_BYTE_ORDER_MARK = "\ufeff"
_NUMBERED = re.compile(r"(\d+)[ \t:,]+(\S.*)")


def class_name(text: str, where: object) -> str:
    """``text`` as a class name in Unicode's form NFC, so that macOS's decomposed names equal others. InputError names
    ``where`` it stands, for a name that cannot be one line of ``labels.txt``."""
    bad = next((c for c in text if unicodedata.category(c) in _REFUSED), "")
    if bad or text.startswith(_BYTE_ORDER_MARK) or not text.strip():
        what = _named(bad) if bad else "a byte order mark" if text.strip() else "nothing but spaces"
        raise InputError(
            f"{printable(where)}: the class name '{printable(text)}' holds {what}; a class name is one line of UTF-8 "
            f"text, because labels.txt has one name a line: rename it"
        )
    return unicodedata.normalize("NFC", text)


def labels_text(names: Iterable[str]) -> str:
    """Content of ``labels.txt``."""
    return "".join(f"{name}\n" for name in names)


def parse_labels(data: bytes, where: object) -> tuple[str, ...]:
    """Names in ``labels.txt``; empty lines are kept as empty names. A byte order mark and the ``\\r`` of Windows line
    ends are dropped. InputError for bytes that are not UTF-8, and for names that ``class_name`` refuses."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{printable(where)} is not UTF-8 text (byte {error.start}: 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    return tuple(
        class_name(line, f"{printable(where)}, line {number}") if line.strip() else ""
        for number, line in enumerate(lines, 1)
    )


def without_numbers(names: Sequence[str]) -> tuple[str, ...] | None:
    """Names of lines such as '0 apple', '1 bread', as Teachable Machine writes them: every line begins with its own
    index. None where the lines are not numbered so."""
    found = [_NUMBERED.fullmatch(name) for name in names]
    plain = tuple(match[2] for i, match in enumerate(found) if match and match[1] == str(i))
    return plain if len(plain) == len(names) >= 2 else None


def printable(text: object) -> str:
    """``text`` on one line that can be printed and written: controls and bytes that are not UTF-8 as escapes."""
    return "".join(_escaped(c) if unicodedata.category(c) in _REFUSED else c for c in str(text))


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # how Python keeps a byte of a file name that is not UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else repr(character)[1:-1]


def _named(character: str) -> str:
    if unicodedata.category(character) == "Cs":
        return "bytes that are not UTF-8"
    names = {"\n": "a line feed", "\r": "a carriage return", "\t": "a tab", "\f": "a form feed"}
    return names.get(character, f"the control character U+{ord(character):04X}")
