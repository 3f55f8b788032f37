"""Seals of records: ``crc32`` is the checksum of the rest of the record, as JSON with sorted keys and no spaces.

Without it, a changed digit would read as another result. Lines of latency tables and of judged networks have one.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

SEAL = "crc32"


def sealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record with its checksum added."""
    return {**record, SEAL: _crc32(record)}


def unsealed(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record without its checksum; ValueError when the checksum does not match the rest."""
    if SEAL not in record:
        raise ValueError(f"the record has no {SEAL}")
    rest = {name: value for name, value in record.items() if name != SEAL}
    try:
        expected = _crc32(rest)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if type(record[SEAL]) is not int or record[SEAL] != expected:
        raise ValueError(f"the record was changed after it was written (its {SEAL} differs)")
    return rest


def _crc32(record: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
