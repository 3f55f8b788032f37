"""A copy of the tree in which tests run, with an environment that imports the copy in every process: see ``mutation``.

A process of a test may have a PYTHONPATH of its own, or none. The environment of the copy has all packages of this one,
except that it finds edgenas in the copy.
"""

from __future__ import annotations

import compileall
import json
import multiprocessing
import os
import py_compile
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import venv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FORKS = multiprocessing.get_context("forkserver")  #: processes that begin with PRELOADED imported
PRELOADED = ("pytest", "numpy", "scipy.optimize", "scipy.stats", "pydantic", "click", "rich.table")
NO_TESTS = 5  #: exit code of pytest where no test was chosen
TOO_LONG = -1  #: in place of an exit code, where the limit was reached
ENVIRONMENT = ".venv"
CALLS = "EDGENAS_CALLS"  #: folder where every process of a run writes which functions it called

#: ``sitecustomize.py`` of the environment: every process notes the functions of the copy that it calls
NOTES_CALLS = """
import atexit, os, sys, threading

def _notes(folder, root):
    seen = set()

    def called(frame, event, argument):
        if event == "call":
            seen.add(frame.f_code)

    def write():
        sys.setprofile(None)
        lines = {f"{c.co_filename}\\t{c.co_firstlineno}\\n" for c in list(seen) if c.co_filename.startswith(root)}
        with open(os.path.join(folder, f"{os.getpid()}.calls"), "a") as file:
            file.writelines(lines)

    write.seen = seen
    atexit.register(write)
    threading.setprofile(called)
    sys.setprofile(called)
    return write

if os.environ.get("EDGENAS_CALLS"):
    write_calls = _notes(os.environ["EDGENAS_CALLS"], {root!r})
"""


@dataclass(frozen=True, slots=True)
class TestRun:
    """One run of a test file: exit code of pytest, numbers of tests, and the reasons of those that were skipped."""

    code: int
    passed: int = 0
    failed: int = 0
    skipped: tuple[str, ...] = ()
    calls: dict[str, set[int]] = field(default_factory=dict)  #: file -> first lines of the functions called

    @property
    def good(self) -> bool:
        """Return whether no test failed, in time."""
        return self.code in (0, NO_TESTS)


def copied(root: Path, folder: Path) -> Path:
    """Copy the files that git knows or would add into ``folder``, and make its environment; return it."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=root, check=True, capture_output=True).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        source, target = root / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink() or source.is_file():
            shutil.copy2(source, target, follow_symlinks=False)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    # valid by the digest of the source: a break may leave the size and the second of the file as they were
    compileall.compile_dir(folder, quiet=2, invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH)
    _environment(folder)
    return folder


def python(folder: Path) -> str:
    """Return the interpreter of the copy's environment."""
    return str(folder / ENVIRONMENT / "bin" / "python")


def _environment(folder: Path) -> None:
    """Make an environment with all packages and programs of this one, in which edgenas is that of the copy."""
    venv.create(folder / ENVIRONMENT, symlinks=True)
    (site,) = (folder / ENVIRONMENT).glob("lib/python*/site-packages")
    # a .pth file in the other folder, such as that of the editable edgenas, is not read
    (site / "copy.pth").write_text(f"{folder}\n{sysconfig.get_path('purelib')}\n")
    (site / "sitecustomize.py").write_text(NOTES_CALLS.replace("{root!r}", repr(f"{folder}{os.sep}")))
    first = f"#!{sys.executable}".encode()
    for program in Path(sys.executable).parent.iterdir():
        target = folder / ENVIRONMENT / "bin" / program.name
        if program.is_file() and not target.exists():
            content = program.read_bytes()
            target.write_bytes(content.replace(first, f"#!{python(folder)}".encode(), 1))
            shutil.copymode(program, target)


def ran(
    folder: Path, test: str, limit_s: float, *, first_only: bool = False, slow: bool = False, shared_data: Path
) -> TestRun:
    """Run a test file of the copy: its quick tests, or its slow ones where it has no others; with ``slow``, all.

    All tests run, and the calls are noted; with ``first_only``, they stop at the first failure.
    """
    for marks in ("not slow and not rig", "not rig")[slow:]:
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", marks, test, *["-x"] * first_only]
        with tempfile.TemporaryDirectory(prefix="edgenas-calls-") as notes:
            given = (str(folder), options, notes, not first_only, str(shared_data))
            child = FORKS.Process(target=_pytest, args=given)
            child.start()
            child.join(limit_s)
            if child.exitcode is None:
                os.killpg(child.pid or 0, signal.SIGKILL)
                child.join()
                return TestRun(TOO_LONG)
            found = _read(Path(notes), folder, child.exitcode)
            if found.code != NO_TESTS:
                break
    return found


def _read(notes: Path, folder: Path, code: int) -> TestRun:
    """Return what the processes of a run wrote into ``notes``."""
    calls: dict[str, set[int]] = {}
    for file in notes.glob("*.calls"):
        for line in file.read_text(encoding="utf-8").splitlines():
            name, _, first = line.partition("\t")
            path = Path(name).resolve()
            if path.is_relative_to(folder.resolve()):
                calls.setdefault(str(path.relative_to(folder.resolve())), set()).add(int(first))
    result = notes / "result.json"
    told = json.loads(result.read_text(encoding="utf-8")) if result.exists() else {}
    return TestRun(code, told.get("passed", 0), told.get("failed", 0), tuple(told.get("skipped", ())), calls)


class _Result:
    """Plugin of pytest that counts tests, and keeps why some were skipped."""

    def __init__(self, noted: set[Any]) -> None:
        self.noted = noted
        self.passed = self.failed = 0
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.skipped:
            self.skipped.append(str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else "expected to fail")
        self.failed += report.failed
        self.passed += report.passed and report.when == "call"

    def pytest_collection_finish(self) -> None:
        self.noted.clear()  # what is called while modules are imported, is tested by nobody in particular

    def pytest_collectreport(self, report: Any) -> None:
        if report.skipped and isinstance(report.longrepr, tuple):
            self.skipped.append(str(report.longrepr[2]))


def _pytest(folder: str, options: list[str], notes: str, calls: bool, shared_data: str) -> None:
    """Run pytest in this process, which has imported PRELOADED, in a separate process group."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir(folder)
    os.environ.update(PYTHONPATH=folder, EDGENAS_SHARED_DATA=shared_data, PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    sys.executable = python(Path(folder))
    multiprocessing.set_executable(sys.executable)
    for name in [name for name in sys.modules if name.split(".")[0] in ("edgenas", "tools", "tests")]:
        del sys.modules[name]  # they are those of the tree that was copied
    elsewhere = Path(__file__).resolve().parents[2]
    sys.path[:] = [folder, *(path for path in sys.path if Path(path or ".").resolve() != elsewhere)]
    write = None
    if calls:
        os.environ[CALLS] = notes
        known: dict[str, Any] = {}
        (site,) = Path(folder, ENVIRONMENT).glob("lib/python*/site-packages")
        exec((site / "sitecustomize.py").read_text(), known)
        write = known["write_calls"]

    import pytest

    result = _Result(set() if write is None else write.seen)
    code = int(pytest.main(options, plugins=[result]))
    if write is not None:
        write()
    told = {"passed": result.passed, "failed": result.failed, "skipped": sorted(set(result.skipped))}
    Path(notes, "result.json").write_text(json.dumps(told), encoding="utf-8")
    os._exit(code)
