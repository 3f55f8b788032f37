"""Files that are given as programs for a phone: which are accepted, and what the error says of the others."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.devices.phone_tools import describe_tool
from edgenas.devices.programs import phone_processor


def elf(machine: int = 183, bits: int = 2, kind: int = 3, start: int = 0x1000, content: bytes = b"") -> bytes:
    """A file with the header of an ELF file: class, byte order, version; type, machine, version, address of entry."""
    head = b"\x7fELF" + bytes([bits, 1, 1]) + bytes(9) + struct.pack("<HHI", kind, machine, 1)
    return (head + struct.pack("<Q" if bits == 2 else "<I", start)).ljust(64, b"\0") + content


@pytest.mark.parametrize(
    ("content", "processor"),
    [
        (elf(), "arm64"),
        (elf(kind=2), "arm64"),
        (elf(machine=40, bits=1), "arm"),
        (b"#!/system/bin/sh\n", "script"),
    ],
)
def test_programs_for_phones(tmp_path: Path, content: bytes, processor: str) -> None:
    path = tmp_path / "tool"
    path.write_bytes(content)
    assert phone_processor(path) == processor


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (elf(machine=62), "it is built for x86-64, and phones have arm64 or arm"),
        (elf(machine=3, bits=1), "it is built for x86, "),
        (elf(machine=183, bits=1), "it is built for arm64, "),
        (elf(machine=7), "processors of ELF machine 7"),
        (elf(kind=1), "type 1, such as an object file"),
        (elf(start=0), "a shared library"),
        (elf()[:30], "cut off within its header"),
        (b"", "it is empty"),
        (b"tool\n", "it begins with 'tool', not with an ELF header"),
        (b"\n<!DOCTYPE html>", "a web page"),
        (b"PK\x03\x04rest", "a zip archive; unpack it"),
        (b"MZ\x90", "a program for Windows"),
        (b"\xff\xfe\x00\x1b[31m", "not with an ELF header"),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "tool"
    path.write_bytes(content)
    with pytest.raises(InputError) as refused:
        phone_processor(path)
    assert str(refused.value).startswith(f"{path} is no program for phones: ")
    assert why in str(refused.value) and "android_arm64" in str(refused.value)
    assert str(refused.value).isprintable()


def test_this_python_is_no_program_for_phones() -> None:
    with pytest.raises(InputError, match="built for"):
        phone_processor(Path(sys.executable))


@given(content=st.binary(max_size=80), magic=st.booleans())
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, content: bytes, magic: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(b"\x7fELF" + content if magic else content)
    try:
        assert phone_processor(path) in ("arm64", "arm", "script")
    except InputError as error:
        assert str(path) in str(error)


def test_the_tools_are_told_apart(tmp_path: Path) -> None:
    litert, old, ort, other = (tmp_path / name for name in ("litert", "old", "ort", "other"))
    litert.write_bytes(elf(content=b"..Inference timings in us: ..litert/tools/benchmark_litert_model.cc.."))
    old.write_bytes(elf(content=b"..Inference timings in us: .."))
    ort.write_bytes(elf(machine=40, bits=1, content=b"..Average inference time cost total: .."))
    other.write_bytes(elf())
    assert describe_tool("benchmark_model", litert) == "LiteRT 2's benchmark_model, arm64"
    assert describe_tool("benchmark_model", old) == "TensorFlow Lite's benchmark_model, arm64"
    assert describe_tool("onnxruntime_perf_test", ort) == "ONNX Runtime's onnxruntime_perf_test, arm"
    assert describe_tool("benchmark_model", other) == "an unknown program, arm64"
    with pytest.raises(InputError, match="not benchmark_model; give it as --onnxruntime-perf-test"):
        describe_tool("benchmark_model", ort)
