"""Reading of ``.safetensors`` files: the header is checked before an array is read, and only chosen arrays are read.

Format (github.com/huggingface/safetensors, "Format"): 8 bytes with the length of the header, the header in JSON, which
gives each tensor's type, shape and place, then the bytes of all tensors without gaps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.json_text import parse_json
from edgenas.base.reading import reading
from edgenas.blocks.npz import ArrayHeader, Choice

_MOST_HEADER = 16 << 20  # bytes; the networks of edgenas need less than a hundredth of it
_ABOUT = "__metadata__"
#: type of the format -> type that NumPy reads; BF16 is the upper half of a float32, which NumPy lacks
_TYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
_Place = tuple[str, ArrayHeader, int]  # type of the format, header, offset in the file


def read_safetensors(path: Path, choose: Choice) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return the arrays that ``choose`` selects from the headers of all arrays, and the texts of ``__metadata__``.

    BF16 becomes float32. InputError where the file cannot be read; ValueError, with the reason, where it is no
    ``.safetensors`` file.
    """
    with reading(path, "pretrained") as file:
        places, about = _places(file)
        chosen = list(choose({name: header for name, (_, header, _) in places.items()}))
        return {name: _array(file, *places[name]) for name in chosen}, about


def metadata(path: Path) -> dict[str, str]:
    """Return the texts of ``__metadata__``; none where the file is no ``.safetensors`` file, or cannot be read."""
    try:
        with reading(path, "pretrained") as file:  # which does not wait for a FIFO
            return _places(file)[1]
    except (OSError, ValueError):
        return {}


def _places(file: BufferedReader) -> tuple[dict[str, _Place], dict[str, str]]:
    """Return the place of every tensor, and the metadata; ValueError where the header does not describe the file."""
    size = os.fstat(file.fileno()).st_size
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or not 2 <= length <= min(size - 8, _MOST_HEADER):
        raise ValueError(f"its header has {length:,} bytes by its first number, in a file of {size:,}")
    header = parse_json(file.read(length))
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    about = header.pop(_ABOUT, {})
    if not isinstance(about, dict) or not all(isinstance(value, str) for value in about.values()):
        raise ValueError(f"{_ABOUT} holds other values than texts")
    places: dict[str, _Place] = {}
    spans = []
    for name, entry in header.items():
        kind, array, begin, end = _entry(name, entry)
        places[name] = kind, array, 8 + length + begin
        spans.append((begin, end))
    at = 0
    for begin, end in sorted(spans):
        if begin != at:
            raise ValueError(f"its tensors overlap or leave a gap at byte {at:,}")
        at = end
    if at != size - 8 - length:
        raise ValueError(f"its tensors have {at:,} bytes, but the file holds {size - 8 - length:,}")
    return places, about


def _entry(name: str, entry: Any) -> tuple[str, ArrayHeader, int, int]:
    """Return type, header, and begin and end in bytes of one tensor."""
    if not isinstance(entry, Mapping) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name[:80]!r} has no dtype, shape and data_offsets")
    kind, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"{name[:80]!r} has the type {kind!r:.20}, which is none of {', '.join(_TYPES)}")
    if not _whole(shape) or not _whole(offsets) or len(offsets) != 2:
        raise ValueError(f"shape and place of {name[:80]!r} are no whole numbers")
    begin, end = offsets
    stored = np.dtype(_TYPES[kind])
    if end - begin != math.prod(shape) * stored.itemsize:
        raise ValueError(f"{name[:80]!r} is {kind}{tuple(shape)} by its header, but has {end - begin:,} bytes")
    return kind, ArrayHeader(np.dtype(np.float32) if kind == "BF16" else stored, tuple(shape)), begin, end


def _whole(values: Any) -> bool:
    return isinstance(values, list) and len(values) <= 8 and all(type(n) is int and 0 <= n < 2**48 for n in values)


def _array(file: BufferedReader, kind: str, header: ArrayHeader, offset: int) -> NDArray[Any]:
    stored = np.dtype(_TYPES[kind])
    file.seek(offset)
    found: NDArray[Any] = np.frombuffer(file.read(math.prod(header.shape) * stored.itemsize), stored)
    if kind == "BF16":
        found = (found.astype(np.uint32) << 16).view(np.float32)
    return found.reshape(header.shape)
