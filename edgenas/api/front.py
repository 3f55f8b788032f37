"""``edgenas.front`` and Front: the best accuracy at each budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import limit_texts, priced
from edgenas.api.named import space_text
from edgenas.api.network import Network
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.amounts import check_budget
from edgenas.base.counted import counted
from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.search.scale import accuracy_text

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.search_result import SearchResult
    from edgenas.api.table import Table
    from edgenas.report.pictures import Svg
    from edgenas.runs.search import SavedSearch
    from edgenas.search.problem import Cost
    from edgenas.search.space import Space


@dataclass(frozen=True, slots=True)
class FrontMember:
    """A network of a front: cost in the front's unit, accuracy in percent (or a score), key in the space."""

    cost: float
    accuracy: float
    key: str


@dataclass(frozen=True, repr=False)
class Front:
    """Networks of a front, sorted by cost; each is more accurate than all that cost less.

    unit     unit of the costs: 'ms', 'MACs', 'params' or 'MB'
    points   the networks, a ``FrontMember`` each

    of       'predicted': accuracies that MathNAS's block values predict, over the whole space; 'judged': accuracies of
             the judge, over the judged networks
    score    True: accuracies are scores on the judge's own scale, not percent
    """

    space: Space
    unit: str
    points: tuple[FrontMember, ...]
    of: str
    score: bool = False

    @property
    def space_text(self) -> str:
        """Name of the space on the command line; for a space of your own, FILE.py:NAME or PACKAGE.MODULE:NAME."""
        return space_text(self.space)

    def __iter__(self) -> Iterator[FrontMember]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def at(self, budget: float) -> Network:
        """Return the most accurate network that costs at most ``budget``; OutcomeError where there is none."""
        check_budget(budget, self.unit)
        fitting = [point for point in self.points if point.cost <= budget]
        if not fitting:
            least = f"the cheapest costs {number(self.points[0].cost)} {self.unit}"
            raise OutcomeError(f"no network of this front costs at most {budget:g} {self.unit}: {least}")
        return self.network(fitting[-1])

    def network(self, point: FrontMember) -> Network:
        """Return the network of a member of the front."""
        architecture = self.space.architecture(self.space.parse(point.key))
        return Network(architecture, point.accuracy, point.cost, self.unit, score=self.score)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas front --json`` prints; for judged networks the key is 'accuracy'."""
        name = "predicted_accuracy" if self.of == "predicted" else "accuracy"
        points = [{"cost": p.cost, name: p.accuracy, "key": p.key} for p in self.points]
        return {"space": self.space.name, "unit": self.unit, "front": points}

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each network."""
        return frame(self.to_json()["front"])

    def plot(self) -> Svg:
        """Return an SVG figure of the front, which notebooks show."""
        from edgenas.report.pictures import front_figure

        return front_figure(self.picture())

    def picture(self) -> Any:
        """Return the front in the form that ``edgenas.report.pictures`` draws."""
        from edgenas.report.pictures import FrontPicture

        points = [(p.cost, p.accuracy) for p in self.points]
        title = f"{self.space.name}: {self.of} front"
        label = "exact predicted front" if self.of == "predicted" else "front of judged networks"
        return FrontPicture(title, points, {}, unit=self.unit, front_label=label, score=self.score)

    def __repr__(self) -> str:
        if not self.points:
            return f"<Front of {self.space.name}, {self.of}: no network>"
        first, last = self.points[0], self.points[-1]
        ends = f"{number(first.cost)} {self.unit} {accuracy_text(first.accuracy, self.score)} .. "
        return (
            f"<Front of {self.space.name}, {self.of}: {counted(len(self.points), 'network')}, "
            f"{ends}{number(last.cost)} {self.unit} {accuracy_text(last.accuracy, self.score)}>"
        )

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json()["front"])


def front(
    search: FilePath | SearchResult,
    *,
    table: FilePath | Table | None = None,
    statistic: str | None = None,
    unvalidated: bool = False,
    limits: Mapping[FilePath, float] | Sequence[str] = (),
    listener: Listener = SILENT,
) -> Front:
    """Return the exact front that a search's block values predict over the whole space, as ``edgenas front`` does.

    search        result of ``edgenas.search``, or the JSON file it wrote; its algorithms must include mathnas, without
                  ``max_trials``
    table         a latency table of this or any other device (default: the search's own)
    statistic     'min', 'median' or 'p90' (default: that of the search; for another table, that of its validation)
    unvalidated   use a table that has no validation
    limits        limits on costs of your own, such as energy: file with the cost of each block -> the most

    InputError where the search has no block values or no table; OutcomeError for a table that is not validated.

        edgenas.front("search.json").at(8.0)
    """
    from edgenas.runs.from_search import values_of
    from edgenas.search.own_cost import own_limits
    from edgenas.search.record import front_points

    named, saved, space = _opened(search)
    values = values_of(space, saved.block_values, named)
    cost = _cost(search, saved, space, table, statistic, unvalidated)
    own = own_limits(limit_texts(limits), space)
    if len(saved.winner.limits) > 1:
        kept = f" and keeps the limit of {' and '.join(each.cost.name for each in own)}" if own else ""
        listener.message(f"this front has one cost{kept}; the other limits of the search do not apply to it")
    points = tuple(FrontMember(c, a, key) for c, a, key in front_points(space, cost, values, own))
    return Front(space, cost.unit, points, "predicted", saved.score)


def _opened(search: FilePath | SearchResult) -> tuple[str, SavedSearch, Space]:
    """Return the search's name in messages, its saved results and its space."""
    from edgenas.runs.search import read_search
    from edgenas.search.spaces.recorded import recorded_space

    if not isinstance(search, str | Path):
        return "this search", search.saved, search.record.space
    saved = read_search(Path(search))
    return str(search), saved, recorded_space(saved.space, saved.code.space, str(search))


def _cost(
    search: FilePath | SearchResult,
    saved: SavedSearch,
    space: Space,
    table: FilePath | Table | None,
    statistic: str | None,
    unvalidated: bool,
) -> Cost:
    from edgenas.runs.layout import table_beside
    from edgenas.search.cost import macs_cost, params_cost, size_cost

    counted = {"MACs": macs_cost, "params": params_cost, "MB": size_cost}
    if table is None and saved.unit in counted:
        return counted[saved.unit]()
    plain = unvalidated or (table is None and saved.validated is False)
    chosen = statistic or (saved.statistic if table is None else None)
    if table is not None:
        return priced(space, table, chosen, plain).cost
    own = table_beside(Path(search), saved.table) if isinstance(search, str | Path) else search.table
    assert own is not None  # a search in ms has a table
    return priced(space, own, chosen, plain).cost
