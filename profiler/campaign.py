"""Campaigns: fill a latency table batch by batch; a stop at any moment loses at most the batch in progress."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from edgenas.base.errors import DeviceError, InputError, LostError
from edgenas.base.undo import UndoOnFailure
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
from edgenas.profiler.work import Item, WorkQueue

ANY = Conditions()  #: no conditions on the state of the device
JOBS_LOST = 5  # most lost jobs (power cuts and similar) of one device in a campaign before it fails
_RETRY_S = 1.0  # seconds between attempts to reach a device that is away


@dataclass(frozen=True, slots=True)
class Campaign:
    """Result of a campaign.

    table           everything the file holds now
    measured        number of (piece, process) pairs that the campaign added
    dropped_bytes   number of bytes of an incomplete last line that the file had
    seconds         duration of the campaign
    lost            devices of a pool that failed, each with the reason
    """

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
) -> Campaign:
    """Measure each of ``blocks`` until the stopping rule ``enough`` is met, with ``chains`` also inside chains, and
    append to the table at ``path``.

    Blocks that the table holds already are not measured again; skips are never measured. A batch has at most
    ``batch_blocks`` blocks: a sudden stop loses at most one batch. A block that fails is recorded, left out of the rest
    of this campaign and tried again by the next. Raises InputError for a table of another setting or one that is being
    written, OutcomeError where the runtime does not run, DeviceError when the device fails; what was appended until
    then stays.
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
) -> Campaign:
    """Run ``profile`` on several devices of one kind, which share the work; the batch of a device that fails goes to
    the others. InputError names the differences where the devices have different settings. DeviceError when all of them
    failed."""
    goal = BlocksGoal(tuple(dict.fromkeys(blocks)), enough or StoppingRule(), chains, batch_blocks, len(workers))
    return pursue(workers, runtime, goal, path, writer=writer, plan=plan, conditions=conditions)


def pursue(
    workers: Sequence[Worker],
    runtime: Runtime,
    goal: Goal,
    path: Path,
    *,
    writer: PieceWriter,
    plan: Plan | None = None,
    conditions: Conditions = ANY,
) -> Campaign:
    """Measure for the table at ``path`` until ``goal`` requests no further batch; errors are those of ``profile``."""
    begin = time.monotonic()
    pool = _Pool(runtime, plan or Plan(), writer, conditions, goal, path)
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
    """State shared by the devices of a campaign: the table, which the first ready device opens, and the work queue."""

    runtime: Runtime
    plan: Plan
    writer: PieceWriter
    conditions: Conditions
    goal: Goal
    path: Path
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
        """Call ``run``; a device that fails is recorded in ``lost``, and the others continue."""
        try:
            self.run(worker)
        except (DeviceError, InputError) as error:
            self.lost.append((worker.device.name, error))
            self.conditions.listener.message(f"{worker.device.name} gave up: {error}")

    def run(self, worker: Worker) -> None:
        """Measure batches on one device until none is left, through power cuts and lost connections."""
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
                self.conditions.listener.message(f"{error}; the batch is measured again")
            except StayedAwayError:
                raise
            except LostError as error:
                if not was_there:
                    raise
                now = time.monotonic()
                if away_since is None:
                    away_since = now
                    self.conditions.listener.message(f"{error}; waiting for it")
                elif now - away_since > self.conditions.patience_s:
                    raise
                self.conditions.sleep(_RETRY_S)

    def known(self) -> Known:
        """Return the contents of the table so far."""
        assert self.setting is not None
        table = LatencyTable(
            self.setting,
            tuple(self.measurements),
            tuple(self.voids),
            (*self.failed_before, *self.failures),
            tuple(self.validations),
            None if self.table is None else self.table.found.table.prior,
        )
        return Known(table, tuple(self.validations))

    def _open(self, held: DeviceSession) -> TableWriter:
        """Return the writer of the table, opened by the first device; InputError where this device has another
        setting."""
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

                self.work = WorkQueue(more, held.plan, self.conditions.listener)
            elif self.setting is not None and (differences := self.setting.differences(held.setting)):
                raise InputError(
                    f"{held.worker.device.name} is not of the kind that {self.path} is measured on: "
                    f"{'; '.join(differences)} (in the table / there); give it a table of its own"
                )
            return self.table

    def _note(self, records: Sequence[Record]) -> None:
        """Append records to the table and to the shared state."""
        assert self.table is not None
        self.table.append(records)
        for record in records:
            match record:
                case Measurement():
                    self.measurements.append(record)
                case VoidedRounds():
                    self.voids.append(record)
                    self.conditions.listener.message(
                        f"rounds {record.first + 1} to {record.last + 1} of a batch were off by {record.share:+.1%}: "
                        "left out, and measured again"
                    )
                case HeldOut():
                    self.validations.append(record)
                case BlockFailure():
                    self.failures.append(record)

    def _measure_all(self, held: DeviceSession, table: TableWriter) -> None:
        """Take batches from the queue and measure them on a held device; a batch that is interrupted is given back."""
        work = self.work
        assert work is not None

        def key(item: Item) -> str:
            return batch_key(item, held.plan, held.setting, table.found.created)

        on_device = kept_key(held.worker.device)
        while item := work.take(lambda item: key(item) == on_device):
            with UndoOnFailure(lambda: work.give_back(item)):
                found, failed = held.measure(item, self.writer, key(item))
                with self._lock:
                    self._note([*found, *failed])
            heat = found[-1].after.get("temperature_c") if found else None
            measured = sum(m.purpose == item.purpose for m in found)
            work.done(
                item,
                measured,
                [f.piece for f in failed],
                held.worker.device.name,
                heat if isinstance(heat, float) else None,
            )
