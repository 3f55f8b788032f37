"""What the tests of the test hosts share."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

from tests.conftest import ROOT

RIG = ROOT / "tools" / "rig"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def call(argv: list[str], timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_file(path: Path, size_bytes: int) -> Path:
    """Not a network, but what the first look at a TFLite file sees: root offset and identifier."""
    path.write_bytes((b"\x1c\0\0\0TFL3" + bytes(range(256)) * (size_bytes // 256 + 1))[:size_bytes])
    return path


def quick(model: Path | str) -> list[str]:
    return [f"--graph={model}", "--num_runs=5", "--min_secs=0", "--warmup_runs=2", "--warmup_min_secs=0"]
