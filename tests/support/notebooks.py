"""Executes a notebook in a kernel of its own and writes it with its outputs.

    python -m tests.support.notebooks NOTEBOOK OUT FOLDER

A process of its own: the kernel's client brings an event loop and warnings that are not ours.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

LIMIT_S = 240  #: of a cell


def executed(notebook: Path, out: Path, folder: Path) -> None:
    """Execute ``notebook`` in ``folder``; AssertionError with what a cell raised. Nothing is written at home."""
    env = {**os.environ, "IPYTHONDIR": str(folder / ".ipython"), "PYTHONPATH": str(ROOT)}
    for name in ("CONFIG", "DATA", "RUNTIME"):
        env[f"JUPYTER_{name}_DIR"] = str(folder / f".jupyter-{name.lower()}")
    argv = [sys.executable, "-m", "tests.support.notebooks", *map(str, (notebook, out, folder))]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=LIMIT_S + 30, env=env, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def main(notebook: str, out: str, folder: str) -> None:
    """Execute and write."""
    import nbclient
    import nbformat

    read = nbformat.read(notebook, as_version=4)
    nbclient.NotebookClient(
        read, timeout=LIMIT_S, kernel_name="python3", resources={"metadata": {"path": folder}}, record_timing=False
    ).execute()
    nbformat.write(read, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
