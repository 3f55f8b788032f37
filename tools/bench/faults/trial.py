"""One trial: disturb a campaign, start it again until it is complete, then count its measurements and what it left
behind.

lost batches    runs of a batch that began on the device and did not end up in the table
repeated        (block, process) pairs that ran to their end on the device, which had written that down, more than once;
                not where the fault itself spoils what had ended (throttled, bad output, full disk), and not on this
                machine, where a result is only in a pipe to us until it is in the table: those are lost
corrupt         measurements that are not what the runtime says, and tables that cannot be read
left            what is on the device beside our folder, or in it and should not be; what still runs there
clock           governors that are not what they were
unclear         campaigns that ended with an error that is none of ours
"""

from __future__ import annotations

import random
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.latency_tables.records import piece_text
from edgenas.latency_tables.store.journal import read_journal
from tools.bench.faults import campaign as campaign
from tools.bench.faults.campaign import BATCH, BLOCKS, PAIRS, PROCESSES, Outcome
from tools.bench.faults.kinds import Kind, Scene, furnish, moment
from tools.bench.faults.rig import GOVERNOR, Rig, wait_for_quiet
from tools.bench.faults.transports import RIGS
from tools.rig.process import command_line
from tools.rig.sleeping import sample_ns

AGAIN = 3  # times that a campaign may be started anew
_STAYS = ("watch", "watching", "governor")  # in our state folder: scripts that do nothing any more


@dataclass(slots=True)
class Trial:
    """Result of a trial. ``errors`` are the ends of all its campaigns except the last; ``why`` explains each fault."""

    transport: str
    kind: str
    seed: int
    injected: bool = False
    survived: bool = False
    campaigns: int = 0
    lost_batches: int = 0
    repeated: int = 0
    corrupt: int = 0
    left: int = 0
    clock: int = 0
    unclear: int = 0
    seconds: float = 0.0
    errors: list[str] = field(default_factory=list)
    why: list[str] = field(default_factory=list)

    @property
    def misses(self) -> bool:
        """Return whether a requirement is missed."""
        wrong = self.repeated + self.corrupt + self.left + self.clock + self.unclear + len(self.why)
        return self.injected and (not self.survived or self.lost_batches > 1 or wrong > 0)


def chance_of(kind: Kind, transport: str, seed: int) -> random.Random:
    """Return the source of all random numbers of a trial."""
    return random.Random(f"{kind.name} {transport} {seed}")


def run_trial(kind: Kind, transport: str, seed: int, parent: Path) -> Trial:
    """Run a trial in a new folder below ``parent``."""
    begin = time.monotonic()
    chance = chance_of(kind, transport, seed)
    trial = Trial(transport, kind.name, seed)
    folder = Path(tempfile.mkdtemp(prefix=f"{transport}{seed}-", dir=parent))
    table = folder / "tables" / "table.jsonl"
    table.parent.mkdir()
    with RIGS[transport](folder, small_disk=kind.small_disk) as rig:
        furnish(kind, rig)
        before = _others(rig)
        _disturb(trial, kind, rig, table, chance)
        while not trial.survived and trial.campaigns <= AGAIN:
            _end(trial, campaign.start(rig, table).wait(), table)
        _count(trial, kind, rig, table)
        if trial.survived:
            _look_around(trial, rig, before)
    trial.seconds = time.monotonic() - begin
    return trial


def _disturb(trial: Trial, kind: Kind, rig: Rig, table: Path, chance: random.Random) -> None:
    batches, seconds = moment(chance)
    limit_bytes = chance.randint(200, 9_000) if kind.name == "full host" else 0
    running = campaign.start(rig, table, own_process=kind.own_process, limit_bytes=limit_bytes)
    log = rig.here(rig.log)
    while not running.ended() and batches and _lines(log)["begun"] < batches * BATCH:
        time.sleep(0.005)
    time.sleep(seconds)
    trial.injected = not running.ended() or bool(limit_bytes)
    scene = Scene(rig, running, chance, table, trial.why)
    heal = kind.inject(scene) if trial.injected else None
    outcome = running.wait()
    if heal is not None:
        heal()
    trial.repeated -= scene.excused * BATCH  # see _count
    _end(trial, outcome, table)


def _end(trial: Trial, outcome: Outcome, table: Path) -> None:
    trial.campaigns += 1
    trial.unclear += not outcome.clean
    if outcome.error:
        trial.errors.append(outcome.error)
    if not outcome.clean:
        trial.why.append(outcome.error)
    trial.survived = not outcome.error and not outcome.failures


def _lines(log: Path) -> Counter[str]:
    """Return the number of lines of each kind that the runtime wrote."""
    return Counter(line.partition(" ")[0] for line in log.read_text().splitlines()) if log.exists() else Counter()


def _count(trial: Trial, kind: Kind, rig: Rig, table: Path) -> None:
    log = rig.here(rig.log)
    runs = Counter(log.read_text().splitlines() if log.exists() else [])
    begun = sum(count for line, count in runs.items() if line.startswith("begun"))
    trial.lost_batches = max(0, -(-(begun - PAIRS) // BATCH))
    again = {line: count - 1 for line, count in runs.items() if line.startswith("ended") and count > 1}
    spoils = kind.spoils or trial.transport == "local"
    trial.repeated = 0 if spoils else max(0, sum(again.values()) + trial.repeated)
    if trial.repeated:
        trial.why.append(f"ran again: {', '.join(sorted(again))}")
    wanted = {((block,), process) for block in BLOCKS for process in range(PROCESSES)}
    try:
        journal = read_journal(table)
    except InputError as error:
        trial.corrupt += 1
        trial.survived = False
        trial.why.append(f"the table: {error}")
        return
    for m in journal.table.measurements:
        name = piece_text(m.piece)
        if m.samples_ns != ((sample_ns(name),),) or m.loops != 1 or (m.piece, m.process) not in wanted:
            trial.corrupt += 1
            trial.why.append(f"{name} as process {m.process} is {m.samples_ns}")
    if {(m.piece, m.process) for m in journal.table.measurements} != wanted or journal.dropped_bytes:
        trial.survived = False
        trial.why.append(f"the table has {len(journal.table.measurements)} of {PAIRS}; {trial.errors}")


def _look_around(trial: Trial, rig: Rig, before: set[str]) -> None:
    (ours,) = rig.base.glob("edgenas-*")
    wrong = [*_others(rig).symmetric_difference(before), *map(command_line, wait_for_quiet(rig))]
    for path in sorted(ours.rglob("*")):
        inside = path.relative_to(ours)
        known = str(inside) in ("kept", "state", "lock") or (inside.parent.name == "state" and inside.name in _STAYS)
        if not known:
            wrong.append(str(inside))
    trial.left = len(wrong)
    if wrong:
        trial.why.append(f"left on the device: {', '.join(wrong)[:500]}")
    if rig.has_governors() and rig.governors() != [GOVERNOR]:
        trial.clock = 1
        trial.why.append(f"the governor is {rig.governors()}")


def _others(rig: Rig) -> set[str]:
    """Return every path on the device outside the folder of edgenas."""
    skipped = {rig.root / name for name in ("usr", "etc", "proc", "dev", "log", "bits", "jump", "boot_id")}
    found = set()
    for top in rig.root.iterdir():
        for path in [top, *([] if top in skipped or top.is_symlink() or not top.is_dir() else top.rglob("*"))]:
            inside = path.relative_to(rig.root)
            if top not in skipped and not any(part.startswith("edgenas-") for part in inside.parts):
                found.add(str(inside))
    return found
