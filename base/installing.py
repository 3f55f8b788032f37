"""Commands that install an extra or a newer edgenas, for the remedies in messages.

No package index has edgenas yet. For ``edgenas[EXTRA]``, pip takes the edgenas that is installed already, from a wheel
or from a checkout, and adds the packages of the extra. This needs the pip of the running Python, which is often not the
first one on PATH.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

from edgenas.base.version import UNKNOWN, installed_version


def pip() -> str:
    """Return 'pip' where a shell finds the pip of the running Python under that name, else 'PYTHON -m pip'."""
    found = shutil.which("pip")
    if found and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f"{shlex.quote(sys.executable or 'python3')} -m pip"


def checkout() -> Path | None:
    """Return the folder of the checkout that the running edgenas is in; None for an installed wheel."""
    folder = Path(__file__).resolve().parents[1]
    return folder if (folder / "pyproject.toml").is_file() else None


def install_extra(extra: str) -> str:
    """Return the command that installs the packages of ``extra``, such as "pip install 'edgenas[train]'"."""
    source = checkout()
    if source is not None and installed_version() == UNKNOWN:
        return f"{pip()} install -e {shlex.quote(f'{source}[{extra}]')}"
    return f"{pip()} install 'edgenas[{extra}]'"


def install_newer(least: str = "") -> str:
    """Return the remedy for a file of a newer edgenas, as an instruction; ``least`` is the version needed, if known."""
    source, wanted = checkout(), f"edgenas {least} or newer" if least else "a newer edgenas"
    if source is not None:
        return f"get {wanted}: git -C {shlex.quote(str(source))} pull"
    asked = f"'edgenas>={least}'" if least else "edgenas"
    return f"get the wheel of {wanted} and install it: {pip()} install --upgrade --find-links FOLDER_OF_WHEEL {asked}"
