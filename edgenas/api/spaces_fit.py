"""``edgenas.spaces_inside``: the spaces that reach a latency budget on a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.profile import profile
from edgenas.api.shown import FilePath, frame, html_table
from edgenas.api.table import open_table
from edgenas.base.amounts import check_budget
from edgenas.base.counted import counted
from edgenas.base.listener import SILENT, Listener
from edgenas.latency_tables.campaign_time import PROCESSES, pace_s

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.search.reach import LatencyModel, Reach
    from edgenas.search.spaces.published_accuracy import PublishedAccuracy

PROBE_SPACE = "mobilenet_v3_large"  #: its blocks reach from 0.1 to 20 million MACs, with all operators


@dataclass(frozen=True, slots=True)
class SpaceInside:
    """A space and what it reaches at each size of images. ``profile_s`` estimates the measuring of all its blocks, in
    seconds, by the pace of the probe or of the table; None where the pace is not known."""

    name: str
    distinct_blocks: int
    sizes: tuple[Reach, ...]
    published: PublishedAccuracy | None
    profile_s: float | None

    def at(self, *inside: str) -> tuple[int, ...]:
        """Return the sizes at which ``inside`` of the networks keep the budget: 'all', 'some', 'unclear', 'none'."""
        return tuple(each.size for each in self.sizes if each.inside in inside)


@dataclass(frozen=True, repr=False)
class SpacesInside:
    """The spaces by a latency budget, ms. Iterating yields a ``SpaceInside`` for each; ``table`` holds the measured
    blocks."""

    budget_ms: float
    table: Path
    model: LatencyModel
    rows: tuple[SpaceInside, ...]

    def __iter__(self) -> Iterator[SpaceInside]:
        return iter(self.rows)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas spaces --fits --json`` prints."""
        rows = [asdict(row) for row in self.rows]
        return {
            "budget_ms": self.budget_ms,
            "table": str(self.table),
            "model": asdict(self.model),
            "spaces": [{**row, "sizes": list(row["sizes"])} for row in rows],
        }

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each space and size."""
        return frame(self._flat())

    def _flat(self) -> list[dict[str, Any]]:
        return [{"space": row.name, **asdict(each)} for row in self.rows for each in row.sizes]

    def __repr__(self) -> str:
        reached = sum(bool(row.at("all", "some")) for row in self.rows)
        return f"<{reached} of {counted(len(self.rows), 'space')} reach {self.budget_ms:g} ms>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self._flat())


def spaces_inside(
    budget_ms: float,
    *,
    device: str | FilePath = "local",
    inventory: FilePath | None = None,
    force: bool = False,
    listener: Listener = SILENT,
) -> SpacesInside:
    """Estimate which spaces reach a latency budget, from a dozen blocks that are measured, as ``edgenas spaces --fits``
    does.

    device   a device of the inventory, which is measured into DEVICE-probe.jsonl (a minute; a second call measures
             nothing); or the file of a latency table, whose blocks are used
    force    measure the device even if it is busy, warm or not ready

    The estimates choose what to profile. They do not replace a table: latencies of networks are known from a profiled
    and validated table only. InputError for a budget that is no number above 0.

        edgenas.spaces_inside(8, device="pi4")
    """
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.search.reach import PROBED, fit_model, probe_blocks, reach
    from edgenas.search.spaces import space
    from edgenas.search.spaces.facts import known_facts
    from edgenas.search.spaces.published_accuracy import PUBLISHED_ACCURACY

    budget = check_budget(budget_ms, "ms", "budget_ms")
    if Path(device).suffix in (".jsonl", ".gz") or Path(device).is_file():
        path = Path(device)
    else:
        path = Path(f"{device}-probe.jsonl")
        wanted = probe_blocks(space(PROBE_SPACE).blocks())
        listener.step(f"measuring {PROBED} blocks on {device}, into {path}")
        profile(
            blocks=wanted,
            device=str(device),
            inventory=inventory,
            processes=2,
            most_processes=2,
            out=path,
            force=force,
            listener=listener,
        )
    table = open_table(path)
    model = fit_model({block: table.data.ms(block, table.statistic) for block in table.blocks})
    pace = pace_s(table.data) if isinstance(table.data, LatencyTable) else None
    rows = []
    for name, facts in known_facts().items():
        measured_s = None if pace is None else pace * PROCESSES * facts.distinct_blocks
        found = tuple(reach(facts, model, budget))
        rows.append(SpaceInside(name, facts.distinct_blocks, found, PUBLISHED_ACCURACY.get(name), measured_s))
    return SpacesInside(budget, path, model, tuple(rows))
