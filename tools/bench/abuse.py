"""Test the command line with bad input: damaged files in every place where a verb reads one, and impossible numbers.

    python -m tools.bench.abuse [--json [FILE]] [--workers 2] [--limit-s 60] [--verb VERB]

Each case is one command, in a process and a folder of its own. A bad input must end with exit code 2 (3 where
``verify`` finds a changed bundle) and one message that begins with 'edgenas:', no traceback, nothing left in the
folder, and its inputs unchanged. The table counts per verb the cases that did not; the failures follow. Exit code 1
when there are any.
"""

from __future__ import annotations

import contextlib
import hashlib
import multiprocessing
import os
import re
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table
from rich.text import Text

from edgenas.cli import VERBS
from tools.bench.abuse_inputs import COMMON, JSON, NAMES, Damage
from tools.bench.abuse_verbs import BAD, GOOD, NUMBERS, SLOTS, Slot, material
from tools.bench.command import options, run, show

FORKS = multiprocessing.get_context("forkserver")  #: processes that begin with PRELOADED imported
PRELOADED = ("numpy", "scipy.optimize", "scipy.stats", "pydantic", "edgenas.runs.gather", "edgenas.search.spaces")
MEASURING = ("verify", "profile", "ship", "table validate", "bundle", "verify of a bundle")
DEVICE = threading.Lock()  #: held by the verbs of MEASURING: this machine has one lock for measuring on it
FAULTS = ("crashed", "hung", "wrong exit code", "silent", "left behind", "changed")
_MESSAGE = re.compile(r"^edgenas: ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Case:
    """One command with bad input. ``slot`` and ``damage`` are None for an impossible number; ``name`` is the name of
    the bad file.
    """

    verb: str
    what: str
    command: str
    slot: Slot | None = None
    damage: Damage | None = None
    name: bytes = b""

    def prepared(self, folder: Path) -> list[bytes]:
        """Damage the file in ``folder``, and return the arguments of the command."""
        if self.slot is None or self.damage is None:
            return [word.encode() for word in self.command.split()]
        good = folder / self.slot.good
        data = good.read_bytes()
        bad = good if self.slot.fixed else folder / os.fsdecode(self.name)
        bad.unlink(missing_ok=True)
        self.damage(bad, data)
        return [word.encode().replace(BAD.encode(), self.name) for word in self.command.split()]


@dataclass(frozen=True, slots=True)
class Ended:
    """Result of a case: the names of its faults, its exit code (None where it did not end in time) and the end of its
    output.
    """

    case: Case
    faults: tuple[str, ...]
    code: int | None
    said: str


def cases() -> Iterator[Case]:
    """Yield all cases."""
    for number, slot in enumerate(SLOTS):
        kinds = {**COMMON, **(JSON if slot.json else {})}
        chosen = [kind for kind in kinds if kind not in GOOD.get((slot.verb, Path(slot.good).name), ())]
        suffix = Path(slot.good).suffix.encode()
        for kind in chosen[number % slot.every :: slot.every]:
            what = f"{slot.good} {kind}"
            yield Case(slot.verb, what, slot.command, slot, kinds[kind], b"bad" + suffix)
        if not slot.fixed and slot.every < 3:
            for kind, name in NAMES.items():
                yield Case(slot.verb, f"{slot.good} {kind}", slot.command, slot, COMMON["other text"], name + suffix)
    for verb, command in NUMBERS:
        yield Case(verb, command.split(maxsplit=2)[-1], command)


def state(folder: Path) -> dict[str, str]:
    """Return every path below ``folder`` with its kind; for a file, its digest."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        is_file = stat.S_ISREG(mode)
        found[os.fsencode(path.relative_to(folder)).decode("latin-1")] = (
            hashlib.sha256(path.read_bytes()).hexdigest() if is_file else str(stat.S_IFMT(mode))
        )
    return {path: what for path, what in found.items() if "__pycache__" not in path}


def judged(case: Case, code: int | None, said: str, before: dict[str, str], after: dict[str, str]) -> Ended:
    """Return the result of a case, from its exit code, its stderr and the files in its folder."""
    allowed = {2} if case.slot is None else case.slot.allowed
    wrong = {
        "crashed": "Traceback" in said or (code is not None and code < 0),
        "hung": code is None,
        "wrong exit code": code is not None and code >= 0 and code not in allowed,
        "silent": code is not None and len(_MESSAGE.findall(said)) != 1,
        "left behind": bool(after.keys() - before.keys()),
        "changed": any(after.get(path) != what for path, what in before.items()),
    }
    return Ended(case, tuple(name for name in FAULTS if wrong[name]), code, said)


def command(folder: Path, home: Path, arguments: Sequence[bytes]) -> None:
    """Run one command in ``folder``, in this process, which then ends; stderr goes to a file of ``home``."""
    from edgenas.cli import main as edgenas

    os.chdir(folder)
    os.environ.update(HOME=str(home), OMP_NUM_THREADS="1", COLUMNS="200")
    for number, path in ((0, os.devnull), (1, os.devnull), (2, home / "stderr")):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    edgenas([os.fsdecode(argument) for argument in arguments])


def run_case(case: Case, good: Path, limit_s: float) -> Ended:
    """Run one case in a process of its own."""
    with tempfile.TemporaryDirectory() as made:
        folder, home = Path(made) / "here", Path(made) / "home"
        shutil.copytree(good, folder)
        home.mkdir()
        arguments = case.prepared(folder)
        before = state(folder)
        with DEVICE if case.verb in MEASURING else contextlib.nullcontext():
            process = FORKS.Process(target=command, args=(folder, home, arguments))
            process.start()
            process.join(limit_s)
            code = process.exitcode
            if code is None:
                process.kill()
                process.join()
        said = (home / "stderr").read_bytes() if (home / "stderr").exists() else b""
        return judged(case, code, said.decode("utf-8", "replace"), before, state(folder))


def run_all(chosen: Sequence[Case], workers: int, limit_s: float, told: Callable[[Ended], None]) -> list[Ended]:
    """Run the cases in ``workers`` parallel processes."""
    with tempfile.TemporaryDirectory() as made, contextlib.chdir(made):
        good = Path(made)
        material(good)
        with ThreadPoolExecutor(workers) as pool:
            ended = []
            for one in pool.map(lambda case: run_case(case, good, limit_s), chosen):
                told(one)
                ended.append(one)
            return ended


def rows(ended: Sequence[Ended]) -> list[dict[str, object]]:
    """Return one row for each verb: the number of its cases, and the number with each fault."""
    verbs = dict.fromkeys(one.case.verb for one in ended)
    of = {verb: [one for one in ended if one.case.verb == verb] for verb in verbs}
    return [
        {"verb": verb, "cases": len(each), **{fault: sum(fault in one.faults for one in each) for fault in FAULTS}}
        for verb, each in of.items()
    ]


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--workers", type=int, default=2, metavar="N", help="processes at a time")
    parser.add_argument("--limit-s", type=float, default=60.0, metavar="S", help="time limit of a command, s")
    parser.add_argument("--verb", action="append", help="only the cases of this verb; repeat for several")
    given = parser.parse_args(args)
    chosen = [case for case in cases() if not given.verb or case.verb in given.verb]

    def told(one: Ended) -> None:
        if one.faults:
            last = one.said.strip().splitlines()[-1:] or [""]
            print(f"{one.case.verb}, {one.case.what}: {', '.join(one.faults)} ({one.code}): {last[0]}", file=sys.stderr)

    FORKS.set_forkserver_preload([*PRELOADED, *(module for module, _ in VERBS.values()), "edgenas.report.page"])
    ended = run_all(chosen, given.workers, given.limit_s, told)
    failed = [one for one in ended if one.faults]
    listed = [
        {
            "verb": one.case.verb,
            "case": one.case.what,
            "command": one.case.command,
            "faults": one.faults,
            "exit_code": one.code,
            "stderr": one.said[-2000:],
        }
        for one in failed
    ]
    table = Table(title=f"{len(ended)} bad inputs")
    for column in ("verb", "cases", *FAULTS):
        table.add_column(column, justify="left" if column == "verb" else "right")
    for row in rows(ended):
        table.add_row(*map(str, row.values()))
    lines = [
        Text(f"{one.case.verb}, {one.case.what}: {', '.join(one.faults)}; edgenas {one.case.command}") for one in failed
    ]
    show({"verbs": rows(ended), "failures": listed}, [table, *lines], given.json)
    return 1 if failed else 0


if __name__ == "__main__":
    run(main)
