"""The line that a run of the tests ends with: how many were skipped for which missing thing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.skips import missing, summary
from tools.browser import MISSING


@pytest.mark.parametrize(
    ("reason", "thing"),
    [
        (f"Skipped: {MISSING}", "Chromium (tools/check installs it as root on Debian)"),
        ("Skipped: needs litert-torch: edgenas[oracle]", "litert-torch (pip install 'edgenas[oracle]')"),
        ("Skipped: could not import 'torch': No module named 'torch'", "torch (pip install 'edgenas[train]')"),
        ("Skipped: could not import 'PIL.Image': No module named 'PIL'", "pillow (pip install 'edgenas[images]')"),
        ("Skipped: the extra bench is not installed", "OR-Tools (pip install 'edgenas[bench]')"),
        ("Skipped: Ray is not installed: edgenas[distributed]", "Ray (pip install 'edgenas[distributed]')"),
        ("Skipped: torch finds no CUDA here", "a GPU with CUDA"),
        ("Skipped: published benchmark data not found at /x", "published benchmark data (EDGENAS_SHARED_DATA)"),
        ("Skipped: no x86 processor", "another machine or set-up (no x86 processor)"),
    ],
)
def test_a_reason_names_what_is_missing(reason: str, thing: str) -> None:
    assert missing(reason) == thing


def test_things_are_counted() -> None:
    torch, chromium = "could not import 'torch'", MISSING
    assert summary([]) == ""
    assert summary([(chromium, False)]) == "skipped: 1 needs Chromium (tools/check installs it as root on Debian)"
    assert summary([(chromium, False), (torch, True), (chromium, False), (torch, True), (torch, False)]) == (
        "skipped: all of 2 files and 1 need torch (pip install 'edgenas[train]'), "
        "2 need Chromium (tools/check installs it as root on Debian)"
    )


def test_a_run_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "@pytest.mark.parametrize('n', [1, 2])\n"
        f"def test_page(n): pytest.skip({MISSING!r})\n"
        "def test_other(): pass\n"
    )
    whole = "import pytest\npytest.importorskip('ortools_absent', reason='ortools is not installed')\n"
    (tmp_path / "test_file.py").write_text(whole)
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    done = subprocess.run([*argv, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=120)
    said = "skipped: all of 1 file needs OR-Tools (pip install 'edgenas[bench]'), 2 need Chromium"
    *_, line, _ = done.stdout.splitlines()
    assert line.startswith(said), done.stdout + done.stderr
