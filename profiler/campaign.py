"""Fills a latency table with what it lacks, batch by batch, so that being stopped costs at most the batch in flight."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceError, InputError, LostError
from edgenas.base.version import installed_version
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.base import Device
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.jobs import JobLostError, StayedAwayError
from edgenas.devices.transports.reattach import kept_key
from edgenas.latency_tables.records import BlockFailure, HeldOut, Measurement, Piece, VoidedRounds
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.latency_tables.store.lines import Record
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.device_session import DeviceSession, PieceWriter, Worker, batch_key, station
from edgenas.profiler.goals import BlocksGoal, Goal, Known
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.work import CampaignProgress, Item, WorkQueue

ANY = Conditions()  #: whatever state the device is in
JOBS_LOST = 5  # power cuts and the like that one device is forgiven in a campaign
_RETRY_S = 1.0  # between looks for a device that is away


@dataclass(frozen=True, slots=True)
class Campaign:
    """How a campaign ended. ``measured`` counts the pairs it added, ``dropped_bytes`` those of a cut last line that the
    file had; ``table`` is everything the file now holds. ``lost`` are devices of a pool that gave up, and why."""

    table: LatencyTable
    failures: tuple[BlockFailure, ...]
    measured: int
    dropped_bytes: int
    seconds: float
    lost: tuple[tuple[str, str], ...] = ()
    validations: tuple[HeldOut, ...] = ()


def profile(
    device: Device,
    runtime: Runtime,
    blocks: Iterable[BlockSpec],
    path: Path,
    *,
    writer: PieceWriter,
    program: str,
    plan: Plan | None = None,
    enough: StoppingRule | None = None,
    chains: bool = False,
    batch_blocks: int = 64,
    conditions: Conditions = ANY,
    progress: Callable[[CampaignProgress], None] = lambda told: None,
) -> Campaign:
    """Measure each of ``blocks`` until it is known (``enough``), with ``chains`` also inside one, and append to the
    table at ``path``; what it holds already is not measured again, skips never are. A batch, which is what a sudden end
    costs, has at most ``batch_blocks`` blocks.

    A block that fails is recorded, left out of the rest of this campaign and tried again by the next. Raises InputError
    for a table of another setting or one that is being written, OutcomeError where the runtime does not run,
    DeviceError when the device fails; what was appended until then stays.
    """
    return profile_pool(
        [Worker(device, program)],
        runtime,
        blocks,
        path,
        writer=writer,
        plan=plan,
        enough=enough,
        chains=chains,
        batch_blocks=batch_blocks,
        conditions=conditions,
        progress=progress,
    )


def profile_pool(
    workers: Sequence[Worker],
    runtime: Runtime,
    blocks: Iterable[BlockSpec],
    path: Path,
    *,
    writer: PieceWriter,
    plan: Plan | None = None,
    enough: StoppingRule | None = None,
    chains: bool = False,
    batch_blocks: int = 64,
    conditions: Conditions = ANY,
    progress: Callable[[CampaignProgress], None] = lambda told: None,
) -> Campaign:
    """``profile`` on several devices of one kind, which share the work; what a device had that fails goes to the
    others. InputError names what differs where they are not of one setting. DeviceError when all of them failed."""
    goal = BlocksGoal(tuple(dict.fromkeys(blocks)), enough or StoppingRule(), chains, batch_blocks, len(workers))
    return pursue(workers, runtime, goal, path, writer=writer, plan=plan, conditions=conditions, progress=progress)


def pursue(
    workers: Sequence[Worker],
    runtime: Runtime,
    goal: Goal,
    path: Path,
    *,
    writer: PieceWriter,
    plan: Plan | None = None,
    conditions: Conditions = ANY,
    progress: Callable[[CampaignProgress], None] = lambda told: None,
) -> Campaign:
    """Measure for the table at ``path`` until ``goal`` asks for nothing more; errors are those of ``profile``."""
    begin = time.monotonic()
    pool = _Pool(runtime, plan or Plan(), writer, conditions, goal, path, progress)
    with pool.table_closed:
        if len(workers) == 1:
            pool.run(workers[0])
        else:
            with ThreadPoolExecutor(len(workers), thread_name_prefix="profile") as threads:
                list(threads.map(pool.run_or_lose, workers))
        if pool.work is None or not pool.work.finished:
            raise pool.lost[0][1]
        assert pool.table is not None
        return Campaign(
            pool.known().table,
            tuple(pool.failures),
            pool.work.measured,
            pool.table.found.dropped_bytes,
            time.monotonic() - begin,
            tuple((name, str(error)) for name, error in pool.lost),
            tuple(pool.validations),
        )


@dataclass(slots=True)
class _Pool:
    """What the devices of a campaign share: the table, which the first to be ready opens, and the work."""

    runtime: Runtime
    plan: Plan
    writer: PieceWriter
    conditions: Conditions
    goal: Goal
    path: Path
    progress: Callable[[CampaignProgress], None]
    table: TableWriter | None = None
    setting: Setting | None = None
    work: WorkQueue | None = None
    measurements: list[Measurement] = field(default_factory=list)
    voids: list[VoidedRounds] = field(default_factory=list)
    validations: list[HeldOut] = field(default_factory=list)
    failed_before: tuple[BlockFailure, ...] = ()
    failures: list[BlockFailure] = field(default_factory=list)
    lost: list[tuple[str, Exception]] = field(default_factory=list)
    table_closed: ExitStack = field(default_factory=ExitStack)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def run_or_lose(self, worker: Worker) -> None:
        """``run``; a device that fails is left behind."""
        try:
            self.run(worker)
        except (DeviceError, InputError) as error:
            self.lost.append((worker.device.name, error))
            self.conditions.say(f"{worker.device.name} gave up: {error}")

    def run(self, worker: Worker) -> None:
        """Measure batches on one device until there are none left, through power cuts and pulled cables."""
        losses, was_there, away_since = 0, False, None
        while True:
            try:
                with station(worker, self.runtime, self.plan, self.conditions) as held:
                    was_there, away_since = True, None
                    self._measure_all(held, self._open(held))
                return
            except JobLostError as error:
                losses += 1
                if losses > JOBS_LOST:
                    raise
                self.conditions.say(f"{error}; the batch is measured again")
            except StayedAwayError:
                raise
            except LostError as error:
                if not was_there:
                    raise
                now = time.monotonic()
                if away_since is None:
                    away_since = now
                    self.conditions.say(f"{error}; waiting for it")
                elif now - away_since > self.conditions.patience_s:
                    raise
                self.conditions.sleep(_RETRY_S)

    def known(self) -> Known:
        """What the table holds now."""
        assert self.setting is not None
        table = LatencyTable(
            self.setting,
            tuple(self.measurements),
            tuple(self.voids),
            (*self.failed_before, *self.failures),
            tuple(self.validations),
        )
        return Known(table, tuple(self.validations))

    def _open(self, held: DeviceSession) -> TableWriter:
        """The table; InputError where this device is not of its setting."""
        with self._lock:
            if self.table is None:
                self.table = self.table_closed.enter_context(TableWriter(self.path, held.setting, installed_version()))
                self.setting = held.setting
                found = self.table.found
                self.measurements += found.table.measurements
                self.voids += found.table.voids
                self.validations += found.validations
                self.failed_before = found.failures

                def more(failed: Collection[Piece]) -> Sequence[Item]:
                    with self._lock:
                        records, items = self.goal.next(self.known(), held.plan, failed)
                        self._note(records)
                        return items

                self.work = WorkQueue(more, held.plan, self.progress)
            elif self.setting is not None and (differences := self.setting.differences(held.setting)):
                raise InputError(
                    f"{held.worker.device.name} is not of the kind that {self.path} is measured on: "
                    f"{'; '.join(differences)} (in the table / there); give it a table of its own"
                )
            return self.table

    def _note(self, records: Sequence[Record]) -> None:
        """Append to the table, and to what is known."""
        assert self.table is not None
        self.table.append(records)
        for record in records:
            match record:
                case Measurement():
                    self.measurements.append(record)
                case VoidedRounds():
                    self.voids.append(record)
                    self.conditions.say(
                        f"rounds {record.first + 1} to {record.last + 1} of a batch were off by {record.share:+.1%}: "
                        "left out, and measured again"
                    )
                case HeldOut():
                    self.validations.append(record)
                case BlockFailure():
                    self.failures.append(record)

    def _measure_all(self, held: DeviceSession, table: TableWriter) -> None:
        assert self.work is not None

        def key(item: Item) -> str:
            return batch_key(item, held.plan, held.setting, table.found.created)

        kept = kept_key(held.worker.device)
        while item := self.work.take(lambda item: key(item) == kept):
            try:
                found, failed = held.measure(item, self.writer, key(item))
                with self._lock:
                    self._note([*found, *failed])
            except BaseException:
                self.work.give_back(item)
                raise
            heat = found[-1].after.get("temperature_c") if found else None
            measured = sum(m.purpose == item.purpose for m in found)
            self.work.done(
                item,
                measured,
                [f.piece for f in failed],
                held.worker.device.name,
                heat if isinstance(heat, float) else None,
            )
