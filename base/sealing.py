"""Seals, the checksums of records: ``crc32`` is computed from the rest of the record, as JSON with sorted keys and no
spaces.

Without it, a changed digit would read as another result. Lines of latency tables and of judged networks have one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any

SEAL = "crc32"
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


def _nothing(rest: dict[str, Any]) -> None:
    """Return None: the text of the record is not known."""


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its checksum added."""
    return {**record, SEAL: zlib.crc32(canonical(record))}


def unsealed(record: dict[str, Any], rest_text: Callable[[dict[str, Any]], bytes | None] = _nothing) -> dict[str, Any]:
    """Return the record without its checksum; ValueError when the checksum does not match the rest.

    ``rest_text`` may return the text of the rest where it is known already; a checksum that does not match that text is
    compared with the rest itself.
    """
    if SEAL not in record:
        raise ValueError(f"the record has no {SEAL}")
    rest = {name: value for name, value in record.items() if name != SEAL}
    known = rest_text(rest)
    if known is not None and type(record[SEAL]) is int and record[SEAL] == zlib.crc32(known):
        return rest
    try:
        expected = zlib.crc32(canonical(rest))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if type(record[SEAL]) is not int or record[SEAL] != expected:
        raise ValueError(f"the record was changed after it was written (its {SEAL} differs)")
    return rest


def canonical(record: dict[str, Any]) -> bytes:
    """Return a record as JSON with sorted keys and no spaces."""
    return _ENCODER.encode(record).encode()
