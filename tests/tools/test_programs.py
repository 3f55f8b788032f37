"""The programs of ``tools/`` explain themselves, and --help does none of their work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.conftest import ROOT

PROGRAMS = sorted(
    f"tools.{path.stem}" for path in (ROOT / "tools").glob("*.py") if 'if __name__ == "__main__":' in path.read_text()
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_help_is_the_text_of_the_program(name: str) -> None:
    command = [sys.executable, "-m", name]
    told = subprocess.run([*command, "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0 and f"\n    python -m {name}" in told.stdout, told.stderr
    wrong = subprocess.run([*command, "--nonsense"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert wrong.returncode == 2 and "usage: " in wrong.stderr
