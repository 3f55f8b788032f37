"""The call of HiGHS: what is printed by C while it runs stays off stdout."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edgenas.search.solvers.highs import stdout_as_stderr

PRINTING = """
import ctypes, sys
{closing}
from edgenas.search.solvers.highs import stdout_as_stderr
print("before")
with stdout_as_stderr():
    libc = ctypes.CDLL(None)
    libc.puts(b"a line of a library")
    libc.fflush(None)
print("after")
"""


def printed(closing: str = "") -> subprocess.CompletedProcess[str]:
    code = PRINTING.format(closing=closing)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_prints_of_a_library_go_to_stderr() -> None:
    done = printed()
    assert (done.returncode, done.stdout) == (0, "before\nafter\n")
    assert done.stderr == "a line of a library\n"


def test_closed_streams_do_no_harm() -> None:
    assert printed("import os; os.close(2)").stdout.startswith("before\n")
    assert "Traceback" not in printed("import os; os.close(1); sys.stdout = None").stderr


def test_stdout_comes_back_after_an_error() -> None:
    before = os.fstat(1)
    with pytest.raises(ZeroDivisionError), stdout_as_stderr():
        raise ZeroDivisionError
    assert os.path.samestat(before, os.fstat(1))
