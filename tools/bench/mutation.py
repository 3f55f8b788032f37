"""Check that each test file can fail: one place of the code that it tests is broken, and one of its tests must fail.

    python -m tools.bench.mutation [--json [FILE]] [--journal FILE] [--tries 5] [--limit-s 180] [TEST_FILE ...]

The tree is copied, and every break is made in the copy, which all processes of the tests import. Each test file runs
once unbroken, and the functions that it calls are noted, also those that its child processes call. Then one place of
these functions is broken: a comparison turned round, a condition negated, a returned value replaced by None, a number
raised by one, an operator exchanged, an exception not raised. First come modules that the file imports and whose name
is part of its own, then others that it imports, then modules of the same room. pytest then runs that file alone. A
break that no test notices is printed, and the next one is tried, at most ``--tries`` of them. Tests marked ``rig`` are
left out; ``slow`` ones run where the quick ones of a file noticed nothing. Exit code 1 where a file noticed none of its
breaks.

Each result is written to the journal at once, and a run that was stopped continues from there. A result counts again
while the test file and the files of its breaks are unchanged.

Not every unnoticed break is a fault of the tests: some change nothing that can be observed, and a file need not guard
all that it calls.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import random
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.table import Table
from rich.text import Text

from edgenas.base.files import make_folder
from tools.bench.command import options, run, show
from tools.bench.mutation_breaks import Break, breaks
from tools.bench.mutation_copy import FORKS, PRELOADED, TOO_LONG, TestRun, copied, ran

ROOT = Path(__file__).resolve().parents[2]
NOTICED, UNNOTICED, NO_TARGET, SKIPPED = "noticed", "not noticed", "no code", "skipped"
FAILS, LONG = "fails unbroken", "too long"
READS_FILES = "its tests read files of the project (docs, settings, sources) and call none of its functions"


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one test file: the outcome, the break that decided it, the breaks that no test noticed, and why there
    was none; ``digests`` of the files that it depends on."""

    test: str
    outcome: str
    broken: str = ""
    unnoticed: list[str] = field(default_factory=list)
    reason: str = ""
    digests: dict[str, str] = field(default_factory=dict)


