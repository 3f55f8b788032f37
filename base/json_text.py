"""The one reader of JSON text from outside: files on disk, and output of devices."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_MOST_DIGITS = 300  #: of a whole number; a float holds up to 1.8e308


def parse_json(text: str | bytes) -> Any:
    """Return the value of a JSON text; ValueError for what is not JSON, for a repeated key, NaN, Infinity, a number
    beyond the range of a float, and for values that are nested too deeply."""
    if isinstance(text, bytes):
        encoding = "utf-8" if text.startswith(b'{"') else json.detect_encoding(text)
        text = text.decode(encoding, "surrogatepass")
    if text.startswith("\ufeff"):
        raise ValueError("it begins with a byte-order mark")
    try:
        return (_CAREFUL if _may_be_huge(text) else _PLAIN).decode(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parse_line(line: str | bytes) -> dict[str, Any]:
    """Return the JSON object of one line; ValueError as in ``parse_json``, and for any other value."""
    record = parse_json(line)
    if not isinstance(record, dict):
        raise ValueError("not a JSON object")
    return record


def glanced(text: str | bytes) -> Any:
    """Return the value of a JSON text without the checks of ``parse_json``; None for text that is not JSON. Use it to
    recognise the kind of a file; the reader of that kind then makes all checks.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not a JSON number")


def _number(text: str) -> float:
    value = float(text)
    if not -math.inf < value < math.inf:
        raise ValueError(f"the number {text[:20]} is beyond the range of a float")
    return value


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:  # OverflowError wherever such a number meets a float
        raise ValueError(f"the number {text[:20]}... is beyond the range of a float")
    return int(text)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is given twice")
    return record


def _may_be_huge(text: str) -> bool:
    """Return False if no number in the text is beyond the range of a float. The exact check of each number takes as
    long as all other reading, so this test comes first. A number of 300 digits covers 42 neighbours of every seventh
    character.
    """
    return any(pattern.search(text) for pattern in _EXPONENTS) or bool(_DIGITS.search(text[::_STEP]))


_STEP = 7
_DIGITS = re.compile(f"[0-9]{{{_MOST_DIGITS // _STEP}}}")
_EXPONENTS = (re.compile(r"e\+?[0-9]{3}"), re.compile(r"E\+?[0-9]{3}"))  # one letter each: ten times as fast as [eE]
_PLAIN = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)
_CAREFUL = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=_whole, parse_float=_number, object_pairs_hook=_unique
)
