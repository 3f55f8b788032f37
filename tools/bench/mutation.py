"""Check that each test file can fail: one place of the code that it tests is broken, and one of its tests must fail.

    python -m tools.bench.mutation [--json [FILE]] [--tries 5] [--limit-s 180] [--seed 0] [TEST_FILE ...]

The tree is copied, and every break is made in the copy. For each test file, functions and classes that it imports (from
modules of a similar name where there are some) are broken in one place: a comparison turned round, a condition negated,
a returned value replaced by None, a number raised by one, an operator exchanged, an exception not raised. pytest then
runs that file alone. A break that no test notices is printed, and the next one is tried, at most ``--tries`` of them.
Tests marked ``rig`` are left out; ``slow`` ones run only in files that have no others. Exit code 1 where a file noticed
none of its breaks.

Not every unnoticed break is a fault of the tests: some change nothing that can be observed, and a file need not guard
all that it imports.
"""

from __future__ import annotations

import ast
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from tools.bench.command import options, run, show

ROOT = Path(__file__).resolve().parents[2]
FORKS = multiprocessing.get_context("forkserver")  #: processes that begin with PRELOADED imported
PRELOADED = ("pytest", "numpy", "scipy.optimize", "scipy.stats", "pydantic", "click", "rich.table")
NO_TESTS = 5  #: exit code of pytest where no test was chosen
NOTICED, UNNOTICED, NO_TARGET, FAILS = "noticed", "not noticed", "no code found", "fails unbroken"
TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
EXCHANGED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}


@dataclass(frozen=True, slots=True)
class Break:
    """A change of one place: the file, its line, and the text before and after."""

    path: str
    line: int
    before: str
    after: str
    begin: int  #: first character of ``before`` in the file, in bytes
    end: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {_short(self.before)} -> {_short(self.after)}"


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one test file: the outcome, the break that decided it, and the breaks that no test noticed."""

    test: str
    outcome: str
    broken: str
    unnoticed: list[str]


def imported(test: Path) -> dict[str, set[str]]:
    """Return the modules of edgenas that a test file imports, as paths, with the names that it takes from each."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("edgenas", "tools"):
            path = module_file(node.module or "")
            if path is not None:
                found.setdefault(path, set()).update(each.name for each in node.names)
            for each in node.names:
                inner = module_file(f"{node.module}.{each.name}")
                if inner is not None:
                    found.setdefault(inner, set())
    return found


def guarded(test: Path) -> dict[str, set[str]]:
    """Return the modules that a test file guards: those that it imports and whose name is part of its own, else all
    that it imports, else the one that its name mirrors."""
    all_imported = imported(test)
    same_name = {path: names for path, names in all_imported.items() if Path(path).stem in test.stem}
    return same_name or all_imported or dict(list(mirrored(test).items())[:1])


def module_file(module: str) -> str | None:
    """Return the file of a module, relative to the root; None where there is none, or where it is a package."""
    path = ROOT / (module.replace(".", "/") + ".py")
    return str(path.resolve().relative_to(ROOT)) if path.is_file() else None


def mirrored(test: Path) -> dict[str, set[str]]:
    """Return the modules whose name is part of the name of the test file, the longest names first."""
    words = test.stem.removeprefix("test_")
    files = [path for path in (ROOT / "edgenas").rglob("*.py") if path.stem != "__init__" and path.stem in words]
    return {str(path.resolve().relative_to(ROOT)): set() for path in sorted(files, key=lambda path: -len(path.stem))}


