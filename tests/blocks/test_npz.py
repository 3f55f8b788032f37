"""Files of arrays that are damaged or lie about their size: an error, before memory is taken."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.npz import ArrayHeader, read_npz
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import load_weights, network_random_weights, save_weights

BLOCKS = tuple(BlockSpec.parse(t) for t in ("conv-8x3-o4-k3-s1-relu6", "head-8x4-o3"))


def header(shape: tuple[int, ...], dtype: str = "<f4") -> bytes:
    """The header of an .npy, of any size."""
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": dtype, "fortran_order": False, "shape": shape})
    return out.getvalue()


def packed(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return path


def test_arrays_come_back(tmp_path: Path) -> None:
    given = {"a": np.arange(6).reshape(2, 3), "b": np.array(["x", "yz"]), "c": np.float32(3), "d": np.empty((0, 4))}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **given)
        found = read_npz(tmp_path / "a.npz")
        assert {n: (a.dtype, a.shape, a.tolist()) for n, a in found.items()} == {
            n: (np.asarray(a).dtype, np.shape(a), np.asarray(a).tolist()) for n, a in given.items()
        }
    seen: list[Any] = []
    assert list(read_npz(tmp_path / "a.npz", lambda headers: seen.append(headers["a"]) or ["c"])) == ["c"]
    assert seen == [ArrayHeader(np.dtype(int), (2, 3))]
    fortran = np.asfortranarray(given["a"])
    np.savez(tmp_path / "f.npz", a=fortran)
    assert np.array_equal(read_npz(tmp_path / "f.npz")["a"], given["a"])


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"a": header((10**6, 10**6)) + bytes(64)}, "4,000,000,000,000 bytes, but holds 64"),
        ({"a": header((2,)) + bytes(7)}, "8 bytes, but holds 7"),
        ({"a": header((2,)) + bytes(9)}, "8 bytes, but holds 9"),
        ({"a": header((-1,)) + bytes(4)}, "by its header|not valid|shape"),
        ({"a": header((1,), "|O") + b"\x80\x04N."}, "Python objects"),
        ({"a": b"no header at all"}, "magic string"),
        ({"a": b"\x93NUMPY\x09\x00"}, "npy version"),
    ],
)
def test_refused(tmp_path: Path, members: dict[str, bytes], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_npz(packed(tmp_path / "a.npz", **members))


def test_zeros_that_are_packed_tightly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.npz", a=header((1 << 20,), "|u1") + bytes(1 << 20))
    assert not read_npz(path)["a"].any()  # a small one does no harm
    monkeypatch.setattr("edgenas.blocks.npz._SMALL_BYTES", 1 << 16)
    with pytest.raises(ValueError, match=r"1,048,576 bytes in a file of .*: the same values again and again"):
        read_npz(path)
    assert read_npz(path, lambda headers: ()) == {}


def test_other_files(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04", b"\x93NUMPY", b"text"):
        (tmp_path / "a.npz").write_bytes(content)
        with pytest.raises(ValueError, match="zip"):
            read_npz(tmp_path / "a.npz")
    with (tmp_path / "b.npz").open("wb") as file:
        np.save(file, np.zeros(3))  # an .npy of the wrong name
    with pytest.raises(ValueError, match="zip"):
        read_npz(tmp_path / "b.npz")
    with pytest.raises(ValueError, match="not a file"):
        read_npz(tmp_path)
    with pytest.raises(OSError, match="No such file"):
        read_npz(tmp_path / "none")


def test_damaged_files_raise_nothing_else(tmp_path: Path) -> None:
    """Files that end early, and files with a few changed bytes."""
    path = tmp_path / "a.npz"
    refused = 0
    for save, seed in ((np.savez, 0), (np.savez_compressed, 1)):
        save(path, a=np.arange(300.0), b=np.array(["x"]))
        whole, chance = path.read_bytes(), random.Random(seed)
        for case in range(150):
            content = bytearray(whole)
            if case % 3 == 0:
                del content[chance.randrange(len(content)) :]
            else:
                content[chance.randrange(len(content))] = chance.randrange(256)
            path.write_bytes(content)
            try:
                read_npz(path)
            except (ValueError, OSError) as error:
                refused += 1
                assert str(error)
    assert refused > 200


def test_weights_are_compared_with_the_network_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.npz"
    save_weights(path, network_random_weights(BLOCKS))
    assert [len(arrays) for arrays in load_weights(path, BLOCKS)] == [2, 2]
    zeros = header((1 << 20,), "<f4") + bytes(1 << 22)
    for name, why in (
        ("0.conv.weight", "missing or not wanted"),
        ("7.conv.weight", "'7.conv.weight' belongs to no block of a network of 2 blocks"),
        ("²", "belongs to no block"),
    ):
        with pytest.raises(InputError, match=why):
            load_weights(packed(path, **{name: zeros if name[0] == "0" else header((1,)) + bytes(4)}), BLOCKS)
    assert path.stat().st_size < 5000
    path.write_bytes(b"PK")
    with pytest.raises(InputError, match=r"weights.npz is not a file of weights .*zip"):
        load_weights(path, BLOCKS)
    with pytest.raises(InputError, match=r"none.npz: No such file.*; name the weights.npz of a run"):
        load_weights(tmp_path / "none.npz", BLOCKS)
