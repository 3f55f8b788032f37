"""Fills a latency table with what it lacks, batch by batch, so that being stopped costs at most the batch in flight."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from blocks.counts import weight_bytes
from blocks.errors import EdgenasError
from blocks.spec import BlockSpec
from blocks.weights import Weights, random_weights
from devices.base import Device
from devices.facts import Facts, fingerprint, printable, read_facts, state
from latency_tables.journal import BlockFailure, TableWriter
from latency_tables.table import Fact, LatencyTable, Measurement, Setting, device_pairs
from profiler.measure import describe, measure_models
from profiler.plan import Plan
from profiler.runtimes.base import Runtime
from profiler.runtimes.output import Description, ModelResult

Writer = Callable[[Sequence[BlockSpec], Sequence[Weights]], bytes]

BATCH_BYTES = 64 << 20  # of model files: what a small board can hold twice
BATCH_S = 60.0  # of measuring, estimated: what is lost when the power goes
_SLOW_MACS_PER_S = 1e9  # what the estimate takes the device for: one core of a small board at float32


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after every batch: (block, process) pairs measured and wanted, failures, and seconds left as it looks."""

    done: int
    total: int
    failed: int
    eta_s: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """How a campaign ended. ``measured`` counts the pairs it added, ``dropped_bytes`` those of a cut last line that the
    file had; ``table`` is everything the file now holds."""

    table: LatencyTable
    failures: tuple[BlockFailure, ...]
    measured: int
    dropped_bytes: int
    seconds: float


def profile(
    device: Device,
    runtime: Runtime,
    blocks: Iterable[BlockSpec],
    path: Path,
    *,
    writer: Writer,
    program: str,
    plan: Plan | None = None,
    processes: int = 3,
    batch_blocks: int = 64,
    progress: Callable[[Progress], None] = lambda told: None,
) -> Campaign:
    """Measure each of ``blocks`` in ``processes`` fresh processes and append to the table at ``path``; pairs that it
    holds already are not measured again, skips never are. A batch, which is what a sudden end costs, has at most
    ``batch_blocks`` blocks.

    A block that fails is recorded, left out of the rest of this campaign and tried again by the next. Raises InputError
    for a table of another setting or one that is being written, OutcomeError where the runtime does not run,
    DeviceError when the device fails; what was appended until then stays.
    """
    begin = time.monotonic()
    facts = read_facts(device)
    description = describe(device, runtime, program)
    plan = (plan or Plan()).on(description)
    setting = make_setting(facts, description, plan)
    with TableWriter(path, setting, _edgenas_version()) as table:
        have = {m.key for m in table.found.table.measurements}
        wanted = [b for b in dict.fromkeys(blocks) if b.kind != "skip"]
        todo = [[b for b in wanted if (b, process) not in have] for process in range(processes)]
        tally = _Tally(sum(len(p) for p in todo), sum(estimate_s(b, plan) for p in todo for b in p))
        measurements = list(table.found.table.measurements)
        failures: list[BlockFailure] = []
        for process, lacking in enumerate(todo):
            broken = {f.block for f in failures}
            for batch in batches([b for b in lacking if b not in broken], plan, batch_blocks):
                found, failed = _measure(device, runtime, batch, plan, writer, program, process, setting.delegate)
                table.append(found, failed)
                measurements += found
                failures += failed
                progress(tally.after(batch, plan, len(found), len(failed)))
        seconds = time.monotonic() - begin
        whole = LatencyTable(setting, tuple(measurements))
        return Campaign(whole, tuple(failures), tally.done, table.found.dropped_bytes, seconds)


def make_setting(facts: Facts, description: Description, plan: Plan) -> Setting:
    """What a table measured on this device in this way holds constant."""
    return Setting(
        device=device_pairs(fingerprint(facts)),
        runtime=description.installed.runtime,
        version=f"{description.installed.package} {description.installed.version}",
        library_sha256=description.library_sha256,
        delegate=description.delegate,
        precision="fp32",
        threads=plan.threads,
        cores=plan.cores or (),
        scheduler=plan.scheduler,
    )


