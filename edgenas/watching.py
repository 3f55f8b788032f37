"""How far campaigns and searches are, from the journals they write: nothing is asked of them, and nothing told."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from blocks.spec import BlockSpec
from latency_tables import statistics
from latency_tables.journal import Journal
from latency_tables.records import Measurement, Piece

LOCKS = Path("/proc/locks")  #: what every writer of a journal is listed in while it runs


@dataclass(frozen=True, slots=True)
class Progress:
    """One journal. ``done`` of ``total`` measurements, the least that a finished one has; ``total`` is None where
    nobody knows it. ``left_s`` at the pace so far; ``unstable`` pieces are measured and not known to 2 % yet."""

    path: Path
    what: str
    running: bool
    devices: tuple[str, ...]
    done: int
    total: int | None
    left_s: float | None
    failures: int
    unstable: int
    temperature_c: float | None
    last: str


def writing(locks: Path = LOCKS) -> frozenset[int]:
    """Inodes of files that some process holds locked, as every writer of a journal does; empty where the system does
    not tell. Read, not tried: a lock taken for a moment could refuse a writer that begins just then."""
    try:
        lines = locks.read_text().splitlines()
    except OSError:
        return frozenset()
    found = set()
    for line in lines:
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[5].count(":") == 2:
            found.add(int(fields[5].rpartition(":")[2]))
    return frozenset(found)


def table_progress(path: Path, journal: Journal, blocks: Sequence[BlockSpec], held: Collection[int]) -> Progress:
    """A table's journal. ``blocks`` are those it is to hold, where that is known; else those seen so far."""
    table = journal.table
    wanted = statistics.LEAST_PROCESSES
    counts: dict[Piece, int] = {}
    for m in table.measurements:
        if m.purpose == "table":
            counts[m.piece] = counts.get(m.piece, 0) + 1
    expected = {*counts, *((block,) for block in blocks if block.kind != "skip")}
    done = sum(min(counts.get(piece, 0), wanted) for piece in expected)
    total = wanted * len(expected)
    for held_out in journal.validations:
        seen: dict[Piece, int] = {}
        for m in table.measurements:
            if m.purpose == "validation" and m.batch.startswith(held_out.id + "/"):
                seen[m.piece] = seen.get(m.piece, 0) + 1
        done += sum(min(seen.get(network, 0), held_out.target) for network in held_out.networks)
        total += held_out.target * len(held_out.networks)
    times = [t for m in table.measurements for t in (_time(m.before), _time(m.after)) if t is not None]
    elapsed = max(times) - min(times) if times else 0.0
    latest = max(table.measurements, key=lambda m: _time(m.after) or 0.0, default=None)
    failed = {failure.piece for failure in journal.failures}
    return Progress(
        path, f"{table.setting.runtime}, {len(table.blocks)} blocks", _inode(path) in held,
        tuple(dict.fromkeys(m.device for m in table.measurements if m.device)), done, total,
        elapsed * (total - done) / done if done and elapsed else None, len(failed),
        sum(1 for piece in table.pieces if not statistics.settled(table.processes(piece), "median")),
        _temperature(latest), "" if latest is None else str(latest.after.get("time", "")),
    )  # fmt: skip


def search_progress(path: Path, space: str, judged: Sequence[tuple[str, float]], held: Collection[int]) -> Progress:
    """A journal of judged networks: how many there will be, only the search knows."""
    best = f", best {max(a for _, a in judged):.2f} %" if judged else ""
    changed = datetime.fromtimestamp(path.stat().st_mtime).astimezone().isoformat(timespec="seconds")
    return Progress(path, f"search of {space}{best}", _inode(path) in held, (), len(judged), None, None, 0, 0, None,
                    changed)  # fmt: skip


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


def _temperature(measurement: Measurement | None) -> float | None:
    value = None if measurement is None else measurement.after.get("temperature_c")
    return float(value) if isinstance(value, int | float) else None


def _time(facts: Mapping[str, str | int | float]) -> float | None:
    try:
        return datetime.fromisoformat(str(facts.get("time", ""))).timestamp()
    except ValueError:
        return None
