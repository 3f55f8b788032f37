"""Measure how long large files take to open: a table, a journal of trials, a search, and the page of a table; and
``doctor``.

    python -m tools.bench.opening [--json [FILE]] [--repeats 3] [--share 1] [--folder FOLDER]

The files are made with the project's own writers: a table of 100,000 lines with 80 samples each (batches of 16 pieces,
as a campaign writes them), a journal of 300,000 trials and the ``search.json`` that holds them, and a table of all
7,426 blocks of tunas_v3, each measured in 3 processes. ``doctor`` reads no file. Each opening runs in a fresh process:
``s`` is its time from start to end, imports included, ``cpu s`` the time that it and its children computed, ``MB`` its
peak memory; medians over repeats.
``before`` are the times of edgenas 0.3.0 on two busy cores. A row is met where ``cpu s`` is within the target: other
work on the machine changes it less than ``s``. --share makes smaller files; --folder keeps the files and uses those
that are there.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

import edgenas
from tools.bench.command import options, run, show

if TYPE_CHECKING:
    from edgenas.search.problem import Candidate

SPACE = "tunas_v3"
TRIALS, LINES, PROCESSES = 300_000, 100_000, 3
ROUNDS, SAMPLES, BATCH = 10, 8, 16  #: as a campaign measures by default


@dataclass(frozen=True, slots=True)
class Opening:
    """File that users open: its name, the functions that make and open it (called with its path), and the targets."""

    file: str
    make: Callable[[Path, float], None]
    open: Callable[[Path], object]
    before_s: float
    target_s: float
    before_mb: float | None = None
    target_mb: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Median time of opening one file. ``met`` is True where it is within its targets."""

    name: str
    file_mb: float
    s: float
    cpu_s: float
    mb: float
    before_s: float
    target_s: float
    before_mb: float | None
    target_mb: float | None

    @property
    def met(self) -> bool:
        return self.cpu_s <= self.target_s and (self.target_mb is None or self.mb <= self.target_mb)


class Ranked:
    """Judge without computation: accuracies from a seeded generator."""

    name = "made up"

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        rng = random.Random(0)
        yield from ((index, round(60 + 20 * rng.random(), 4)) for index in range(len(candidates)))


def candidates(count: int) -> list[Candidate]:
    """Return ``count`` distinct networks of SPACE."""
    from edgenas.search.digests import network_digest
    from edgenas.search.problem import Candidate
    from edgenas.search.spaces import space

    chosen, rng = space(SPACE), random.Random(0)
    found: dict[str, Candidate] = {}
    while len(found) < count:
        choice = chosen.repaired([rng.randrange(len(layer.options)) for layer in chosen.layers])
        network = chosen.architecture(choice)
        found.setdefault(network_digest(network), Candidate(choice, network))
    return list(found.values())


def make_trials(path: Path, share: float) -> None:
    """Write a journal of trials."""
    from edgenas.search.journal import TrialCache
    from edgenas.search.spaces import space

    with TrialCache(space(SPACE), Ranked(), path) as cache:
        cache.judge(candidates(round(TRIALS * share)))


def make_search(path: Path, share: float) -> None:
    """Write the ``search.json`` of a search that judged as many networks as the journal has."""
    from edgenas.runs.from_search import saved_search
    from edgenas.runs.search import SEARCH
    from edgenas.search.cost import macs_cost
    from edgenas.search.problem import Problem, Result, Trial
    from edgenas.search.record import BudgetRun, SearchRecord
    from edgenas.search.spaces import space

    cost, judge = macs_cost(), Ranked()
    networks = candidates(round(TRIALS * share))
    trials = tuple(
        Trial(networks[i].choice, accuracy, cost.total(networks[i].architecture))
        for i, accuracy in judge.evaluate(networks)
    )
    best = max(trials, key=lambda trial: trial.accuracy)
    problem = Problem(space(SPACE), cost, judge, 1e9)
    run = BudgetRun("random", 1e9, Result("random", best, trials), 1.0, problem)
    SEARCH.write(path, saved_search(SearchRecord(space(SPACE), cost, judge.name, (run,), None)))


def make_table(path: Path, share: float) -> None:
    """Write a table of LINES lines."""
    write_table(path, round(LINES * share))


def make_blocks(path: Path, share: float) -> None:
    """Write a table of every block of SPACE."""
    from edgenas.search.spaces import space

    write_table(path, round(PROCESSES * len(space(SPACE).blocks()) * share))


