"""``edgenas.profile``: measure every block of a space or a network on devices, into latency tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.blocks import blocks as blocks_of
from edgenas.api.inventory import load_entries
from edgenas.api.network import Network
from edgenas.api.shown import FilePath, frame, html_table
from edgenas.api.table import Table, open_table
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.latency_tables.table import LatencyTable
    from edgenas.profiler.campaign import Campaign
    from edgenas.profiler.fill import TableJob
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.stopping import StoppingRule

Named = str | Sequence[str]


@dataclass(frozen=True, repr=False)
class ProfiledTables:
    """One latency table or several, each filled by one device or by a pool of devices.

    reports   name of a device or pool -> report on its table, as plain JSON values
    errors    name of a device or pool -> the error that ended its campaign
    """

    reports: dict[str, dict[str, Any]]
    errors: dict[str, Exception]

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files of the tables."""
        return tuple(Path(report["table"]) for report in self.reports.values())

    @property
    def table(self) -> Table:
        """The table, opened; InputError where there are several."""
        if len(self.paths) > 1:
            raise InputError(f"there are {len(self.paths)} tables; open one: {', '.join(map(str, self.paths))}")
        return open_table(self.paths[0])

    def check(self) -> None:
        """Raise OutcomeError where a campaign did not finish, or where blocks could not be measured."""
        if self.errors:
            names = ", ".join(self.errors)
            raise OutcomeError(f"{names} did not finish; the same command continues with what is missing")
        for report in self.reports.values():
            if report.get("left_out") and not report["blocks"]:
                raise OutcomeError(
                    f"{report['setting']['delegate']} takes no block whole; measure them with the CPU: --partial"
                )
        missing = sum(int(report["missing"]) for report in self.reports.values())
        if missing or any(report["failed"] for report in self.reports.values()):
            raise OutcomeError(f"{counted(missing, 'block', 'is')} not measured; the same command tries them again")

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas profile --json`` prints: one report, or name of a device or pool -> report."""
        return next(iter(self.reports.values())) if len(self.reports) == 1 else self.reports

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each table."""
        return frame(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in report.items() if not isinstance(value, dict | list)}
            for report in self.reports.values()
        ]

    def __repr__(self) -> str:
        parts = [
            f"{r['table']}: {r['error']}"
            if "error" in r
            else f"{r['table']}: {r['blocks']} blocks, {r['measured_now']} measured now, {r['missing']} missing"
            for r in self.reports.values()
        ]
        return f"<Profiled {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self._rows())


def profile(
    what: str | Path | Space | Architecture | Network | None = None,
    *,
    blocks: Sequence[str | BlockSpec] = (),
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    device: Named = (),
    pool: Named = (),
    inventory: FilePath | None = None,
    runtime: str | None = None,
    precision: str = "fp32",
    threads: int = 1,
    delegate: str | None = None,
    partial: bool = False,
    software: bool = False,
    only_delegated: bool = False,
    cores: Sequence[int] = (),
    rounds: int = 10,
    processes: int = 3,
    most_processes: int = 10,
    within: float = 2.0,
    statistic: str = DEFAULT,
    cold_kib: int = 8192,
    chains: bool = False,
    out: FilePath | None = None,
    force: bool = False,
    listener: Listener = SILENT,
) -> ProfiledTables:
    """Measure every block of a space or of a network on devices, into latency tables, as ``edgenas profile`` does.

    Samples are appended to the table's file. Blocks that the table already has are not measured again.

    what              a space or a network, by name or as an object
    blocks            more blocks to measure
    device            devices of the inventory, each with its own table (default: 'local', this machine)
    pool              pools of the inventory; the devices of a pool fill one table together
    runtime           'litert', 'onnxruntime', 'benchmark_model', 'onnxruntime_perf_test', or one of your own:
                      'my_runtime.py:NAME' (default: by the device)
    precision         precision of the blocks: 'fp32' or 'int8'
    delegate          what computes, NAME or NAME:WHAT, such as 'gpu' or 'openvino:npu' (default: what the runtime does
                      by itself)
    partial           True: the CPU may compute the operators that the delegate does not take
    software          True: a delegate that is software, such as a GPU that the CPU imitates, may be measured
    only_delegated    True: blocks that the delegate does not take whole are left out and listed, and are no failures;
                      a search with the table then leaves them out of the space
    rounds            interleaved rounds in each process
    processes         least number of fresh processes; up to ``most_processes`` while the 95 % interval of a block's
                      ``statistic`` is wider than ``within`` percent
    cold_kib          KiB of weights that another model reads before every run; 0: runs back to back
    chains            measure each block also inside a chain
    out               file of the table (default: DEVICE-RUNTIME[-DELEGATE][-int8].jsonl)
    force             measure even where a device is not ready

    ``check()`` of the result raises OutcomeError where blocks are missing, or where one of several campaigns did not
    finish. InputError for a value that breaks a rule; OutcomeError or DeviceError where the only campaign did not
    finish.

        edgenas.profile("mobilenet_v3_small", in_size=160, device="pi4", out="pi4-litert.jsonl").check()
    """
    from edgenas.profiler.fill import fill
    from edgenas.profiler.plan import Plan

    if only_delegated and (not delegate or partial):
        raise InputError(
            "--only-delegated leaves out what a delegate leaves to the CPU: add --delegate NAME, without --partial"
        )
    enough = stopping_rule(processes, most_processes, within, statistic)
    wanted = [BlockSpec.parse(each) if isinstance(each, str) else each for each in blocks]
    if what is not None:
        wanted += blocks_of(what, in_size=in_size, classes=classes, channels=channels)
    if not wanted:
        raise InputError("nothing to measure: name a space (edgenas spaces lists them), a network, or --block TEXT")
    plan = Plan(
        rounds=rounds,
        threads=threads,
        cold_kib=cold_kib,
        precision=precision,
        requested=delegate or "",
        partial=partial,
        software=software,
    )
    jobs = table_jobs(device, pool, inventory, runtime, out, tuple(cores), plan)
    with listener.task("profile", list(jobs)) as task:
        outcomes = fill(jobs, wanted, enough, force, task, chains=chains, only_delegated=only_delegated)
    if len(outcomes) == 1:
        (only,) = outcomes.values()
        if isinstance(only, Exception):
            raise only
    reports = {
        label: _report(jobs[label], each, wanted, enough, listener, only_delegated) for label, each in outcomes.items()
    }
    return ProfiledTables(reports, {label: each for label, each in outcomes.items() if isinstance(each, Exception)})


