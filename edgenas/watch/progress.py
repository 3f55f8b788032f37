"""Progress of running campaigns and searches, derived from their journals alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Literal

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import Measurement, Piece, time_of
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.store.journal import Journal
from edgenas.search.scale import accuracy_text

LOCKS = Path("/proc/locks")  #: Linux lists every writer of a journal in this file while it runs
PAUSE_S, PAUSE_STEPS = 300.0, 20.0  #: a gap longer than PAUSE_S and than PAUSE_STEPS median gaps is a pause

JournalState = Literal["running", "finished", "stopped", "not known"]


@dataclass(frozen=True, slots=True)
class DeviceShare:
    """Share of one device in a table: number of measurements, its last temperature (°C), and the time of the last
    one."""

    device: str
    done: int
    temperature_c: float | None
    last: str


@dataclass(frozen=True, slots=True)
class BestSoFar:
    """The most accurate network judged so far within a budget; ``network`` is '' if none fits."""

    budget_ms: float
    network: str
    accuracy: float
    cost_ms: float
    score: bool = False


@dataclass(frozen=True, slots=True)
class JournalProgress:
    """Progress of one journal.

    done, total          measurements, and the minimum number of a finished journal; ``total`` is None if not known
    blocks_done, blocks  blocks with all of their measurements, and all blocks
    left_s, ends         remaining seconds at the pace so far, without pauses, and the estimated end
    unstable             number of measured blocks and networks whose median is not known to 2 % yet
    best                 best networks of a search so far
    """

    path: Path
    what: str
    state: JournalState
    done: int
    total: int | None = None
    devices: tuple[DeviceShare, ...] = ()
    blocks_done: int = 0
    blocks: int = 0
    left_s: float | None = None
    ends: datetime | None = None
    failures: int = 0
    unstable: int = 0
    last: str = ""
    best: tuple[BestSoFar, ...] = ()

    @property
    def running(self) -> bool:
        return self.state == "running"


def writing(locks: Path = LOCKS) -> frozenset[int] | None:
    """Return the inodes of files that a process holds locked, as every writer of a journal does; None if the system
    does not report locks. Locks are read, not tried: even a short lock could make a writer fail that starts at that
    moment."""
    try:
        lines = locks.read_text(encoding="ascii", errors="replace").split("\n")
    except OSError:
        return None
    found = set()
    for line in lines:
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[5].count(":") == 2:
            found.add(int(fields[5].rpartition(":")[2]))
    return frozenset(found)


def state_of(path: Path, held: Collection[int] | None, finished: bool) -> JournalState:
    """Return the state of a journal. One that no process writes and that is not ``finished`` was stopped."""
    if held is None:
        return "finished" if finished else "not known"
    try:
        running = path.stat().st_ino in held
    except OSError:
        running = False
    return "running" if running else "finished" if finished else "stopped"


def table_progress(
    path: Path, journal: Journal, blocks: Sequence[BlockSpec], held: Collection[int] | None
) -> JournalProgress:
    """Return the progress of a table. ``blocks`` are those that it will hold, if known; else those seen so far
    count."""
    table = journal.table
    wanted = estimates.LEAST_PROCESSES
    counts: dict[Piece, int] = {}
    for m in table.measurements:
        if m.purpose == "table":
            counts[m.piece] = counts.get(m.piece, 0) + 1
    failed = {failure.piece for failure in journal.failures}
    expected = {*counts, *((block,) for block in blocks if block.kind != "skip")}
    given_up = {piece for piece in expected & failed if counts.get(piece, 0) < wanted}
    done = sum(min(counts.get(piece, 0), wanted) for piece in expected)
    total = wanted * len(expected)
    for held_out in journal.validations:
        seen: dict[Piece, int] = {}
        for m in table.measurements:
            if m.purpose == "validation" and m.batch.startswith(held_out.id + "/"):
                seen[m.piece] = seen.get(m.piece, 0) + 1
        done += sum(min(seen.get(network, 0), held_out.target) for network in held_out.networks)
        total += held_out.target * len(held_out.networks)
    never = sum(wanted - counts.get(piece, 0) for piece in given_up)
    times = sorted({t for m in table.measurements for t in (time_of(m.before), time_of(m.after)) if t is not None})
    elapsed = active_s(times)
    left_s = elapsed * max(0, total - done - never) / done if done and elapsed else None
    state = state_of(path, held, done + never >= total and done > 0)
    ends = datetime.fromtimestamp(times[-1] + left_s).astimezone() if left_s is not None and times else None
    return JournalProgress(
        path,
        f"{table.setting.runtime}, {table.setting.precision}",
        state,
        done,
        total,
        _shares(table.measurements),
        sum(1 for piece in expected if counts.get(piece, 0) >= wanted),
        len(expected),
        left_s,
        ends if state == "running" else None,
        len(failed),
        sum(1 for piece in table.pieces if not estimates.settled(table.processes(piece), "median")),
        max((str(m.after.get("time", "")) for m in table.measurements), default=""),
    )


def active_s(times: Sequence[float]) -> float:
    """Return the seconds between the first and the last of ``times`` (ascending), without pauses between
    measurements."""
    gaps = [b - a for a, b in pairwise(times)]
    if not gaps:
        return 0.0
    longest = max(PAUSE_S, PAUSE_STEPS * sorted(gaps)[len(gaps) // 2])
    return sum(gap for gap in gaps if gap <= longest)


def search_progress(
    path: Path,
    space: str,
    judged: Sequence[tuple[str, float]],
    held: Collection[int] | None,
    *,
    finished: bool = False,
    best: Sequence[BestSoFar] = (),
    score: bool = False,
) -> JournalProgress:
    """Return the progress of a journal of judged networks; its total is not known. ``finished`` if the result of the
    search exists. ``score``: accuracies are scores, not percent."""
    so_far = f", best {accuracy_text(max(a for _, a in judged), score)}" if judged else ""
    changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    return JournalProgress(
        path, f"search of {space}{so_far}", state_of(path, held, finished), len(judged), last=changed, best=tuple(best)
    )


def _shares(measurements: Sequence[Measurement]) -> tuple[DeviceShare, ...]:
    latest: dict[str, Measurement] = {}
    counts: dict[str, int] = {}
    for m in measurements:
        if m.device:
            counts[m.device] = counts.get(m.device, 0) + 1
            if m.device not in latest or (time_of(m.after) or 0.0) >= (time_of(latest[m.device].after) or 0.0):
                latest[m.device] = m
    return tuple(
        DeviceShare(name, counts[name], _temperature(m), str(m.after.get("time", ""))) for name, m in latest.items()
    )


def _temperature(measurement: Measurement) -> float | None:
    value = measurement.after.get("temperature_c")
    return float(value) if isinstance(value, int | float) else None
