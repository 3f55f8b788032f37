"""Sessions on one device: the device is held and ready, and batches of blocks are measured one after another."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edgenas.base.errors import EdgenasError
from edgenas.base.text import printable
from edgenas.base.version import installed_version
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Weights, network_random_weights, random_weights
from edgenas.devices.base import Device
from edgenas.devices.facts import throttle
from edgenas.devices.facts.facts import Facts, clusters_of, fingerprint, read_facts
from edgenas.devices.session.clock import steady
from edgenas.devices.session.readiness import DeviceReading
from edgenas.devices.session.session import Conditions, calm, held
from edgenas.devices.transports.jobs import Wait
from edgenas.devices.transports.reattach import clear
from edgenas.latency_tables.records import BlockFailure, Measurement, Piece, Purpose, piece_text
from edgenas.latency_tables.setting import Fact, Setting, device_pairs
from edgenas.profiler.delegation import check_found, delegated, fault_of, without_meaningless
from edgenas.profiler.measure import BatchResult, describe, measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.output import Description
from edgenas.profiler.work import Item

PieceWriter = Callable[[Sequence[BlockSpec], Sequence[Weights]], bytes]

_LONGEST = 200  # most characters of a model's name, which runners repeat
_NAME = 16  # hexadecimal digits of a batch's key that name it in the table
THROTTLE_TRIES = 3  # most attempts at a batch during which the device throttles
_CLOCK_S = 900  # seconds after a batch's limit until a device that lost its connection resets its clock by itself


@dataclass(frozen=True, slots=True)
class Worker:
    """A device, and the path on it of the program that drives the runtime: a Python, or a tool; ``libraries`` is the
    folder there of the libraries of a delegate, '' for none."""

    device: Device
    program: str
    libraries: str = ""


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """A device that is held for a campaign. ``plan`` is settled (``Plan.on``); ``setting`` is that of the tables that
    it measures for; ``clock`` is the mode that holds its clock, '' where nothing can; ``home`` is edgenas's folder on
    the device."""

    worker: Worker
    runtime: Runtime
    plan: Plan
    setting: Setting
    home: str
    clock: str
    conditions: Conditions

    def measure(self, item: Item, writer: PieceWriter, key: str) -> tuple[list[Measurement], list[BlockFailure]]:
        """Measure one batch in one process, with the state of the device before and after it. DeviceError when the
        device fails."""
        models: dict[str, bytes] = {}
        failures: list[BlockFailure] = []
        by_text = {model_name(piece): piece for piece in (*item.pieces, *item.sentinels)}
        for name, piece in by_text.items():
            try:
                models[name] = writer(piece, _weights(piece, self.plan.seed))
            except EdgenasError as error:
                failures.append(BlockFailure(piece, item.process, "write", printable(str(error))))
        if not models:
            return [], failures
        for _ in range(THROTTLE_TRIES):
            before = calm(self.worker.device, self.home, self.conditions)
            state_before = _stamp(self.worker.device, before)
            measured, spoiled = self._measure(models, item.process, key, before)
            if not spoiled:
                break
            self.conditions.listener.message(
                f"{self.worker.device.name}: {', '.join(spoiled)} during a batch, which is thrown away; "
                f"{throttle.remedy(spoiled[0])}"
            )
            clear(self.worker.device)
        else:
            why = f"{', '.join(spoiled)} in each of {THROTTLE_TRIES} tries; {throttle.remedy(spoiled[0])}"
            return [], [*failures, *(BlockFailure(by_text[n], item.process, "throttled", why) for n in models)]
        after = _stamp(self.worker.device, calm(self.worker.device, self.home, Conditions()))
        found = []
        for f in measured.failures:
            failures.append(BlockFailure(by_text[f.name], item.process, f.stage, printable(f.message)))
        for name, r in measured.results.items():
            wrong = fault_of(r, self.setting)
            if wrong:
                failures.append(BlockFailure(by_text[name], item.process, "delegate", wrong))
            else:
                piece = by_text[name]
                purpose: Purpose = "sentinel" if piece in item.sentinels else item.purpose
                found.append(
                    Measurement(
                        piece,
                        item.process,
                        r.samples_ns,
                        r.loops,
                        r.checksum,
                        state_before,
                        after,
                        purpose,
                        item.batch or key[:_NAME],
                        r.init_ns,
                    )
                )
        return found, failures

    def steady(self) -> AbstractContextManager[Any]:
        """Fix the CPU clock during a ``with`` block, where the device permits it: see
        ``edgenas.devices.session.clock.steady``.
        """
        if not self.clock:
            return nullcontext()
        limit_s = self.plan.limit_s + _CLOCK_S
        folder = f"{self.home}/state"
        return steady(self.worker.device, limit_s=limit_s, folder=folder, listener=self.conditions.listener)

    def _measure(
        self, models: dict[str, bytes], process: int, key: str, before: DeviceReading
    ) -> tuple[BatchResult, tuple[str, ...]]:
        """Measure a batch, and return its result with the firmware's throttling flags that were raised meanwhile."""
        device = self.worker.device
        seen: dict[str, None] = {}

        def watch() -> None:
            if before.throttled is not None:
                seen.update(
                    dict.fromkeys(throttle.happened(before.throttled, throttle.read_firmware(device).throttled))
                )

        with self.steady():
            batch = measure_models(
                device,
                self.runtime,
                models,
                self.plan,
                program=self.worker.program,
                process=process,
                key=key,
                version=self.setting.version,
                wait=Wait(self.conditions.patience_s, self.conditions.poll_s, watch, self.conditions.sleep),
            )
        watch()
        return batch, tuple(seen)


