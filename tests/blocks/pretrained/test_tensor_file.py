"""Files of tensors that others saved: what is in them, and what is refused before anything is executed or filled."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import resource
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.tensor_file import read_tensors, shared_prefix

torch = pytest.importorskip("torch")

GIVEN = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array([1.5], np.float32)}


def safetensors(tensors: dict[str, tuple[str, list[int], bytes]], about: dict[str, Any] | None = None) -> bytes:
    """The bytes of a ``.safetensors`` file, by the description of the format."""
    header: dict[str, Any] = {} if about is None else {"__metadata__": about}
    at, body = 0, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [at, at + len(content)]}
        at, body = at + len(content), body + content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def plain() -> bytes:
    return safetensors({name: ("F32", list(array.shape), array.tobytes()) for name, array in GIVEN.items()})


def as_tensors(prefix: str = "") -> dict[str, Any]:
    return {prefix + name: torch.from_numpy(array.copy()) for name, array in GIVEN.items()}


def saved(path: Path, value: Any, *, zipped: bool = True) -> Path:
    torch.save(value, path, _use_new_zipfile_serialization=zipped)
    return path


def check(path: Path) -> None:
    """The file holds GIVEN, and one of its tensors can be read alone."""
    found, _ = read_tensors(path, list)
    assert {name: array.tolist() for name, array in found.items()} == {n: a.tolist() for n, a in GIVEN.items()}
    assert all(array.dtype == np.float32 for array in found.values())
    assert list(read_tensors(path, lambda headers: ["b"])[0]) == ["b"]


def test_the_three_formats_hold_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(plain())
    np.savez(tmp_path / "a.npz", **GIVEN)
    for name in ("a.safetensors", "a.npz"):
        check(tmp_path / name)
    check(saved(tmp_path / "new.pth", as_tensors()))
    check(saved(tmp_path / "old.pth", OrderedDict(as_tensors()), zipped=False))


def test_what_the_writer_of_the_format_writes_is_read(tmp_path: Path) -> None:
    library = pytest.importorskip("safetensors.torch")
    bf16 = {**as_tensors(), "half": torch.tensor([1.0, -2.5], dtype=torch.bfloat16)}
    library.save_file(bf16, tmp_path / "a.safetensors", metadata={"license": "MIT"})
    found, about = read_tensors(tmp_path / "a.safetensors", list)
    assert found["half"].tolist() == [1.0, -2.5] and found["a.weight"].tolist() == GIVEN["a.weight"].tolist()
    assert about == {"license": "MIT"}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda t: {"state_dict": t},
        lambda t: {"model": t, "epoch": 3, "optimizer": {"lr": 0.1}},
        lambda t: {"model": {"state_dict": t}},
        lambda t: {"state_dict": {n: v * 0 for n, v in t.items()}, "model_ema": t},
        lambda t: {"model_ema": {n: v * 0 for n, v in t.items()}, "state_dict_ema": t},
        lambda t: {"state_dict": {f"module.{n}": v for n, v in t.items()}},
    ],
)
def test_wrappers_are_looked_into(wrap: Callable[[Any], Any], tmp_path: Path) -> None:
    check(saved(tmp_path / "a.pth", wrap(as_tensors())))


def test_prefixes_of_all_names_are_removed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **{f"state_dict.module.{name}": array for name, array in GIVEN.items()})
    check(tmp_path / "a.npz")
    assert shared_prefix(["model.a", "model.b"]) == "model."
    assert shared_prefix(["model.a", "head.b"]) == shared_prefix(["models.a"]) == shared_prefix([]) == ""


class Executed:
    """An object whose pickle runs a program when it is opened by Python's own reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.mark}",)