def imported(root: Path, test: str) -> dict[str, set[str]]:
    """Return the modules of edgenas that a test file imports, as paths, with the names that it takes from each."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(ast.parse((root / test).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("edgenas", "tools"):
            path = module_file(root, node.module or "")
            if path is not None:
                found.setdefault(path, set()).update(each.name for each in node.names)
            for each in node.names:
                inner = module_file(root, f"{node.module}.{each.name}")
                if inner is not None:
                    found.setdefault(inner, set())
    return found


def module_file(root: Path, module: str) -> str | None:
    """Return the file of a module, relative to the root; None where there is none, or where it is a package."""
    path = root / (module.replace(".", "/") + ".py")
    return str(path.resolve().relative_to(root.resolve())) if path.is_file() else None


def guarded(root: Path, test: str, calls: dict[str, set[int]]) -> Iterator[list[Break]]:
    """Yield groups of breaks of the functions that a test file calls, those that it most probably guards first."""
    names = imported(root, test)
    words = set(re.split("_", Path(test).stem.removeprefix("test_")))
    room = Path(test).parts[1]
    helpers = {"tests", ".venv", *([] if room == "tools" else ["tools"])}  # tools/rig helps tests, too
    code = {path for path in calls if Path(path).parts[0] not in helpers}
    named = {path for path in code & names.keys() if Path(path).stem in Path(test).stem}
    beside = {path for path in code if Path(path).parts[0] == room}
    alike = {path for path in beside if words & set(Path(path).stem.split("_"))}
    groups = [named, set(names) & code, alike, beside, code]
    done: set[str] = set()
    for group in groups:
        yield [each for path in sorted(group - done) for each in breaks(root, path, calls[path], names.get(path, ()))]
        done |= group


def tried(folder: Path, test: str, tries: int, limit_s: float, seed: int, shared_data: Path) -> Row:
    """Break the code that one test file calls, one place at a time, until a test fails or ``tries`` are used.

    Where its quick tests notice nothing, all its tests run.
    """
    row = _tried(folder, test, tries, limit_s, seed, shared_data, slow=False)
    if row.outcome not in (UNNOTICED, NO_TARGET) or "mark.slow" not in (folder / test).read_text(encoding="utf-8"):
        return row
    every = _tried(folder, test, tries, limit_s, seed, shared_data, slow=True)
    return Row(test, every.outcome, every.broken, [*row.unnoticed, *every.unnoticed], every.reason)


def _tried(folder: Path, test: str, tries: int, limit_s: float, seed: int, shared_data: Path, *, slow: bool) -> Row:
    whole = ran(folder, test, limit_s, slow=slow, shared_data=shared_data)
    if whole.code == TOO_LONG:
        return Row(test, LONG, reason=f"unbroken, it runs longer than {limit_s:g} s")
    if not whole.good:
        return Row(test, FAILS, reason=f"{whole.failed} tests fail, exit code {whole.code}")
    if not whole.passed:
        return Row(test, SKIPPED, reason="; ".join(whole.skipped) or "all its tests are marked rig, or it has none")
    rng = random.Random(f"{seed} {test}")
    possible: list[Break] = []
    for group in guarded(folder, test, whole.calls):
        rng.shuffle(group)
        possible += group
    if not possible:
        return Row(test, NO_TARGET, reason=READS_FILES)
    unnoticed: list[str] = []
    for each in possible[:tries]:
        if not _with_break(folder, each, test, limit_s, shared_data, slow).good:
            return Row(test, NOTICED, str(each), unnoticed)
        unnoticed.append(str(each))
    return Row(test, UNNOTICED, "", unnoticed)


def _with_break(folder: Path, each: Break, test: str, limit_s: float, shared_data: Path, slow: bool) -> TestRun:
    """Run a test file while one place is broken."""
    target = folder / each.path
    whole = target.read_bytes()
    target.write_bytes(each.applied(whole))
    try:
        return ran(folder, test, limit_s, first_only=True, slow=slow, shared_data=shared_data)
    finally:
        target.write_bytes(whole)


def digests(root: Path, row: Row) -> dict[str, str]:
    """Return the sha256 of the test file, and of the files of the breaks that decided its result."""
    paths = {row.test, *(text.split(":")[0] for text in (row.broken, *row.unnoticed) if text)}
    return {path: _sha256(root / path) for path in sorted(paths)}


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def kept(journal: Path, root: Path) -> dict[str, Row]:
    """Return the results in a journal whose files are unchanged; a line that was cut is left out. A file of tests that
    failed unbroken is tried again."""
    found: dict[str, Row] = {}
    for line in journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []:
        try:
            row = Row(**json.loads(line))
        except (ValueError, TypeError):
            continue
        if row.outcome != FAILS and all(_sha256(root / path) == known for path, known in row.digests.items()):
            found[row.test] = row
    return found


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("tests", nargs="*", metavar="TEST_FILE", help="only these test files (default: all)")
    parser.add_argument("--journal", type=Path, default=ROOT / "runs" / "bench-mutation.jsonl", metavar="FILE")
    parser.add_argument("--tries", type=int, default=5, metavar="N", help="most breaks of one test file")
    parser.add_argument("--limit-s", type=float, default=180, metavar="S", help="longest run of one test file")
    parser.add_argument("--seed", type=int, default=0, help="which breaks are tried")
    given = parser.parse_args(args)
    names = given.tests or sorted(
        str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py") if "rig" not in path.parts
    )
    shared_data = Path(os.environ.get("EDGENAS_SHARED_DATA") or ROOT.parent / "shared" / "data")
    make_folder(given.journal.parent)
    rows = {name: row for name, row in kept(given.journal, ROOT).items() if name in names}
    if rows:
        print(f"{given.journal}: {len(rows)} of {len(names)} results are kept", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="edgenas-mutation-") as made:
        todo = [name for name in names if name not in rows]
        if todo:
            FORKS.set_forkserver_preload(list(PRELOADED))
            folder = copied(ROOT, Path(made).resolve())
        for number, name in enumerate(todo, start=1):
            row = tried(folder, name, given.tries, given.limit_s, given.seed, shared_data)
            rows[name] = Row(**{**asdict(row), "digests": digests(folder, row)})
            with given.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(rows[name])) + "\n")
            print(f"{number}/{len(todo)} {name}: {row.outcome} {row.reason}", file=sys.stderr, flush=True)
    shown = [rows[name] for name in names]
    outcomes = list(dict.fromkeys(row.outcome for row in shown))
    counts = ", ".join(f"{outcome} {sum(row.outcome == outcome for row in shown)}" for outcome in outcomes)
    title = f"Broken once, {len(shown)} test files: {counts}"
    table = Table("test file", "outcome", "noticed break, or reason", "breaks not noticed", title=title)
    for row in shown:
        cells = (row.test, row.outcome, row.broken or row.reason, "; ".join(row.unnoticed))
        table.add_row(*map(Text, cells))  # code may look like markup
    show([asdict(row) for row in shown], [table], given.json)
    return 0 if all(row.outcome in (NOTICED, NO_TARGET, SKIPPED) for row in shown) else 1


if __name__ == "__main__":
    run(main)
