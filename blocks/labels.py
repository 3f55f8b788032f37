"""Class names of a network, and the file ``labels.txt`` that holds them: UTF-8, one name a line, lines end at ``\\n``
only.

    labels_text(("ant", "bee"))                  -> "ant\\nbee\\n"
    parse_labels(b"ant\\nbee\\n", "labels.txt")    -> ("ant", "bee")

A name that holds any kind of line break is refused when it is read, because other programs split ``labels.txt`` there.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from edgenas.base.errors import InputError
from edgenas.base.text import CONTROLS, escaped

_BYTE_ORDER_MARK = "\ufeff"
_NUMBERED = re.compile(r"(\d+)[ \t:,]+(\S.*)")


def class_name(text: str, where: object) -> str:
    """Return ``text`` as a class name in Unicode's form NFC, so that decomposed names of macOS equal composed ones.

    InputError for a name that cannot be one line of ``labels.txt``; the message names ``where`` the name stands.
    """
    bad = next((c for c in text if unicodedata.category(c) in CONTROLS), "")
    if bad or text.startswith(_BYTE_ORDER_MARK) or not text.strip():
        what = _named(bad) if bad else "a byte order mark" if text.strip() else "nothing but spaces"
        raise InputError(
            f"{escaped(where)}: the class name '{escaped(text)}' holds {what}; a class name is one line of UTF-8 "
            f"text, because labels.txt has one name a line: rename it"
        )
    return unicodedata.normalize("NFC", text)


def labels_text(names: Iterable[str]) -> str:
    """Return the content of ``labels.txt`` for the class names."""
    return "".join(f"{name}\n" for name in names)


def parse_labels(data: bytes, where: object) -> tuple[str, ...]:
    """Return the class names in ``labels.txt``; an empty line is an empty name.

    A byte order mark and the ``\\r`` of Windows line ends are removed. InputError for bytes that are not UTF-8, and for
    names that ``class_name`` refuses; the message begins with ``where``.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{escaped(where)} is not UTF-8 text (byte {error.start}: 0x{data[error.start]:02x}); save it as UTF-8"
        ) from error
    lines = [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")] if text else []
    return tuple(
        class_name(line, f"{escaped(where)}, line {number}") if line.strip() else ""
        for number, line in enumerate(lines, 1)
    )


def without_numbers(names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the names without their numbers, for lines such as '0 apple', '1 bread', as Teachable Machine writes them;
    None unless there are at least two lines and every line begins with its index."""
    matches = [_NUMBERED.fullmatch(name) for name in names]
    plain = tuple(match[2] for i, match in enumerate(matches) if match and match[1] == str(i))
    return plain if len(plain) == len(names) >= 2 else None


def _named(character: str) -> str:
    if unicodedata.category(character) == "Cs":
        return "bytes that are not UTF-8"
    names = {"\n": "a line feed", "\r": "a carriage return", "\t": "a tab", "\f": "a form feed"}
    return names.get(character, f"the control character U+{ord(character):04X}")
