"""``tools/browser.py``: where Chromium is found, and what is said where it cannot be installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.browsers import screenshot
from tools import browser


def test_any_of_the_packages_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.chromium() is None
    for name in ("google-chrome", "chromium"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert browser.chromium() == str(tmp_path / name)
    assert browser.main() == 0


def test_machines_that_are_no_debian_of_root_are_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    debian, ubuntu = tmp_path / "debian", tmp_path / "ubuntu"
    debian.write_text('PRETTY_NAME="Debian"\nID=debian\n')
    ubuntu.write_text("ID=ubuntu\nID_LIKE=debian\n")
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.why_not_here(root=True, release=debian) == ""
    assert browser.why_not_here(root=True, release=ubuntu) == "needs Debian"
    assert browser.why_not_here(root=True, release=tmp_path / "none") == "needs Debian"
    assert browser.why_not_here(root=False, release=debian) == "needs root"
    monkeypatch.setattr(browser, "why_not_here", lambda: "needs root")
    assert browser.main() == 1
    assert capsys.readouterr().err.startswith("== browser: skipped: needs root; without Chromium the tests of the page")


def test_an_apt_that_fails_or_lacks_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a program in the place of apt-get, which notes how it was called."""
    apt, nice = tmp_path / "apt-get", tmp_path / "nice"
    nice.write_text('#!/bin/sh\nshift 2\nexec "$@"\n')
    apt.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/called\n')
    for program in (apt, nice):
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert browser.install() == "the package chromium holds no program of that name"
    update, install = (tmp_path / "called").read_text().splitlines()
    assert update.endswith(" update") and install.endswith(" install --yes --no-install-recommends chromium")
    apt.write_text("#!/bin/sh\necho 'E: no  network' >&2; exit 100\n")
    assert browser.install() == "apt-get update failed: E: no network"


def test_tools_check_installs_it_where_it_installs_the_test_hosts() -> None:
    text = (ROOT / "tools" / "check").read_text()
    as_root = text[text.index('if [ "$(id -u)" = 0 ]') :]
    assert ".venv/bin/python -m tools.browser ||" in as_root[: as_root.index("    fi\n")]


def test_screenshots_are_kept_where_git_does_not_look() -> None:
    path = screenshot("x")
    assert path.parent.is_dir() and path.relative_to(ROOT).parts[0] == "runs"
    assert "/runs/\n" in (ROOT / ".gitignore").read_text()
