"""Reading of ``.npz`` files that others may have made: the headers are read and checked before memory is taken."""

from __future__ import annotations

import math
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_ENDING = ".npy"
_MOST_ARRAYS = 100_000
_TIGHT = 200  # no pictures or weights are packed so tightly; zeros are, up to 1032 times
_SMALL_BYTES = 256 << 20  # below this, an array of zeros does no harm


class ArrayHeader(NamedTuple):
    """Header of an array in the file: its type and shape, and its size in memory."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size_bytes(self) -> int:
        """Size in memory, bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


#: headers by name -> names of the arrays to read; it may raise InputError
Choice = Callable[[Mapping[str, ArrayHeader]], Iterable[str]]


def read_npz(path: Path, choose: Choice = tuple) -> dict[str, NDArray[Any]]:
    """Return the arrays that ``choose`` selects from the headers of all arrays in the file.

    OSError where the file cannot be read; ValueError, with the reason, where it is no ``.npz`` of plain arrays, where
    a header does not fit the content, and where the arrays do not fit into memory.
    """
    try:
        # a FIFO would block, and a folder has no content
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError("not a file")
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = {info.filename.removesuffix(_ENDING): info for info in archive.infolist()}
            if len(members) != len(archive.infolist()) or len(members) > _MOST_ARRAYS:
                raise ValueError("it names an array twice, or too many arrays")
            headers = {name: _header(archive, info, name) for name, info in members.items()}
            chosen = list(choose(headers))
            _check_size(sum(headers[name].size_bytes for name in chosen), path.stat().st_size)
            return {name: _array(archive, members[name]) for name in chosen}
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
    except MemoryError as error:
        raise ValueError("its arrays do not fit into memory") from error


def _header(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> ArrayHeader:
    """Return the header of one array; ValueError where the member holds more or fewer bytes than it says."""
    with archive.open(info) as member:
        version = np.lib.format.read_magic(member)
        if version not in ((1, 0), (2, 0)):
            raise ValueError(f"{name} is of the npy version {version}, which plain arrays do not have")
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(member)
        begin = member.tell()
    header = ArrayHeader(dtype, tuple(map(int, shape)))
    if dtype.hasobject:
        raise ValueError(f"{name} holds Python objects (a pickle), which edgenas never opens")
    if any(n < 0 for n in header.shape) or begin + header.size_bytes != info.file_size:
        raise ValueError(
            f"{name} is {dtype}{header.shape} by its header, {header.size_bytes:,} bytes, but holds "
            f"{info.file_size - begin:,}"
        )
    return header


def _check_size(total: int, packed: int) -> None:
    """Raise ValueError where arrays of ``total`` bytes do not fit into memory, or cannot come from ``packed`` bytes."""
    if total > _SMALL_BYTES and total > _TIGHT * packed:
        raise ValueError(f"its arrays have {total:,} bytes in a file of {packed:,}: the same values again and again")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if total > memory:
        raise ValueError(f"its arrays have {total:,} bytes, more than the {memory:,} of this machine's memory")


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(info) as member:
        array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        if member.read(1):
            raise ValueError(f"{info.filename} goes on behind its array")
    return array