@contextmanager
def station(worker: Worker, runtime: Runtime, plan: Plan, conditions: Conditions) -> Iterator[DeviceSession]:
    """Hold a device for a campaign. Raises LockedError, NotReadyError; OutcomeError where the runtime does not run."""
    device, plan = worker.device, without_meaningless(plan, runtime.name)
    runtime = delegated(runtime, plan, worker.libraries)
    with held(device, conditions) as home:
        with steady(device, limit_s=_CLOCK_S, folder=f"{home}/state", listener=conditions.listener) as clock:
            facts = read_facts(device)
            description = describe(device, runtime, worker.program)
        check_found(device.name, description, plan)
        if not clock.mode:
            conditions.listener.warning(f"{device.name}: its clock is not held: {clock.why}", f"{device.name}: clock")
        settled = plan.on(description, clusters_of(facts.clusters))
        setting = make_setting(facts, description, settled, clock.mode)
        yield DeviceSession(worker, runtime, settled, setting, home, clock.mode, conditions)
        clear(device)


def make_setting(facts: Facts, description: Description, plan: Plan, clock: str = "") -> Setting:
    """Return the setting of tables measured on this device with this plan. ``clock`` is the mode that holds the clock:
    a governor, or a phone's fixed-performance mode."""
    held_by = {"governor": clock} if clock else {}
    return Setting(
        device=device_pairs({**fingerprint(facts), **held_by}),
        runtime=description.installed.runtime,
        version=f"{description.installed.package} {description.installed.version}",
        library_sha256=description.library_sha256,
        delegate=description.delegate,
        precision=plan.precision,
        threads=plan.threads,
        cores=plan.cores or (),
        scheduler=plan.scheduler,
        cold_kib=plan.cold_kib,
        accelerator=description.accelerator,
        arithmetic=description.arithmetic,
        nodes_taken=description.nodes_taken,
        nodes_total=description.nodes_total,
    )


def batch_key(item: Item, plan: Plan, setting: Setting, table: str) -> str:
    """Return the key that names a batch on the device: the same work for the same ``table`` has the same key in every
    process of edgenas."""
    pieces = [piece_text(piece) for piece in (*item.pieces, *item.sentinels)]
    what = [table, setting.as_dict(), plan.as_dict(), item.process, item.purpose, item.batch, pieces]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()


def model_name(piece: Piece) -> str:
    """Return the name of a piece's model in a runner: the piece's text, or a digest of it for a long text."""
    text = piece_text(piece)
    return text if len(text) <= _LONGEST else f"network-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _weights(piece: Piece, seed: int) -> Sequence[Weights]:
    return network_random_weights(piece, seed) if len(piece) > 1 else [random_weights(piece[0], seed)]


def _stamp(device: Device, reading: DeviceReading) -> dict[str, Fact]:
    """Return the state of a device with its name, the time (UTC) and the version of edgenas."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"device": device.name, "time": now, "edgenas": installed_version(), **reading.state}