def stopping_rule(processes: int, most_processes: int, within: float, statistic: str) -> StoppingRule:
    """Return the rule that decides when a block is measured precisely enough; ``within`` is in percent."""
    from edgenas.profiler.stopping import StoppingRule

    return StoppingRule(processes, max(most_processes, processes), within / 100, statistic)


def table_jobs(
    device: Named,
    pool: Named,
    inventory: FilePath | None,
    runtime: str | None,
    out: FilePath | None,
    cores: tuple[int, ...],
    plan: Plan,
) -> dict[str, TableJob]:
    """Return name of a device or pool -> its table, devices, and plan on ``cores`` (default: the devices' cores)."""
    from edgenas.profiler.delegation import check_plan
    from edgenas.profiler.fill import TableJob
    from edgenas.profiler.workers import default_runtime, file_label, grouped, runtime_named

    names, pools = ((given,) if isinstance(given, str) else tuple(given) for given in (device, pool))
    groups = grouped(load_entries(inventory), names or (() if pools else ("local",)), pools)
    if out is not None and len(groups) > 1:
        raise InputError(f"--out names one table, but {', '.join(groups)} fill one table each; leave out --out")
    jobs = {}
    for label, members in groups.items():
        used = runtime or default_runtime(members[0])
        chosen = check_plan(plan, used)
        suffix = "" if chosen is None else f"-{chosen.label}{'-partial' if plan.partial else ''}"
        suffix += "" if plan.precision == "fp32" else f"-{plan.precision}"
        path = output_path(f"{label}-{file_label(used)}{suffix}.jsonl" if out is None else out)
        jobs[label] = TableJob(members, runtime_named(used), path, replace(plan, cores=cores or members[0].cores))
    return jobs


def _report(
    table: TableJob,
    outcome: Campaign | Exception,
    blocks: list[BlockSpec],
    enough: StoppingRule,
    listener: Listener,
    only_delegated: bool,
) -> dict[str, Any]:
    """Return the report on one table, as plain JSON values."""
    from edgenas.latency_tables.records import PART, piece_text
    from edgenas.profiler.stopping import pieces_of

    if isinstance(outcome, Exception):
        listener.message(f"{table.path}: {outcome}")
        return {"table": str(table.path), "error": str(outcome)}
    if outcome.dropped_bytes:
        listener.message(
            f"{table.path}: ignored an incomplete last line of {outcome.dropped_bytes} bytes; its writer was killed"
        )
    failures = [each for each in outcome.failures if not (only_delegated and each.stage == PART)]
    left_out = _left_out(outcome.table, blocks) if only_delegated else {}
    for block, why in left_out.items():
        listener.message(f"left out: {block}: {why}")
    for failure in failures:
        listener.message(
            f"failed: {piece_text(failure.piece)} in process {failure.process} ({failure.stage}): {failure.message}"
        )
    blocks = [block for block in blocks if block not in left_out]
    if not only_delegated and any(failure.stage == PART for failure in failures):
        listener.message(
            f"{outcome.table.setting.delegate} does not take all blocks whole; --only-delegated leaves the others out "
            "of the table and of searches with it, --partial measures them together with the CPU"
        )
    missing = outcome.table.missing(blocks)
    unstable = enough.unstable(outcome.table, pieces_of(blocks, False))
    return {
        "table": str(table.path),
        "blocks": len(outcome.table.blocks),
        "measured_now": outcome.measured,
        "failed": len(failures),
        **({"left_out": len(left_out)} if only_delegated else {}),
        "missing": len(missing),
        "unstable": len(unstable),
        "drifted_rounds": sum(void.last - void.first + 1 for void in outcome.table.voids),
        "seconds": round(outcome.seconds, 1),
        "next": f"edgenas table show {table.path}",
        "devices_lost": dict(outcome.lost),
        "setting": outcome.table.setting.as_dict(),
        "missing_blocks": [str(b) for b in missing],
        "unstable_blocks": [piece_text(piece) for piece in unstable],
        **({"left_out_blocks": {str(block): why for block, why in left_out.items()}} if only_delegated else {}),
    }


def _left_out(table: LatencyTable, blocks: list[BlockSpec]) -> dict[BlockSpec, str]:
    """Return those of ``blocks`` that the table's delegate does not take whole, each with the last message."""
    why = {failure.piece: failure.message for failure in table.failures}
    wanted = set(blocks)
    return {block: why[block,] for block in table.left_to_cpu if block in wanted}
