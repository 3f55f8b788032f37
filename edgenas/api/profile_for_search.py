"""``edgenas.profile_for_search``: measure only the blocks that the best networks of a space may contain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.judge import opened_judge
from edgenas.api.named import space_text
from edgenas.api.profile import Named, stopping_rule, table_jobs
from edgenas.api.shown import FilePath, frame, html_table
from edgenas.api.spaces import space as space_of
from edgenas.api.table import Table, open_table
from edgenas.base.amounts import budget_numbers
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.blocks.architecture import Architecture
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.search.lazy import LazyProfile
    from edgenas.search.problem import Accuracy


@dataclass(frozen=True, repr=False, eq=False)
class ProfiledFront:
    """A latency table of the blocks of a front's networks; all other blocks can be predicted from them.

    budgets_ms   budgets whose best networks count, ms; empty: the whole front
    """

    path: Path
    space: Space
    values: str  #: source of the value of each block: a judge, or the size of blocks
    found: LazyProfile
    budgets_ms: tuple[float, ...]

    @property
    def table(self) -> Table:
        """The table, opened."""
        return open_table(self.path)

    def check(self) -> None:
        """Raise OutcomeError where blocks of the front could not be measured."""
        if self.found.failed:
            raise OutcomeError(
                f"{counted(len(self.found.failed), 'block')} of networks on the front could not be measured, such as "
                f"{self.found.failed[0]}, and were left out; the same command tries them again"
            )

    def summary(self) -> dict[str, Any]:
        """Return the numbers of ``to_json``, without the front."""
        validating = f"edgenas table validate {self.path} --space {space_text(self.space)}"
        return {
            "table": str(self.path),
            "values": self.values,
            "measured": len(self.found.table.blocks),
            "of": len(self.space.blocks()),
            "rounds": len(self.found.rounds),
            "networks": len(self.found.at(self.budgets_ms)),
            "failed": len(self.found.failed),
            "next": f"{validating}, then edgenas search --predict",
        }

    def front(self) -> list[dict[str, Any]]:
        """Return the networks of the front: cost in ms, value (of the judge, or by size), key."""
        return [
            {"cost": network.cost, "value": network.value, "key": self.space.key(network.choice)}
            for network in self.found.at(self.budgets_ms)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas profile --for-search --json`` prints."""
        failed = [str(block) for block in self.found.failed]
        return {**self.summary(), "failed_blocks": failed, "front": self.front()}

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each network of the front."""
        return frame(self.front())

    def __repr__(self) -> str:
        counts = self.summary()
        return (
            f"<Profiled {self.path}: {counts['measured']} of {counts['of']} blocks, of {counts['networks']} networks "
            f"on the front of {self.space.name}>"
        )

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.front())


def profile_for_search(
    space: str | Space | Callable[..., Space],
    *,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    budget_ms: float | Iterable[float] = (),
    accuracy: str | Callable[[Architecture], float] | Accuracy | None = None,
    score: bool = False,
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
) -> ProfiledFront:
    """Measure only the blocks that the best networks of a space may contain, as ``edgenas profile --for-search`` does.

    budget_ms   only the best networks at these budgets count (default: the whole front)
    accuracy    judge that gives the value of blocks, as for ``edgenas.search`` (default: the size of a block stands for
                its value)
    score       True: ``accuracy`` gives a score, any finite number, higher is better; False: it gives percent

    The other arguments are those of ``edgenas.profile``. ``check()`` of the result raises OutcomeError where blocks
    could not be measured. InputError where several devices or pools are given.

        edgenas.profile_for_search("mobilenet_v3_small", device="pi4", budget_ms=8).check()
    """
    from edgenas.profiler.fill import fill
    from edgenas.profiler.plan import Plan
    from edgenas.search.lazy import capacity_values, judged_values, lazily

    enough = stopping_rule(processes, most_processes, within, statistic)
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
    chosen = space_of(space, in_size, classes, channels)
    budgets = budget_numbers(budget_ms, "ms", "budget_ms")
    if len(jobs) > 1:
        raise InputError(f"--for-search fills one table, not one for each of {', '.join(jobs)}; name one device")
    ((label, job),) = jobs.items()
    if accuracy is None:
        values = capacity_values(chosen)
    else:
        with (
            opened_judge(accuracy, chosen, seed=0, score=score) as judge,
            listener.task("networks judged") as task,
        ):
            values = judged_values(chosen, judge, job.path.with_suffix(".trials.jsonl"), task)

    def measure(blocks: Sequence[BlockSpec]) -> LatencyTable:
        with listener.task("profile", [label]) as task:
            outcome = fill(jobs, blocks, enough, force, task, chains=chains)[label]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome.table

    found = lazily(chosen, values, measure, budgets_ms=budgets, statistic=enough.statistic, listener=listener)
    named = "capacity: log(1 + MACs and parameters over their mean), a stand-in for accuracy"
    if accuracy is not None:
        named = accuracy if isinstance(accuracy, str) else judge.name
    return ProfiledFront(job.path, chosen, named, found, budgets)
