"""``edgenas.front`` and Front: the best accuracy at each budget."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
    from edgenas.search.space import Choice, Space


@dataclass(frozen=True, slots=True)
class FrontMember:
    """A network of a front: cost in the front's unit, accuracy in percent (or a score), key in the space.

    low, high   95 % interval of a predicted accuracy; None for a judged network, and where the error is not known
    """

    cost: float
    accuracy: float
    key: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, repr=False)
class Front:
    """Networks of a front, sorted by cost; each is more accurate than all that cost less.

    unit     unit of the costs: 'ms', 'MACs', 'params' or 'MB'
    points   the networks, a ``FrontMember`` each

    of       'predicted': accuracies that MathNAS's block values predict, over the whole space; 'judged': accuracies of
             the judge, over the judged networks
    score    True: accuracies are scores on the judge's own scale, not percent
    judged   of a predicted front: the front of the judged networks
    error    of a predicted front: root mean square error of its predictions, each judged network left out in turn, in
             points of accuracy; None where it is not known
    doubt    the reason why the error of a predicted front is not known; '' where it is
    budget   largest budget of the search, in the unit of the front; None with a table of another device
    share    share of this budget that the cost of a network may take: the search counts intervals against it, too
    """

    space: Space
    unit: str
    points: tuple[FrontMember, ...]
    of: str
    score: bool = False
    judged: tuple[FrontMember, ...] = ()
    error: float | None = None
    doubt: str = ""
    budget: float | None = None
    share: float = 1.0

    @property
    def space_text(self) -> str:
        """Name of the space on the command line; for a space of your own, FILE.py:NAME or PACKAGE.MODULE:NAME."""
        return space_text(self.space)

    def __iter__(self) -> Iterator[FrontMember]:
        return iter(self.points)

    def __len__(self) -> int:
        return len(self.points)

    def at(self, budget: float) -> Network:
        """Return the most accurate network that costs at most ``budget``; OutcomeError where there is none.

        Of a predicted front, that is a judged network, unless a prediction is higher even at the low end of its
        interval, or no judged network costs so little.
        """
        check_budget(budget, self.unit)
        return self.network(self.recommended(budget))

    def recommended(self, budget: float | None = None) -> FrontMember:
        """Return the member that ``at(budget)`` is the network of; by default within the budget of the search, where
        this front has it and a network inside it."""
        if budget is None:
            inside = math.inf if self.budget is None else self.budget * self.share * (1 + 1e-9)
            kept = any(point.cost <= inside for point in (*self.points, *self.judged))
            budget = inside if kept else math.inf
        predicted = [point for point in self.points if point.cost <= budget]
        judged = [point for point in self.judged if point.cost <= budget]
        if not predicted and not judged:
            least = f"the cheapest costs {number(self.points[0].cost)} {self.unit}"
            raise OutcomeError(f"no network of this front costs at most {budget:g} {self.unit}: {least}")
        if not judged:
            return predicted[-1]
        surely = [point for point in predicted if point.low is not None and point.low > judged[-1].accuracy]
        return surely[-1] if surely else judged[-1]

    def network(self, point: FrontMember) -> Network:
        """Return the network of a member of the front."""
        architecture = self.space.architecture(self.space.parse(point.key))
        return Network(architecture, point.accuracy, point.cost, self.unit, score=self.score)

    def menu(self, nets: int = 8, slowdown: float = 3.0, budget: float | None = None) -> FrontMenu:
        """Return the at most ``nets`` networks that lose least accuracy against this front while a device gets up to
        ``slowdown`` times slower than now, within ``budget`` (default: the cost of the most accurate network).

        InputError where no network is within the budget. ``edgenas.adapt`` makes files of such a menu.
        """
        from edgenas.search.menu import choose_menu

        costs, accuracies = [p.cost for p in self.points], [p.accuracy for p in self.points]
        most = costs[-1] if budget is None else check_budget(budget, self.unit)
        chosen = choose_menu(costs, accuracies, most, nets, slowdown)
        return FrontMenu(replace(self, points=tuple(self.points[i] for i in chosen.members)), chosen.losses)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas front --json`` prints; for judged networks the key is 'accuracy'."""
        found: dict[str, Any] = {"space": self.space.name, "unit": self.unit}
        if self.of != "predicted":
            return {**found, "front": [_judged_row(p) for p in self.points]}
        points = [
            {"cost": p.cost, "predicted_accuracy": p.accuracy, "low": p.low, "high": p.high, "key": p.key}
            for p in self.points
        ]
        judged = [_judged_row(p) for p in self.judged]
        return {**found, "front": points, "judged": judged, "error": self.error, "doubt": self.doubt or None}

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

        title = f"{self.space.name}: {self.of} front"
        front = [(p.cost, p.accuracy) for p in (self.judged or self.points)]
        bands = [(p.cost, p.accuracy, p.low, p.high) for p in self.points if p.low is not None and p.high is not None]
        label = "front of judged networks"
        if self.of == "predicted" and not self.judged:
            label = "predicted front, 95 % interval" if bands else "predicted front, error not known"
        return FrontPicture(
            title, front, {}, unit=self.unit, front_label=label, score=self.score, predicted=tuple(bands)
        )

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


