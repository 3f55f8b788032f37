"""Chromium, in which tests open the report page: its path and its installation.

    python -m tools.browser    # as root on Debian: install Chromium where it is missing; prints what it does

Exit code 0: it is there, or was installed; 1: it is not, with the reason, and the tests that need it are skipped.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: programs of the packages of Debian and of Google
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = "no Chromium here; as root on Debian, tools/check installs it"
LIMIT_S = 900.0  #: for apt
_OPTIONS = ("-qq", *(f"-o{option}" for option in (
    "Acquire::Retries=1", "Acquire::http::Timeout=20", "Acquire::https::Timeout=20", "DPkg::Lock::Timeout=300",
)))  # fmt: skip
_INSTALL = ("install", "--yes", "--no-install-recommends", "chromium")


def chromium() -> str | None:
    """Return the path of the program, None where there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


def why_not_here(root: bool | None = None, release: Path = Path("/etc/os-release")) -> str:
    """Return why Chromium cannot be installed on this machine, '' where it can. On Ubuntu it cannot: the package there
    contains no program.
    """
    if not (os.geteuid() == 0 if root is None else root):
        return "needs root"
    if shutil.which("apt-get") is None or not release.is_file() or "\nID=debian\n" not in f"\n{release.read_text()}":
        return "needs Debian"
    return ""


def install() -> str:
    """Install Chromium from this machine's apt; return '' or the reason why it could not be installed."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for action in (("update",), _INSTALL):
        command = ["nice", "-n", "10", "apt-get", *_OPTIONS, *action]
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            return f"apt-get {action[0]} took more than {LIMIT_S:.0f} s"
        if done.returncode:
            return f"apt-get {action[0]} failed: {' '.join(done.stderr.split())[-300:]}"
    return "" if chromium() else "the package chromium holds no program of that name"


def main(arguments: Sequence[str] = ()) -> int:
    """Install Chromium where it is missing and can be installed."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(
        arguments
    )
    if chromium():
        return 0
    reason = why_not_here()
    if not reason:
        _say("installing chromium (400 MB)")
        reason = install()
        _say("installed " + (chromium() or "nothing"))
    if reason:
        _say(f"skipped: {reason}; without Chromium the tests of the page in a browser are skipped")
    return 1 if reason else 0


def _say(text: str) -> None:
    print(f"== browser: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
