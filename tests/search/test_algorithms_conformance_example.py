"""The algorithm that docs/adding.md shows is clean and keeps every promise, from a file of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from edgenas.search.algorithms.by_name import ALGORITHMS
from tests.conftest import ROOT
from tests.support.algorithm_conformance import CHECKS, Check, Entry
from tests.support.algorithm_conformance_limits import LIMIT_CHECKS


@cache
def blocks() -> tuple[str, str]:
    """The file, and its line in ENTRIES."""
    section = (ROOT / "docs/adding.md").read_text().partition("\n## An algorithm\n")[2].partition("\n## ")[0]
    file, entry = re.findall(r"^```python\n(.*?)^```$", section, flags=re.DOTALL | re.MULTILINE)
    return file, entry


@pytest.fixture
def entry(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Entry:
    file, entry = blocks()
    folder = tmp_path_factory.mktemp("mine")
    (folder / "my_algorithm.py").write_text(file)
    monkeypatch.chdir(folder)
    (only,) = eval("(" + entry + ")", {"Entry": Entry})
    assert isinstance(only, Entry) and only.seeded and only.optimum and only.name not in ALGORITHMS
    return only


@pytest.mark.parametrize("check", CHECKS + LIMIT_CHECKS, ids=lambda check: check.__name__)
def test_the_example_keeps_every_promise(entry: Entry, check: Check, tmp_path: Path) -> None:
    check(entry, tmp_path)


@pytest.mark.slow
def test_the_example_passes_lint_format_and_types(tmp_path: Path) -> None:
    file = tmp_path / "my_algorithm.py"
    file.write_text(blocks()[0])
    settings = ["--config", str(ROOT / "pyproject.toml")]
    for command in (
        ["ruff", "check", *settings, "--no-cache", str(file)],
        ["ruff", "format", *settings, "--no-cache", "--diff", str(file)],
        ["mypy", "--config-file", str(ROOT / "pyproject.toml"), "--strict", str(file)],
    ):
        done = subprocess.run(
            [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
        )
        assert done.returncode == 0, done.stdout + done.stderr