def write_table(path: Path, lines: int) -> None:
    """Write a table of ``lines`` measurements of the blocks of SPACE; at least PROCESSES of each block that it has."""
    from edgenas.latency_tables.records import Measurement
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.store.journal import TableWriter
    from edgenas.search.spaces import space

    rng = random.Random(0)
    blocks = space(SPACE).blocks()
    blocks = blocks[: max(1, min(len(blocks), lines // PROCESSES))]
    device = (("cpu", "Cortex-A72"), ("model", "Raspberry Pi 4"))
    setting = Setting(device, "litert", "ai_edge_litert 2.3.0", "0" * 64, "xnnpack", "fp32", 1, (3,), "fifo")
    with TableWriter(path, setting, "0.3.0") as writer:
        for begin in range(0, lines, BATCH):
            time_text = f"2026-11-22T{begin // 3600 % 24:02}:{begin // 60 % 60:02}:{begin % 60:02}+00:00"
            facts = {"device": "pi4", "time": time_text, "os": "Debian GNU/Linux 12 (bookworm)", "kernel": "6.6.31"}
            facts |= {"clock_mhz": 1800.0, "load_1min": round(rng.random(), 2), "temperature_c": 51.0}
            writer.append(
                Measurement(
                    (blocks[n % len(blocks)],),
                    n // len(blocks),
                    tuple(tuple(rng.randrange(400_000, 500_000) for _ in range(SAMPLES)) for _ in range(ROUNDS)),
                    10,
                    (-353.9851353019476, 901.7629628777504),
                    facts,
                    facts,
                    "table",
                    f"{begin:016x}",
                )
                for n in range(begin, min(lines, begin + BATCH))
            )


def open_trials(path: Path) -> object:
    """Open the journal as a continued search does."""
    from edgenas.search.journal import TrialCache
    from edgenas.search.spaces import space

    with TrialCache(space(SPACE), Ranked(), path) as cache:
        return len(cache)


def open_search(path: Path) -> object:
    """Read the search as ``edgenas front`` and ``export`` do."""
    from edgenas.runs.search import read_search

    return read_search(path)


def open_table(path: Path) -> object:
    """Open the table as ``edgenas.open_table`` does."""
    return edgenas.open_table(path)


def open_page(path: Path) -> object:
    """Write the page as ``edgenas report`` does."""
    return edgenas.report(path, out=path.with_suffix(".html"))


def make_nothing(path: Path, share: float) -> None:
    """Write an empty file."""
    path.touch()


def open_doctor(path: Path) -> object:
    """Check this machine as ``edgenas doctor`` does, with its output in the file."""
    with path.open("wb") as output:
        subprocess.run([sys.executable, "-m", "edgenas", "doctor"], stdout=output, stderr=output, check=False)
    return path.stat().st_size


OPENINGS = {
    "journal of trials": Opening("trials.jsonl", make_trials, open_trials, 55, 5),
    "search.json": Opening("search.json", make_search, open_search, 3.4, 5),
    "table": Opening("table.jsonl", make_table, open_table, 28, 5, 1185, 200),
    "page of a table": Opening("blocks.jsonl", make_blocks, open_page, 9, 4),
    "doctor": Opening("doctor.txt", make_nothing, open_doctor, 11, 3),
}


def measured(name: str, path: Path, repeats: int) -> Row:
    """Measure the opening of ``path`` in fresh processes."""
    opening, found = OPENINGS[name], []
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(path.parent / "bytecode")  # kept, as in an installation
    for _ in range(1 + repeats):
        begin_s = time.monotonic()
        child = command("--open", name, path)
        done = subprocess.run(child, check=True, capture_output=True, text=True, env=environment)
        cpu_s, mb = json.loads(done.stdout)
        found.append((time.monotonic() - begin_s, cpu_s, mb))
    found = found[1:]  # the first one compiled what it imports
    wall_s, cpu_s, mb = (statistics.median(values) for values in zip(*found, strict=True))
    limits = (opening.before_s, opening.target_s, opening.before_mb, opening.target_mb)
    return Row(name, path.stat().st_size / 1e6, wall_s, cpu_s, mb, *limits)


def command(what: str, name: str, path: Path, share: float = 1.0) -> list[str]:
    """Return the command line of this program that makes or opens one file."""
    return [sys.executable, "-m", "tools.bench.opening", what, name, "--file", str(path), "--share", str(share)]


def peak_mb() -> float:
    """Return the peak memory of this process, MB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def compared(folder: Path, share: float, repeats: int, names: Sequence[str] = tuple(OPENINGS)) -> list[Row]:
    """Make the files that ``folder`` lacks, and measure the opening of each."""
    rows = []
    for name in names:
        path = folder / OPENINGS[name].file
        if not path.exists():
            print(f"making {path}", file=sys.stderr)
            subprocess.run(command("--make", name, path, share), check=True)
        rows.append(measured(name, path, repeats))
    return rows


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--repeats", type=int, default=3, metavar="N", help="how often each file is opened")
    parser.add_argument("--share", type=float, default=1.0, help="size of the files, as a share of the full size")
    parser.add_argument("--folder", type=Path, help="folder that keeps the files (default: a temporary one)")
    parser.add_argument("--only", choices=OPENINGS, action="append", help="open only these files")
    parser.add_argument("--make", choices=OPENINGS, help=argparse.SUPPRESS)
    parser.add_argument("--open", choices=OPENINGS, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(args)
    if given.make:
        os.fsync = lambda _: None  # type: ignore[assignment, misc]  # a disk syncs a hundred trials a second
        beside = given.file.with_name(f"making-{given.file.name}")
        OPENINGS[given.make].make(beside, given.share)
        beside.rename(given.file)
        return 0
    if given.open:
        kept = OPENINGS[given.open].open(given.file)
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(json.dumps([time.process_time() + children.ru_utime + children.ru_stime, peak_mb()]))
        return 0 if kept else 1
    with tempfile.TemporaryDirectory() as made:
        rows = compared(given.folder or Path(made), given.share, given.repeats, given.only or tuple(OPENINGS))
    table = Table(title=f"Opening large files, median of {given.repeats}")
    for column in ("file", "MB on disk", "s", "cpu s", "MB", "before s", "target s", "before MB", "target MB", "met"):
        table.add_column(column, justify="left" if column == "file" else "right")
    for row in rows:
        numbers = (row.file_mb, row.s, row.cpu_s, row.mb, row.before_s, row.target_s, row.before_mb, row.target_mb)
        cells = ("-" if value is None else f"{value:.3g}" for value in numbers)
        table.add_row(row.name, *cells, "yes" if row.met else "no")
    show([{**asdict(row), "met": row.met} for row in rows], [table], given.json)
    return 0


if __name__ == "__main__":
    run(main)
