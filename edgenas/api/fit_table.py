"""``edgenas.fit_table`` and ``edgenas.profile_whole``: a latency table from times of whole networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_path
from edgenas.api.named import size_options
from edgenas.api.profile import Named, stopping_rule, table_jobs
from edgenas.api.shown import FilePath, html_table
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import check_exists
from edgenas.blocks.size import SizesLike
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.space import Space

if TYPE_CHECKING:
    from edgenas.tables.fit import FitResult


@dataclass(frozen=True, repr=False, eq=False)
class FittedTable:
    """A table that was fitted to whole networks, written to ``path``. ``measured`` is the file of their samples, where
    they were measured here; ``failed`` is the number of networks that could not be."""

    path: Path
    result: FitResult
    measured: Path | None = None
    failed: int = 0
    sizes: str = ""  #: options --in-size, --classes and --channels of the command

    @property
    def table(self) -> Table:
        """The table, opened."""
        return open_table(self.path)

    def check(self) -> None:
        """Raise OutcomeError where networks could not be measured."""
        if self.failed:
            raise OutcomeError(f"{self.failed} networks could not be measured; the same command tries them again")

    def summary(self) -> dict[str, Any]:
        """Return the summary: label -> value."""
        found, source = self.result.as_dict(), self.result.table.source
        return {
            "written": str(self.path),
            "samples": None if self.measured is None else str(self.measured),
            "networks": found["networks"],
            "blocks": found["blocks"],
            "prior": source.notes[0].removeprefix("the prior is "),
            "error of networks left out": f"{100 * found['error']:.3g} % on average; the prior times one number: "
            f"{100 * found['one_number_error']:.3g} %",
            "95 % interval": f"±{100 * found['error_share']:.3g} %",
            "Spearman": f"{found['spearman']:.4g}",
            "next": f"edgenas search {source.space}{self.sizes} --table {self.path} --budget-ms MS --accuracy JUDGE",
        }

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas table fit --json`` prints."""
        return {
            "written": str(self.path),
            "measured": None if self.measured is None else str(self.measured),
            "failed": self.failed,
            "source": self.result.table.source.as_dict(),
            **self.result.as_dict(),
        }

    def __repr__(self) -> str:
        found = self.result.as_dict()
        return (
            f"<{self.path}: {found['blocks']} blocks from {found['networks']} whole networks, error of networks left "
            f"out {100 * found['error']:.2g} %>"
        )

    def _repr_html_(self) -> str:
        rows = [{"": label, "value": str(value)} for label, value in self.summary().items()]
        return html_table(repr(self)[1:-1], rows)


def fit_table(
    networks: FilePath,
    out: FilePath,
    *,
    space: str | Space | Callable[..., Space],
    old: FilePath | Table | None = None,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    device: str = "",
) -> FittedTable:
    """Fit the times of all blocks of a space to times of whole networks, and write the table to ``out``, as ``edgenas
    table fit`` does.

    networks   CSV or JSON: the key of a network (or a column for each layer), ms, and n and sd where they are known
    old        table of another device, from which the fit starts (default: what the blocks compute)
    device     name of the measured device

    InputError names the line of a damaged value; there are at least 8 networks.

        edgenas.fit_table("networks.csv", "mine.jsonl", space="mobilenet_v3_small").result.as_dict()
    """
    from edgenas.latency_tables.imported import write_imported
    from edgenas.tables.fit import fit_table as fit
    from edgenas.tables.fit import read_networks, source_of

    chosen, file = space_of(space, in_size, classes, channels), Path(networks)
    check_new(output_path(out))
    if old is not None:
        check_exists(table_path(old), "table")
    timed = read_networks(file, chosen)
    found = fit(timed, chosen, source_of(file, chosen, device), None if old is None else table_path(old))
    write_imported(output_path(out), found.table)
    return FittedTable(output_path(out), found, sizes=size_options(in_size, classes, channels))


def profile_whole(
    space: str | Space | Callable[..., Space],
    *,
    networks: int = 40,
    old: FilePath | Table | None = None,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    device: Named = (),
    inventory: FilePath | None = None,
    runtime: str | None = None,
    precision: str = "fp32",
    threads: int = 1,
    delegate: str | None = None,
    partial: bool = False,
    software: bool = False,
    cores: Sequence[int] = (),
    rounds: int = 10,
    processes: int = 3,
    most_processes: int = 10,
    within: float = 2.0,
    statistic: str = DEFAULT,
    cold_kib: int = 8192,
    out: FilePath | None = None,
    force: bool = False,
    listener: Listener = SILENT,
) -> FittedTable:
    """Time whole networks of a space on a device, those that say most about all others, and fit the times of the
    space's blocks to them, as ``edgenas profile --whole`` does: for runtimes in which a block alone means little.

    networks   number of networks to time, at least 8
    old        table of another device, from which the fit starts (default: what the blocks compute)
    out        table to write (default: DEVICE-RUNTIME-whole.jsonl); the samples are in a file beside it, and the same
               command continues with them

    The other arguments are those of ``edgenas.profile``. ``check()`` of the result raises OutcomeError where networks
    could not be measured.

        edgenas.profile_whole("mobilenet_v3_small", networks=40, device="pi4").check()
    """
    from edgenas.latency_tables.imported import write_imported
    from edgenas.latency_tables.whole import LEAST
    from edgenas.profiler.campaign import pursue
    from edgenas.profiler.export.quantize import table_writer
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.whole import WholeGoal
    from edgenas.profiler.workers import conditions, open_worker
    from edgenas.tables.fit import chosen_networks, measured_networks, source_of
    from edgenas.tables.fit import fit_table as fit

    chosen = space_of(space, in_size, classes, channels)
    if networks < LEAST:
        raise InputError(f"{networks} networks: {LEAST} are the least that a table can be fitted to and tested on")
    plan = Plan(
        rounds=rounds,
        threads=threads,
        cold_kib=cold_kib,
        precision=precision,
        requested=delegate or "",
        partial=partial,
        software=software,
    )
    jobs = table_jobs(device, (), inventory, runtime, out, tuple(cores), plan)
    if len(jobs) > 1:
        raise InputError(f"--whole fills one table, not one for each of {', '.join(jobs)}; name one device")
    ((label, job),) = jobs.items()
    path = job.path if out is not None else job.path.with_name(f"{job.path.stem}-whole.jsonl")
    samples = path.with_suffix(".networks.jsonl")
    enough = stopping_rule(processes, most_processes, within, statistic)
    prior = None if old is None else table_path(old)
    check_new(path)
    wanted = chosen_networks(chosen, networks, prior)
    with listener.task("profile", [label]) as task:
        campaign = pursue(
            [open_worker(entry, job.runtime.name, job.plan.requested) for entry in job.entries],
            job.runtime,
            WholeGoal(tuple(wanted), enough),
            samples,
            plan=job.plan,
            writer=table_writer(job.runtime.format, job.plan.precision),
            conditions=conditions(job.entries, force, task.named(label)),
        )
    timed = measured_networks(campaign.table, wanted, statistic)
    facts = dict(campaign.table.setting.device)
    named = f"{facts.get('model') or facts.get('cpu') or label}, {campaign.table.setting.version}"
    found = fit(timed, chosen, source_of(samples, chosen, named), prior)
    write_imported(path, found.table)
    return FittedTable(path, found, samples, len(campaign.failures), size_options(in_size, classes, channels))


def check_new(path: Path) -> None:
    """InputError where a file exists already: a fitted table is written once."""
    if path.exists():
        raise InputError(f"{path} exists and is not overwritten; name another file with -o, or remove it")