def estimate_s(block: BlockSpec, plan: Plan) -> float:
    """Seconds that measuring a block once takes on a slow device: warm-up and rounds."""
    once_s = max(block.macs / _SLOW_MACS_PER_S, plan.min_sample_us / 1e6)
    turn_s = max(once_s, min(plan.samples * once_s, plan.max_round_ms / 1e3))
    warmup_s = max(plan.warmup_ms / 1e3, plan.warmup_runs * once_s)
    return min(warmup_s, max(plan.warmup_limit_ms / 1e3, once_s)) + plan.rounds * turn_s


def batches(blocks: Sequence[BlockSpec], plan: Plan, most: int) -> Iterator[list[BlockSpec]]:
    """Cut into runs of at most ``most`` blocks that stay within BATCH_BYTES and BATCH_S; one is always allowed."""
    batch: list[BlockSpec] = []
    seconds, size = 0.0, 0
    for block in blocks:
        block_s, block_bytes = estimate_s(block, plan), weight_bytes(block)
        full = seconds + block_s > BATCH_S or size + block_bytes > BATCH_BYTES or len(batch) == most
        if batch and full:
            yield batch
            batch, seconds, size = [], 0.0, 0
        batch.append(block)
        seconds += block_s
        size += block_bytes
    if batch:
        yield batch


def _measure(
    device: Device,
    runtime: Runtime,
    batch: Sequence[BlockSpec],
    plan: Plan,
    writer: Writer,
    program: str,
    process: int,
    delegate: str,
) -> tuple[list[Measurement], list[BlockFailure]]:
    """One batch in one process, with the state of the device around it."""
    models: dict[str, bytes] = {}
    failures: list[BlockFailure] = []
    for block in batch:
        try:
            models[str(block)] = writer([block], [random_weights(block, plan.seed)])
        except EdgenasError as error:
            failures.append(BlockFailure(block, process, "write", printable(str(error))))
    before = _state_now(device)
    measured = measure_models(device, runtime, models, plan, program=program, process=process)
    after = _state_now(device)
    found = []
    by_text = {str(block): block for block in batch}
    for f in measured.failures:
        failures.append(BlockFailure(by_text[f.name], process, f.stage, printable(f.message)))
    for name, r in measured.results.items():
        wrong = _wrong_delegate(r, delegate)
        if wrong:
            failures.append(BlockFailure(by_text[name], process, "delegate", wrong))
        else:
            found.append(Measurement(by_text[name], process, r.samples_ns, r.loops, r.checksum, before, after))
    return found, failures


def _wrong_delegate(result: ModelResult, delegate: str) -> str | None:
    if result.delegate == delegate:
        return None
    return f"computed by {result.delegate}, but the setting of this table says {delegate}"


def _state_now(device: Device) -> dict[str, Fact]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return {"device": device.name, "time": now, **state(read_facts(device))}


def _edgenas_version() -> str:
    try:
        return version("edgenas")
    except PackageNotFoundError:
        return "not installed"


class _Tally:
    """Counts pairs, and scales the estimate of what is left by how long the work done took."""

    def __init__(self, total: int, estimated_s: float) -> None:
        self.total = total
        self.done = 0
        self.failed = 0
        self._begin = time.monotonic()
        self._estimated_s = estimated_s
        self._worked_s = 0.0

    def after(self, batch: Sequence[BlockSpec], plan: Plan, done: int, failed: int) -> Progress:
        self.done += done
        self.failed += failed
        self._worked_s += sum(estimate_s(block, plan) for block in batch)
        pace = (time.monotonic() - self._begin) / self._worked_s
        return Progress(self.done, self.total, self.failed, max(0.0, pace * (self._estimated_s - self._worked_s)))
