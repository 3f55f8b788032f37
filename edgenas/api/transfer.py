"""``edgenas.transfer``: a table of another device, and a few blocks measured here, make a table of this device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_path
from edgenas.api.named import size_options, space_text
from edgenas.api.profile import Named, ProfiledTables, profile
from edgenas.api.shown import FilePath, html_table
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.api.validate import TableValidation, validate
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import SizesLike
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.space import Space

if TYPE_CHECKING:
    from edgenas.tables.transfer import TransferReport


@dataclass(frozen=True, repr=False, eq=False)
class Transfer:
    """A table in which some blocks are measured, and all others are predicted from the table ``old``.

    profiled     what was measured
    validation   the validation on whole networks; None where none was asked for
    report       errors and intervals, and whether more blocks are needed
    """

    path: Path
    old: Path
    space: Space
    profiled: ProfiledTables
    validation: TableValidation | None
    report: TransferReport
    sizes: str  #: options --in-size and --classes of the command

    @property
    def again(self) -> str:
        """The command that made the table, without --blocks."""
        return f"edgenas profile {self._named} --from {self.old} -o {self.path}"

    @property
    def _named(self) -> str:
        return space_text(self.space) + self.sizes

    @property
    def table(self) -> Table:
        """The table, opened."""
        return open_table(self.path)

    def check(self) -> None:
        """Raise OutcomeError where blocks could not be measured."""
        self.profiled.check()

    def summary(self) -> dict[str, Any]:
        """Return the summary: label -> value."""
        found, proof = self.report, self.validation
        if found.enough:
            more = "no"
        elif found.needs is None:
            more = "yes: the times are too unlike those of the old table; profile the whole space"
        else:
            more = f"yes: about {found.needs} blocks; type: {self.again} --blocks {found.needs}"
        validating = f"edgenas table validate {self.path} --space {self._named}"
        searching = f"edgenas search {self._named} --table {self.path} --budget-ms MS --accuracy JUDGE"
        return {
            "table": str(self.path),
            "measured": found.measured,
            "predicted": found.predicted,
            "new time / old time": f"{found.ratio:.3g}",
            "error of a block left out": f"{100 * found.left_out:.3g} %",
            "90 % interval of networks": f"±{100 * found.half_width:.3g} %",
            "validated": None
            if proof is None or found.error is None or found.inside is None
            else f"{len(proof.validation.networks)} networks, mean error {100 * found.error:.3g} %, "
            f"{100 * found.inside:.3g} % of them inside their intervals",
            "needs more blocks": more,
            "next": validating if proof is None else searching,
        }

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas profile --from --json`` prints."""
        return {
            "table": str(self.path),
            "old": str(self.old),
            "space": self.space.name,
            "profile": self.profiled.to_json(),
            "report": self.report.as_dict(),
            "validation": None if self.validation is None else self.validation.to_json(),
        }

    def __repr__(self) -> str:
        found = self.report
        return (
            f"<Transfer {self.path}: {found.measured} blocks measured, {found.predicted} predicted from {self.old}, "
            f"networks ±{100 * found.half_width:.2g} %>"
        )

    def _repr_html_(self) -> str:
        rows = [{"": label, "value": str(value)} for label, value in self.summary().items()]
        return html_table(repr(self)[1:-1], rows)


def transfer(
    space: str | Space | Callable[..., Space],
    old: FilePath | Table,
    *,
    blocks: int = 20,
    networks: int = 12,
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
) -> Transfer:
    """Measure a few blocks of a space on a device, and predict all others from a table of another device, runtime or
    number of threads, as ``edgenas profile --from`` does.

    old        table of all blocks of the space, measured or imported
    blocks     number of blocks to measure: those that say most about the networks of the space
    networks   networks that are timed whole to validate the result, at least 8; 0: no validation. A search needs one

    The other arguments are those of ``edgenas.profile``. ``check()`` of the result raises OutcomeError where blocks
    could not be measured. InputError where the old table lacks blocks, and where several devices or pools are given.

        edgenas.transfer("mobilenet_v3_small", "pi4-litert.jsonl", device="pi5", blocks=20).report.half_width
    """
    from edgenas.api.profile import table_jobs
    from edgenas.latency_tables.validation import LEAST
    from edgenas.profiler.plan import Plan
    from edgenas.tables.transfer import blocks_to_measure, keep_prior, prior_of, report

    chosen, path = space_of(space, in_size, classes, channels), table_path(old)
    if networks and networks < LEAST:
        raise InputError(f"{networks} networks: {LEAST} are the least that prove anything, and 0 leaves them out")
    prior = prior_of(path, chosen.blocks())
    measured = blocks_to_measure(chosen, prior, blocks)
    jobs = table_jobs(
        device,
        pool,
        inventory,
        runtime,
        out,
        tuple(cores),
        Plan(precision=precision, requested=delegate or "", partial=partial, software=software),
    )
    if len(jobs) > 1:
        raise InputError(f"--from fills one table, not one for each of {', '.join(jobs)}; name one device")
    ((_, job),) = jobs.items()
    if job.path.exists() and job.path.resolve() == path.resolve():
        raise InputError(f"{path} is the old table; name another file for the new one: -o")
    profiled = profile(
        blocks=measured,
        device=device,
        pool=pool,
        inventory=inventory,
        runtime=runtime,
        precision=precision,
        threads=threads,
        delegate=delegate,
        partial=partial,
        software=software,
        cores=cores,
        rounds=rounds,
        processes=processes,
        most_processes=most_processes,
        within=within,
        statistic=statistic,
        cold_kib=cold_kib,
        chains=chains,
        out=job.path,
        force=force,
        listener=listener,
    )
    keep_prior(job.path, prior)
    proof = None
    if networks:
        proof = validate(
            job.path,
            space=chosen,
            device=job.entries[0].name,
            inventory=inventory,
            networks=networks,
            processes=processes,
            rounds=rounds,
            chains=chains,
            force=force,
            listener=listener,
        )
    sizes = size_options(in_size, classes, channels)
    return Transfer(job.path, path, chosen, profiled, proof, report(job.path, chosen), sizes)