def hostile(path: Path) -> dict[str, bytes | Path]:
    """Name -> a file that must be refused, with what it would execute or fill."""
    mark = path / "executed"
    old, zipped = io.BytesIO(), io.BytesIO()
    torch.save({"a": Executed(mark)}, old, _use_new_zipfile_serialization=False)
    torch.save({"a": Executed(mark)}, zipped)
    module = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2), module)
    script = io.BytesIO()
    with zipfile.ZipFile(script, "w") as archive:
        for name in ("a/data.pkl", "a/constants.pkl", "a/code/__torch__.py"):
            archive.writestr(name, b"\x80\x02}.")
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", pickle.dumps({}, 2))
        archive.writestr("a/data/0", bytes(1 << 26))
    objects = io.BytesIO()
    np.savez(objects, a=np.array([Executed(mark)], object))
    huge = safetensors({})[:0] + struct.pack("<Q", 1 << 60) + b"{"
    lie = json.dumps({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}).encode()
    gap = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}).encode()
    sparse = io.BytesIO()
    torch.save({"a": torch.eye(2).to_sparse()}, sparse)
    return {
        "pickle that executes": pickle.dumps(Executed(mark)),
        "old torch file that executes": old.getvalue(),
        "torch file that executes": zipped.getvalue(),
        "whole module": module.getvalue(),
        "TorchScript": script.getvalue(),
        "packed zeros": bomb.getvalue(),
        "objects in an npz": objects.getvalue(),
        "sparse": sparse.getvalue(),
        "list": pickle.dumps([1, 2]),
        "header of an exabyte": huge,
        "tensor beyond the file": struct.pack("<Q", len(lie)) + lie,
        "gap": struct.pack("<Q", len(gap)) + gap + bytes(8),
        "twice the same name": safetensors({"a": ("F32", [1], bytes(4))}).replace(b'"a"', b'"a"', 1)[:8]
        + b'{"a":1,"a":2}',
        "unknown type": safetensors({"a": ("F4", [1], bytes(4))}),
        "nothing": b"",
        "text": b"weights, as you asked",
        "not finite": safetensors({"a": ("F32", [1], np.float32(np.nan).tobytes())}),
    }


@pytest.mark.parametrize("name", list(hostile(Path())))
def test_hostile_files_are_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    content = hostile(tmp_path)[name]
    assert isinstance(content, bytes)
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_tensors(path, list)
    said = str(caught.value)
    assert str(path) in said and "\n" not in said and len(said) < 400
    assert "weights_only" not in said and "add_safe_globals" not in said  # torch's advice to execute the file
    assert not (tmp_path / "executed").exists()


def test_the_reason_names_the_object(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.pth", torch.nn.Linear(2, 2))
    with pytest.raises(InputError, match=r"holds Python objects \(torch\.nn\.modules\.linear\.Linear\)"):
        read_tensors(path, list)


def test_damaged_files_are_refused_or_read_right(tmp_path: Path) -> None:
    """Cut and changed files of all formats: an InputError, or tensors; never another error."""
    np.savez(tmp_path / "a.npz", **GIVEN)
    originals = [
        plain(),
        (tmp_path / "a.npz").read_bytes(),
        saved(tmp_path / "new.pth", as_tensors()).read_bytes(),
        saved(tmp_path / "old.pth", as_tensors(), zipped=False).read_bytes(),
    ]
    rng, path = random.Random(0), tmp_path / "damaged"
    refused = 0
    for original in originals:
        for _ in range(60):
            content = bytearray(original[: rng.randrange(1, len(original))] if rng.random() < 0.5 else original)
            for _ in range(rng.randrange(4)):
                content[rng.randrange(len(content))] = rng.randrange(256)
            path.write_bytes(content)
            try:
                read_tensors(path, list)
            except InputError:
                refused += 1
    assert refused > 120


def test_only_what_is_chosen_takes_memory(tmp_path: Path) -> None:
    """A file whose other tensors have 4 GB (a sparse file) is read inside 1 GB of memory."""
    head = {"small": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}
    large = 1 << 32
    head["large"] = {"dtype": "F32", "shape": [large // 4], "data_offsets": [8, 8 + large]}
    text = json.dumps(head).encode()
    path = tmp_path / "a.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + np.array([1, 2], np.float32).tobytes())
        file.truncate(8 + len(text) + 8 + large)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found, _ = read_tensors(path, lambda headers: ["small"])
    assert found["small"].tolist() == [1.0, 2.0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 20  # KiB


@pytest.mark.parametrize("make", [os.mkfifo, Path.mkdir, lambda path: None])
def test_what_is_no_file_is_refused(make: Callable[[Path], Iterable[Any] | None], tmp_path: Path) -> None:
    make(tmp_path / "a.pth")
    with pytest.raises(InputError, match=r"a\.pth"):
        read_tensors(tmp_path / "a.pth", list)