def breaks(path: str, names: set[str]) -> list[Break]:
    """Return every break of the definitions ``names`` of a file; of all its definitions where it has none of them."""
    source = (ROOT / path).read_text(encoding="utf-8")
    definitions = (ast.FunctionDef, ast.ClassDef)
    tops = [node for node in ast.parse(source).body if isinstance(node, definitions)]
    chosen = [node for node in tops if node.name in names] or tops
    offsets = [0]
    for line in source.encode().splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    for top in chosen:
        for node, changed in _changes(top):
            begin = offsets[node.lineno - 1] + node.col_offset
            end = offsets[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            before = source.encode()[begin:end].decode()
            found.append(Break(path, node.lineno, before, f"({changed})" if "\n" in before else changed, begin, end))
    return found


def _changes(top: ast.AST) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    for node in ast.walk(top):
        match node:
            case ast.Compare(left, [operator], [right]) if type(operator) in TURNED:
                yield node, ast.unparse(ast.Compare(left, [TURNED[type(operator)]()], [right]))
            case ast.If(test=test) | ast.IfExp(test=test):
                yield test, f"(not ({ast.unparse(test)}))"
            case ast.Return(value=value) if value is not None and not isinstance(value, ast.Constant):
                yield value, "None"
            case ast.BinOp(left, operator, right) if type(operator) in EXCHANGED:
                yield node, f"({ast.unparse(ast.BinOp(left, EXCHANGED[type(operator)](), right))})"
            case ast.Constant(value=value) if type(value) in (int, float):
                yield node, f"({value!r} + 1)"
            case ast.Raise():
                yield node, "pass"


def copied(folder: Path) -> Path:
    """Copy the files that git knows or would add into ``folder``; return it."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.split(b"\0")
    for name in filter(None, map(os.fsdecode, names)):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink() or source.is_file():
            shutil.copy2(source, target, follow_symlinks=False)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    return folder


def passes(folder: Path, test: str, limit_s: float, first_only: bool) -> bool:
    """Run a test file of the copy and return whether it passed; a run that reaches the limit did not."""
    for marks in ("not slow and not rig", "not rig"):
        options = ["-q", "-n", "0", "-p", "no:cacheprovider", "-m", marks, test, *["-x"] * first_only]
        child = FORKS.Process(target=_pytest, args=(str(folder), options))
        child.start()
        child.join(limit_s)
        if child.exitcode is None:
            os.killpg(child.pid or 0, signal.SIGKILL)
            child.join()
            return False
        if child.exitcode != NO_TESTS:
            return child.exitcode == 0
    return True


def _pytest(folder: str, options: list[str]) -> None:
    """Run pytest in this process, which has imported PRELOADED, in a separate process group."""
    os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.chdir(folder)
    shared_data = os.environ.get("EDGENAS_SHARED_DATA") or str(ROOT.parent / "shared" / "data")
    os.environ.update(PYTHONPATH=folder, EDGENAS_SHARED_DATA=shared_data, PYTHONDONTWRITEBYTECODE="1")
    sys.dont_write_bytecode = True
    for name in [name for name in sys.modules if name.split(".")[0] in ("edgenas", "tools", "tests")]:
        del sys.modules[name]  # they are those of ROOT
    sys.path[:] = [folder, *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]

    import pytest

    os._exit(int(pytest.main(options)))


def tried(folder: Path, test: str, tries: int, limit_s: float, seed: int) -> Row:
    """Break the code that one test file tests, one place at a time, until a test fails or ``tries`` are used."""
    path = ROOT / test
    possible = [each for file, names in guarded(path).items() for each in breaks(file, names)]
    if not possible:
        return Row(test, NO_TARGET, "", [])
    if not passes(folder, test, limit_s, first_only=False):
        return Row(test, FAILS, "", [])
    random.Random(f"{seed} {test}").shuffle(possible)
    unnoticed: list[str] = []
    for each in possible[:tries]:
        target = folder / each.path
        whole = target.read_bytes()
        target.write_bytes(whole[: each.begin] + each.after.encode() + whole[each.end :])
        try:
            if not passes(folder, test, limit_s, first_only=True):
                return Row(test, NOTICED, str(each), unnoticed)
        finally:
            target.write_bytes(whole)
        unnoticed.append(str(each))
    return Row(test, UNNOTICED, "", unnoticed)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 50 else line[:47] + "..."


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("tests", nargs="*", metavar="TEST_FILE", help="only these test files (default: all)")
    parser.add_argument("--tries", type=int, default=5, metavar="N", help="most breaks of one test file")
    parser.add_argument("--limit-s", type=float, default=180, metavar="S", help="longest run of one test file")
    parser.add_argument("--seed", type=int, default=0, help="which breaks are tried")
    given = parser.parse_args(args)
    names = given.tests or sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py") if "rig" not in path.parts
    )
    FORKS.set_forkserver_preload(list(PRELOADED))
    rows = []
    with tempfile.TemporaryDirectory() as made:
        folder = copied(Path(made))
        for number, name in enumerate(names, start=1):
            rows.append(tried(folder, name, given.tries, given.limit_s, given.seed))
            print(f"{number}/{len(names)} {name}: {rows[-1].outcome}", file=sys.stderr, flush=True)
    table = Table("test file", "outcome", "break that was noticed", "breaks that were not", title="Broken once")
    for row in rows:
        table.add_row(row.test, row.outcome, row.broken, "\n".join(row.unnoticed))
    counts = ", ".join(f"{outcome} {sum(row.outcome == outcome for row in rows)}" for outcome in _outcomes(rows))
    show([asdict(row) for row in rows], [table, f"{len(rows)} test files: {counts}"], given.json)
    return 0 if all(row.outcome in (NOTICED, NO_TARGET) for row in rows) else 1


def _outcomes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.outcome for row in rows))


if __name__ == "__main__":
    run(main)
