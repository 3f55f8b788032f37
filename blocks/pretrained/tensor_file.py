"""Reading of tensors that others saved, from ``.safetensors``, ``.npz`` and ``.pth``: the content decides which.

Nothing in a file is executed, and only the tensors that are wanted take memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.reading import reading
from edgenas.blocks.npz import ArrayHeader, Choice, read_npz
from edgenas.blocks.pretrained.pickles import WRAPPERS, read_pickled
from edgenas.blocks.pretrained.safetensors import read_safetensors
from edgenas.blocks.weights import Array

_FORMATS = ".safetensors, .npz and .pth"
_PREFIXES = ("module", *WRAPPERS)  # torch's DataParallel; wrappers, where a file has no dictionaries


def read_tensors(path: Path, choose: Choice) -> tuple[dict[str, Array], dict[str, str]]:
    """Return the tensors that ``choose`` names, in float32, and the texts that the file says of itself.

    ``choose`` gets the headers of all tensors. Prefixes that all names share, such as 'module.', are removed from names
    first. InputError, with the reason, where the file cannot be read, is damaged, or holds anything but tensors, and
    where a value is not finite.
    """
    names: dict[str, str] = {}

    def chosen(headers: Mapping[str, ArrayHeader]) -> Iterable[str]:
        prefix = shared_prefix(headers)
        names.update({name: name.removeprefix(prefix) for name in headers})
        inner = {own: name for name, own in names.items()}
        return [inner[own] for own in choose({names[name]: header for name, header in headers.items()})]

    try:
        arrays, about = _read(path, chosen)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}; name a file of weights ({_FORMATS})") from error
    except (ValueError, MemoryError, UnicodeDecodeError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} is not a file of weights ({_FORMATS}): {why}") from error
    found = {names[name]: np.ascontiguousarray(array, dtype=np.float32) for name, array in arrays.items()}
    for name, array in found.items():
        if not np.isfinite(array).all():
            raise InputError(f"{path}: {name} holds values that are not finite; download the file again")
    return found, about


def shared_prefix(names: Iterable[str]) -> str:
    """Return the prefix that all ``names`` share, of those that trainings put before the names of a network, such as
    'module.' or 'state_dict.module.'."""
    found = list(names)
    prefix = ""
    while found:
        word = next((w for w in _PREFIXES if all(n.startswith(f"{prefix}{w}.") for n in found)), None)
        if word is None:
            break
        prefix += f"{word}."
    return prefix


def _read(path: Path, choose: Choice) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    with reading(path, "pretrained") as file:
        head = file.read(9)
    if head.startswith(b"PK\x03\x04"):
        return (read_npz(path, choose) if _holds_arrays(path) else read_pickled(path, choose)), {}
    if head[8:9] == b"{":
        return read_safetensors(path, choose)
    if head.startswith(b"\x80"):
        return read_pickled(path, choose), {}
    raise ValueError("its first bytes are those of no such file" if head else "it is empty")


def _holds_arrays(path: Path) -> bool:
    """Return whether an archive is NumPy's; torch's has other members. ValueError for a damaged archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return all(info.filename.endswith(".npy") for info in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise ValueError("it is a damaged archive; download it again") from error