@dataclass(frozen=True)
class FrontMenu:
    """Networks of a front for a device that gets slower: a ``front`` of these networks alone, and ``losses``: number of
    networks -> percentage points that the best menu of that size loses against the whole front, on average."""

    front: Front
    losses: dict[int, float]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas front --nets --json`` prints."""
        return {**self.front.to_json(), "losses": {str(count): loss for count, loss in self.losses.items()}}


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

    The predictions are calibrated on the judged networks and have their error; beside them is the judged front.

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
    from edgenas.search.predicted_front import predicted_front

    named, saved, space = _opened(search)
    values = values_of(space, saved.block_values, named)
    cost = _cost(search, saved, space, table, statistic, unvalidated)
    own = own_limits(limit_texts(limits), space)
    if len(saved.winner.limits) > 1:
        kept = f" and keeps the limit of {' and '.join(each.cost.name for each in own)}" if own else ""
        listener.message(f"this front has one cost{kept}; the other limits of the search do not apply to it")
    accuracies = {space.parse(trial.key): trial.accuracy for trial in saved.trials}
    found = predicted_front(space, cost, values, accuracies, own, saved.score)
    points = tuple(FrontMember(p.cost, p.accuracy, p.key, p.low, p.high) for p in found.points)
    error = None if found.calibration is None else found.calibration.error
    within = {c: a for c, a in accuracies.items() if all(limit.keeps(space.architecture(c)) for limit in own)}
    judged = judged_members(space, cost, within)
    made = Front(space, cost.unit, points, "predicted", saved.score, judged, error, found.doubt)
    if table is not None:
        return made
    run = max(saved.runs, key=lambda run: (run.budget, run.accuracy))
    return replace(made, budget=run.budget, share=1.0 if run.predicted_cost is None else run.predicted_cost / run.cost)


def judged_members(space: Space, cost: Cost, judged: Mapping[Choice, float]) -> tuple[FrontMember, ...]:
    """Return the judged networks (network -> accuracy) that no other one beats in both cost and accuracy, by cost."""
    points = [(cost.total(space.architecture(choice)), -accuracy, choice) for choice, accuracy in judged.items()]
    kept: list[FrontMember] = []
    for amount, loss, choice in sorted(points):
        if not kept or -loss > kept[-1].accuracy:
            kept.append(FrontMember(amount, -loss, space.key(choice)))
    return tuple(kept)


def _judged_row(member: FrontMember) -> dict[str, Any]:
    return {"cost": member.cost, "accuracy": member.accuracy, "key": member.key}


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
