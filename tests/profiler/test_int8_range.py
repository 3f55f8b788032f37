"""Weights of int8 ONNX files on processors whose sums of 8-bit products saturate: x86 with AVX2 and without VNNI.

Such a processor is this one under qemu-user, which hides instruction sets through CPUID: ONNX Runtime then runs the
kernels that it has for the older one, and the numbers are those of that processor. Beside it, the same sums in NumPy.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights, random_weights
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.answers import answers
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.integer import weight_bits
from edgenas.profiler.export.quantize import quantized, random_activations, table_writer
from edgenas.profiler.export.quantize_onnx import WEIGHT_BITS
from edgenas.profiler.export.run import run_model
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.target import Target, this_machine
from tests.conftest import ROOT

pytest.importorskip("ai_edge_quantizer")

RELU6 = BlockSpec.parse("ir-14x8-m48-o8-k5-s1-se8-relu6-res")
HSWISH = BlockSpec.parse("ir-14x8-m48-o8-k5-s1-hswish-res")
HEAD = BlockSpec.parse("head-7x96-m64-o10-hswish")


def written(fmt: str, block: BlockSpec) -> bytes:
    return WRITERS[fmt]([block], network_random_weights([block]))


def sqnr_db(exact: NDArray[Any], rough: NDArray[Any]) -> float:
    return float(10 * np.log10((exact**2).mean() / ((exact - rough) ** 2).mean()))


def measured(folder: Path) -> dict[str, float]:
    """File -> decibels, of every file of ``folder`` against its block in float; this process runs them."""
    found = {}
    for path in sorted(folder.glob("*.model")):
        arrays = np.load(path.with_suffix(".npz"))
        found[path.stem] = sqnr_db(arrays["exact"], run_model(path.read_bytes(), arrays["x"]))
    return found


def prepare(folder: Path) -> None:
    """Each block in both formats, with its full range and, in ONNX, a reduced one."""
    for name, block in {"relu6": RELU6, "hswish": HSWISH, "head": HEAD}.items():
        for fmt, reduced in (("onnx", False), ("onnx", True), ("tflite", False)):
            floats, x = written(fmt, block), random_activations(block, 7)
            stem = f"{name}-{fmt}{'-reduced' if reduced else ''}"
            small = quantized(floats, "int8", random_activations(block), reduce_range=reduced)
            (folder / f"{stem}.model").write_bytes(small)
            np.savez(folder / f"{stem}.npz", x=x, exact=run_model(floats, x))


#: variables that force the instructions of another processor than the emulated one
FORCED = ("OPENBLAS_CORETYPE", "ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")


def qemu_argv(cpu: str) -> list[str]:
    """What runs this Python as on another processor; skips the test where it cannot."""
    qemu = shutil.which("qemu-x86_64") or shutil.which("qemu-x86_64-static")
    if qemu is None:
        pytest.skip("not installed: qemu-x86_64; type: tools/rig/install.sh (as root)")
    if platform.machine() != "x86_64":
        pytest.skip(f"qemu-x86_64 runs programs of x86-64, and this Python is one of {platform.machine()}")
    return [qemu, "-cpu", cpu, sys.executable]


def under_qemu(cpu: str, folder: Path) -> dict[str, float]:
    code = "import json, sys; from pathlib import Path; from tests.profiler.test_int8_range import measured; "
    code += "print(json.dumps(measured(Path(sys.argv[1]))))"
    argv = [*qemu_argv(cpu), "-c", code, str(folder)]
    env = {name: value for name, value in os.environ.items() if name not in FORCED} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, float] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_full_range_saturates_without_vnni_and_reduced_range_does_not(tmp_path: Path) -> None:
    prepare(tmp_path)
    found = under_qemu("Haswell", tmp_path)  # AVX2, as most x86 of 2013 to 2019
    print({name: round(db, 1) for name, db in found.items()})
    for name in ("relu6", "hswish"):
        assert found[f"{name}-onnx"] < 28 < 31 < found[f"{name}-onnx-reduced"]
    assert found["head-onnx"] < found["head-onnx-reduced"] - 2
    assert min(db for name, db in found.items() if name.endswith("tflite")) > 31, "LiteRT adds in 32 bits"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_before_avx2_nothing_saturates(tmp_path: Path) -> None:
    """So that ``edgenas.devices.facts.int8_products.exact`` says of SSE4.1 what is so."""
    prepare(tmp_path)
    found = under_qemu("Nehalem", tmp_path)
    print({name: round(db, 1) for name, db in found.items()})
    assert min(found.values()) > 31


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_an_accuracy_taken_there_is_another_than_here(tmp_path: Path) -> None:
    """A device whose Python runs on a Haswell: with 8-bit weights the file gives other numbers there than on a
    processor with VNNI, with 7-bit ones the same."""
    if this_machine().reduce_range:
        pytest.skip(f"8-bit products saturate on this machine as well: {this_machine()}")
    python = tmp_path / "python3"
    python.write_text(f'#!/bin/sh\nexec {shlex.join(qemu_argv("Haswell"))} "$@"\n')
    python.chmod(0o755)
    x = random_activations(HSWISH, 7)
    differ = []
    for reduced in (False, True):
        small = quantized(written("onnx", HSWISH), "int8", random_activations(HSWISH), reduce_range=reduced)
        there = answers(LocalDevice("haswell"), RUNTIMES["onnxruntime"], small, x, program=str(python)).outputs
        differ.append(float((there != run_model(small, x)).mean()))
    print(f"values that differ: {differ[0]:.1%} with 8-bit weights, {differ[1]:.1%} with 7-bit ones")
    assert differ[0] > 0.1 and differ[1] < 0.001


def saturating(u8: NDArray[np.uint8], s8: NDArray[np.int8]) -> NDArray[np.int64]:
    """Products of rows (m, 2k) of activations with (n, 2k) of weights, two by two in 16 bits (``vpmaddubsw``), then in
    32 (``vpmaddwd``): (m, n)."""
    pairs = (u8[:, None, :].astype(np.int32) * s8[None].astype(np.int32)).reshape(len(u8), len(s8), -1, 2).sum(-1)
    found: NDArray[np.int64] = np.clip(pairs, -(2**15), 2**15 - 1).sum(-1, dtype=np.int64)
    return found


@pytest.mark.parametrize(("largest", "exact"), [(127, False), (64, True)])
def test_no_pair_of_7_bit_weights_can_saturate(largest: int, exact: bool) -> None:
    """The bound itself, by every extreme: activations of 255 and weights of either end."""
    u8 = np.full((1, 4), 255, np.uint8)
    s8 = np.array(np.meshgrid(*[[-largest, largest]] * 4)).reshape(4, -1).T.astype(np.int8)
    assert (saturating(u8, s8) == u8.astype(np.int64) @ s8.T.astype(np.int64)).all() == exact


def test_the_range_is_in_the_weights_and_in_the_metadata() -> None:
    import onnx

    floats, x = written("onnx", HSWISH), random_activations(HSWISH)
    full, reduced = (quantized(floats, "int8", x, reduce_range=narrow) for narrow in (False, True))
    assert (weight_bits(full), weight_bits(reduced), weight_bits(floats)) == (8, 7, None)
    for model, bits in ((full, "8"), (reduced, "7")):
        assert {p.key: p.value for p in onnx.load_from_string(model).metadata_props} == {WEIGHT_BITS: bits}
    lite = written("tflite", HSWISH)
    assert weight_bits(quantized(lite, "int8", x, reduce_range=True)) == 8
    assert quantized(lite, "int8", x, reduce_range=True) == quantized(lite, "int8", x)
    assert weight_bits(lite) is None


def test_blocks_of_tables_are_the_same_files_everywhere() -> None:
    assert weight_bits(table_writer("onnx", "int8")([RELU6], [random_weights(RELU6)])) == 8


@pytest.mark.parametrize(
    ("isa", "reduced"),
    [("sse4.1 avx2 avx512 avx512-vnni", False), ("sse4.1 avx2", True), ("asimd", False), ("neon", True), (None, True)],
)
def test_the_range_is_what_the_target_needs(isa: str | None, reduced: bool) -> None:
    assert Target("pi4", isa).reduce_range is reduced
