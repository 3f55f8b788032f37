"""Outputs of a delegate against the CPU's: differences, zeros, NaN, steps of int8, and what a model's input is."""

from __future__ import annotations

import math
import struct

import pytest

from edgenas.profiler.runtimes.tool_comparison import comparison_files, difference, random_numbers, wrong
from tests.support.tool_helpers import models


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def test_differences() -> None:
    assert difference(floats(1, -2), floats(1, -2.5), "fp32").rel == pytest.approx(0.2)
    assert difference(floats(0, 0), floats(1, -2.5), "fp32").fault == "zeros"
    assert difference(floats(math.nan, 0), floats(1, -2.5), "fp32").fault == "NaN"
    assert difference(floats(0, 0), floats(0, 0), "fp32").rel == 0.0
    assert difference(floats(0, 1), floats(0, 0), "fp32").rel == math.inf
    assert difference(struct.pack("3b", 1, -3, 100), struct.pack("3b", 1, -1, 101), "int8").steps == 2
    for mine, cpu in ((b"", b""), (floats(1), floats(1, 2)), (b"abc", b"abc"), (b"0" * 8000, b"0" * 8000)):
        with pytest.raises(ValueError, match="outputs of"):
            difference(mine, cpu, "fp32")


@pytest.mark.parametrize(
    ("apart", "arithmetic", "fine"),
    [(5e-5, "fp32", 1), (5e-4, "fp32", 0), (5e-4, "fp16", 1), (5e-4, "", 1), (0.1, "", 0)],
)
def test_limits(apart: float, arithmetic: str, fine: bool) -> None:
    found = difference(floats(1 + apart, 0.5), floats(1, 0.5), "fp32")
    assert (wrong(found, "gpu", "fp32", arithmetic) == "") == bool(fine)


def test_int8_that_is_not_int8() -> None:
    other = difference(struct.pack("3b", 62, -31, 66), struct.pack("3b", 94, -37, 90), "int8")
    assert "32 steps" in wrong(other, "hexagon", "int8", "")
    assert wrong(difference(b"\x01\x05", b"\x02\x05", "int8"), "hexagon", "int8", "") == ""


def test_the_input_of_a_model() -> None:
    first = next(iter(models().values()))
    (content,) = comparison_files(7, first).values()
    size, layer, shape, files = content.decode().split()
    name = layer.removeprefix("--input_layer=")
    assert (size, shape) == ("768", "--input_layer_shape=1,8,8,3")
    assert files == f"--input_layer_value_files={name}:input" and name
    assert comparison_files(0, b"not a model") == comparison_files(0, b"x" * 100) == {}


def test_random_numbers_are_the_same_each_time() -> None:
    assert random_numbers("fp32") == random_numbers("fp32") and len(random_numbers("int8")) == 65_536
    assert all(-1 <= value <= 1 for (value,) in struct.iter_unpack("<f", random_numbers("fp32")))
