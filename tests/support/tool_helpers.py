"""What the tests of tools share: the stand-in for benchmark_model, programs of a few lines, models."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.profiler.export import WRITERS
from tests.conftest import ROOT

BLOCKS = tuple(BlockSpec.parse(t) for t in ("conv-8x3-o4-k3-s1-relu6", "ir-8x4-m8-o4-k5-s1-se8-hswish-res"))


def compiled(folder: Path) -> Path:
    """benchmark_model's stand-in, built for this machine; skips where there is no compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = folder / "benchmark_model"
    source = ROOT / "tools" / "rig" / "benchmark_model.c"
    subprocess.run([compiler, "-O2", "-pthread", "-o", program, source, "-lm"], check=True, timeout=120)
    return program


def program(path: Path, text: str) -> str:
    """A tool of a few lines of shell."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def models(suffix: str = "tflite") -> dict[str, bytes]:
    return {str(b): WRITERS[suffix]([b], [random_weights(b)]) for b in BLOCKS}
