"""Reading of ``.pth`` files of torch, by its reader of tensors alone: nothing that such a file says is executed.

torch's ``weights_only=True`` refuses every object that is no tensor and no plain container of tensors. Its errors give
the advice to switch it off; this module passes on the reason, never that advice. Needs torch.
"""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import MissingExtraError
from edgenas.base.reading import open_regular, reading
from edgenas.blocks.npz import ArrayHeader, Choice

#: most bytes of a file in torch's older form, which is read as a whole: 16 times the largest network of edgenas
MOST_BYTES = 1 << 30
WRAPPERS = ("state_dict_ema", "model_ema", "state_dict", "model")  #: in the order of timm's reader: the mean is better
_DEPTH = 4  # wrappers inside wrappers
_OBJECT = re.compile(
    r"(?:Unsupported (?:global|class|operand)|GLOBAL|Trying to load unsupported GLOBAL)[:\s]+(?:GLOBAL )?([\w.]+)"
)


def read_pickled(path: Path, choose: Choice) -> dict[str, NDArray[Any]]:
    """Return the arrays that ``choose`` selects from the headers of all arrays; dictionaries named in WRAPPERS are
    looked into.

    InputError where the file cannot be read; ValueError, with the reason, where it holds other things than tensors;
    MissingExtraError without torch.
    """
    tensors = _tensors(_loaded(path))
    headers = {name: _header(name, tensor) for name, tensor in tensors.items()}
    return {name: _array(tensors[name]) for name in choose(headers)}


def _loaded(path: Path) -> Any:
    """Return what the file holds; ValueError with the reason where torch's reader of tensors refuses it."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError("torch", "train", "reading a .pth file") from error
    with reading(path, "pretrained") as file:
        zipped, size = file.read(4) == b"PK\x03\x04", path.stat().st_size
    if not zipped and size > MOST_BYTES:
        raise ValueError(f"it has {size:,} bytes; files in torch's older form may have {MOST_BYTES:,}")
    try:
        if zipped:
            _check_archive(path, size)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on types of storages that torch no longer writes
            if zipped:
                return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            with open(open_regular(path), "rb") as file:
                return torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError as error:
        raise ValueError("its tensors do not fit into memory") from error
    except Exception as error:  # torch's reader raises errors of all kinds for damaged files
        found = _OBJECT.search(str(error))
        raise ValueError(
            f"it holds Python objects ({found[1]}), which edgenas never opens"
            if found
            else "it is damaged, or holds other things than tensors"
        ) from error


def _check_archive(path: Path, size: int) -> None:
    """Raise ValueError for an archive that is a program, or whose members are larger than the file."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    names = {info.filename.partition("/")[2] for info in members}
    if "constants.pkl" in names or any(name.startswith("code/") for name in names):
        raise zipfile.BadZipFile("Unsupported global: GLOBAL TorchScript")
    if any(info.compress_type != zipfile.ZIP_STORED for info in members) or sum(i.file_size for i in members) > size:
        raise zipfile.BadZipFile("compressed")


def _tensors(found: Any) -> dict[str, Any]:
    """Return name -> tensor, from inside the wrappers; ValueError for anything else."""
    import torch

    for _ in range(_DEPTH):
        inner = next((found[w] for w in WRAPPERS if isinstance(found.get(w), dict)), None) if _is_dict(found) else None
        if inner is None:
            break
        found = inner
    if not _is_dict(found) or not found:
        raise ValueError(f"it holds {type(found).__name__}, not a dictionary of tensors")
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, torch.Tensor):
            raise ValueError(
                f"it holds {type(value).__name__} under {str(name)[:80]!r}, where a tensor is expected; save the "
                "network's state_dict() alone"
            )
    return dict(found)


def _is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def _header(name: str, tensor: Any) -> ArrayHeader:
    import torch

    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta or tensor.is_complex():
        raise ValueError(f"{name[:80]!r} is sparse, quantized, complex or empty; save plain tensors")
    kind = "f4" if tensor.is_floating_point() else "i8"
    return ArrayHeader(np.dtype(kind), tuple(tensor.shape))


def _array(tensor: Any) -> NDArray[Any]:
    import torch

    wanted = torch.float32 if tensor.is_floating_point() else torch.int64
    array: NDArray[Any] = tensor.detach().to(wanted).contiguous().numpy().copy()
    return array
