"""Compare what computes on this machine: the CPU, OpenVINO under both runtimes, and a software GPU, in one run.

    python -m tools.bench.delegates [--json [FILE]] [--space nas_bench_macro] [--networks 8] [--rounds 5]

For each: every block of the space is measured, and networks are timed whole beside their blocks. The table shows the
seconds of the campaign and how many of them are samples, the median time of loading, compilation and the first run, the
blocks that are refused, and the mean error of sums of blocks, raw and after calibration on the other networks. A second
table lists what is refused, with the reason: a delegate that is absent, and software without permission. A delegate
that is not installed is named (``python -m tools.delegates``). The software GPU says nothing of a real one.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.table import Table

from edgenas.base.errors import EdgenasError
from edgenas.base.listener import SILENT
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.records import BlockFailure
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.fill import TableJob, fill
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.workers import runtime_named
from edgenas.search.space import Space
from edgenas.search.spaces import space
from edgenas.tables.validate import ValidationRequest, validate
from tools import delegates
from tools.bench.command import options, run, show

CPU, OPENVINO, GPU = "", "openvino:cpu", "gpu"
MEASURED = (("litert", CPU), ("litert", OPENVINO), ("litert", GPU), ("onnxruntime", CPU), ("onnxruntime", OPENVINO))
REFUSED = (("litert", "openvino:npu"), ("onnxruntime", "openvino:gpu"), ("litert", GPU))


@dataclass(frozen=True, slots=True)
class DelegateRow:
    """Result for one delegate; errors of sums are means, in percent. ``sampled_s`` is the part of ``seconds`` that are
    samples of blocks."""

    runtime: str
    delegate: str
    computes_in: str
    blocks: int
    refused: int
    seconds: float
    sampled_s: float
    init_ms: float
    raw_percent: float
    calibrated_percent: float


def entry_for(delegate: str) -> Entry:
    """Return this machine with the Python that has the delegate."""
    return Entry("local", "local", (delegates.python() or sys.executable) if delegate == OPENVINO else sys.executable)


def measured(made: Space, folder: Path, runtime: str, delegate: str, networks: int, rounds: int) -> DelegateRow:
    """Measure every block and ``networks`` networks with one delegate."""
    entry = entry_for(delegate)
    path = folder / f"{runtime}-{delegate.replace(':', '-') or 'cpu'}.jsonl"
    plan = Plan(rounds=rounds, requested=delegate, software=delegate == GPU)
    begin = time.monotonic()
    job = TableJob([entry], runtime_named(runtime), path, plan)
    (outcome,) = fill({"local": job}, made.blocks(), StoppingRule(1, 1, 0.5), True, SILENT).values()
    if isinstance(outcome, Exception):
        raise outcome
    seconds = time.monotonic() - begin
    found = validate(entry, path, ValidationRequest(made, networks, 2, False, 0, rounds), force=True, listener=TERMINAL)
    table = read_table(path)
    cells = [m for m in table.measurements if m.purpose == "table"]
    failed: list[BlockFailure] = list(outcome.failures)
    sums = found.sums[0]
    return DelegateRow(
        runtime,
        delegate or table.setting.delegate,
        table.setting.arithmetic or table.setting.precision,
        len(table.blocks),
        len(failed),
        seconds,
        sum(sum(map(sum, m.samples_ns)) for m in cells) / 1e9,
        statistics.median(m.init_ns for m in cells) / 1e6,
        100 * sums.raw.mape,
        100 * sums.calibrated.mape,
    )


def refusal(made: Space, folder: Path, runtime: str, delegate: str) -> str:
    """Return why a delegate is refused on this machine."""
    python = delegates.python() if delegate.startswith("openvino") else sys.executable
    entry = Entry("local", "local", python or sys.executable)
    job = TableJob([entry], runtime_named(runtime), folder / "refused.jsonl", Plan(requested=delegate))
    (outcome,) = fill({"local": job}, made.blocks()[:1], StoppingRule(1, 1, 0.5), True, SILENT).values()
    return str(outcome) if isinstance(outcome, EdgenasError) else "NOT REFUSED"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print the tables. Exit code 1 where something is not refused that must be."""
    parser = options(__doc__)
    parser.add_argument("--space", default="nas_bench_macro", help="space whose blocks and networks are measured")
    parser.add_argument("--networks", type=int, default=8, help="networks that are timed whole")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in each process")
    given = parser.parse_args(argv)
    made, absent, rows = space(given.space), {}, []
    software = delegates.software_gpu()
    os.environ.update(software or {})
    with tempfile.TemporaryDirectory(prefix="edgenas-bench-") as folder:
        for runtime, delegate in MEASURED:
            if delegate == OPENVINO and delegates.python() is None:
                absent[f"{runtime} {delegate}"] = delegates.MISSING
            elif delegate == GPU and software is None:
                absent[f"{runtime} {delegate}"] = delegates.NO_SWIFTSHADER
            else:
                rows.append(measured(made, Path(folder), runtime, delegate, given.networks, given.rounds))
        refused = {
            f"{runtime} {delegate}": refusal(made, Path(folder), runtime, delegate) for runtime, delegate in REFUSED
        }
    table = Table(
        "runtime", "computes", "in", "blocks", "refused", "seconds", "of samples", "init ms", "raw %", "calibrated %",
        title=f"{made.name}: every block, {given.networks} networks, error of sums of blocks",
    )  # fmt: skip
    for row in rows:
        cells = (row.seconds, row.sampled_s, row.init_ms, row.raw_percent, row.calibrated_percent)
        texts = [f"{cell:.3g}" for cell in cells]
        table.add_row(row.runtime, row.delegate, row.computes_in, str(row.blocks), str(row.refused), *texts)
    reasons = Table("refused", "reason")
    for name, why in refused.items():
        reasons.add_row(name, why)
    show(
        {"rows": [asdict(row) for row in rows], "refused": refused, "absent": absent},
        [table, reasons],
        given.json,
        absent,
    )
    return 1 if "NOT REFUSED" in refused.values() else 0


if __name__ == "__main__":
    run(main)
