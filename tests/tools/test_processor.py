"""``tools/processor.py``: what a processor has, and how a program is held to an older one's instructions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tools.processor import FEATURES, OLDER, described, features


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("sse4_2 avx2 fma", "CPU, with avx2, without avx512 vnni"),
        ("avx avx2 fma avx512f avx512bw avx512dq avx512vl", "CPU, with avx2 avx512, without vnni"),
        ("avx2 fma avx_vnni", "CPU, with avx2 vnni, without avx512"),
        ("avx2 fma avx512f avx512bw avx512dq avx512vl avx512_vnni", "CPU, with avx2 avx512 vnni"),
        ("avx512_vnni_of_another_name", "CPU, without avx2 avx512 vnni"),
    ],
)
def test_a_processor_is_described_by_what_it_has(flags: str, expected: str) -> None:
    text = f"processor\t: 0\nmodel name\t: CPU\nflags\t\t: fpu {flags}\n\nprocessor\t: 1\n"
    assert described("CPU", features(text)) == expected


def test_a_processor_without_flags_has_none_of_them() -> None:
    assert features("processor : 0\nFeatures : fp asimd\n") == ()
    assert described(None, ()) == f"unnamed processor, without {' '.join(FEATURES)}"


def test_a_command_is_held_to_the_older_instructions() -> None:
    code = "import os, sys; print([os.environ.get(name) for name in sys.argv[1:]])"
    command = [sys.executable, "-m", "tools.processor", "--older", sys.executable, "-c", code, *OLDER]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"{list(OLDER.values())}\n"


@pytest.mark.slow
def test_torch_takes_the_older_kernels() -> None:
    pytest.importorskip("torch")
    if "avx2" not in features(Path("/proc/cpuinfo").read_text()):
        pytest.skip("no x86 processor with AVX2")
    code = "import torch; print(torch.backends.cpu.get_cpu_capability())"
    command = [sys.executable, "-m", "tools.processor", "--older", sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "AVX2\n"


@pytest.mark.parametrize("argv", [["--older"], ["--fast"], ["--newer", "x"]])
def test_misuse_is_two(argv: list[str]) -> None:
    command = [sys.executable, "-m", "tools.processor", *argv]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "usage: " in done.stderr
