"""Remedies that install something: the pip of the running Python, from a wheel, a checkout, or bare source files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.base import installing
from edgenas.base.errors import MissingExtraError
from edgenas.base.installing import checkout, install_extra, install_newer, pip
from edgenas.base.version import UNKNOWN
from tests.conftest import ROOT


def python(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make ``folder`` the one on PATH that holds a pip."""
    folder.mkdir(exist_ok=True)
    (folder / "pip").write_text("#!/bin/sh\n")
    (folder / "pip").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_pip_is_that_of_the_running_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    python(monkeypatch, tmp_path / "other bin")
    assert pip() == f"{sys.executable} -m pip"
    monkeypatch.setattr(sys, "executable", str(tmp_path / "other bin" / "python"))
    assert pip() == "pip"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert pip() == f"'{tmp_path}/other bin/python' -m pip"
    monkeypatch.setattr(sys, "executable", "")
    assert pip() == "python3 -m pip"


def test_an_extra_is_added_to_the_installed_edgenas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "pip", lambda: "pip")
    assert checkout() == ROOT
    assert install_extra("train") == "pip install 'edgenas[train]'"
    assert str(MissingExtraError("torch", "train", "training a network")) == (
        "training a network needs torch, which is not installed: pip install 'edgenas[train]'"
    )
    monkeypatch.setattr(installing, "installed_version", lambda: UNKNOWN)
    assert install_extra("train").startswith("pip install -e ") and install_extra("train").endswith(f"{ROOT}[train]'")


def test_pip_takes_the_installed_edgenas_and_no_index() -> None:
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index", "--no-deps"]
    done = subprocess.run([*argv, "--dry-run", "edgenas[train]"], capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0 and "already satisfied: edgenas[train]" in done.stdout, done.stdout + done.stderr


def test_a_newer_edgenas_comes_from_the_checkout_or_from_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "pip", lambda: "pip")
    assert install_newer("9.9.0") == f"get edgenas 9.9.0 or newer: git -C {ROOT} pull"
    monkeypatch.setattr(installing, "checkout", lambda: None)
    assert install_newer() == (
        "get the wheel of a newer edgenas and install it: pip install --upgrade --find-links FOLDER_OF_WHEEL edgenas"
    )
    assert install_newer("9.9.0").endswith("--find-links FOLDER_OF_WHEEL 'edgenas>=9.9.0'")
