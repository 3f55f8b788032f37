"""Import of modules in a separate process, so that one that raises, crashes or hangs becomes a row of the doctor.

python -m edgenas.cli.doctor.loading MODULE...      prints 'begin MODULE', then 'ok MODULE' or 'broken MODULE WHY'
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Sequence

LIMIT_S = 120.0  #: for all modules of a process, on a slow disk and a busy machine


def load(modules: Sequence[str], *, limit_s: float = LIMIT_S) -> dict[str, str]:
    """Return module -> '' where it can be imported, else the reason why not."""
    found: dict[str, str] = {}
    while left := [module for module in modules if module not in found]:
        argv = [sys.executable, "-P", __file__, *left]
        try:
            done = subprocess.run(argv, capture_output=True, encoding="utf-8", errors="replace", timeout=limit_s)
            output, how = done.stdout, ended(done.returncode)
        except subprocess.TimeoutExpired as error:
            output = error.stdout.decode(errors="replace") if isinstance(error.stdout, bytes) else error.stdout or ""
            how = f"is not loaded after {limit_s:g} s"
        began = ""
        for line in output.splitlines():
            word, _, rest = line.partition(" ")
            module, _, why = rest.partition(" ")
            if word == "begin" and module in left:
                began = module
            elif word in ("ok", "broken") and module == began:
                found[module] = why
                began = ""
        if began or not found.keys() & set(left):
            found[began or left[0]] = how
    return found


def ended(returncode: int) -> str:
    """Describe the end of a process without output: its signal or exit code."""
    return f"killed by signal {-returncode}" if returncode < 0 else f"ended with exit code {returncode}"


def _main() -> None:
    for module in sys.argv[1:]:
        print(f"begin {module}", flush=True)
        try:
            importlib.import_module(module)
        except BaseException as error:  # a package may raise anything at import, SystemExit too
            print(f"broken {module} {' '.join(f'{type(error).__name__}: {error}'.split())[:300]}", flush=True)
        else:
            print(f"ok {module}", flush=True)
    sys.stdout.flush()
    os._exit(0)  # skips teardown: a package that crashes there can be used all the same


if __name__ == "__main__":
    _main()
