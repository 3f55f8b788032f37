"""SearchResult: the networks that a search found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.front import Front, front, judged_members
from edgenas.api.network import Network
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.errors import InputError
from edgenas.runs.layout import SEARCH as SEARCH_FILE
from edgenas.search.scale import accuracy_text

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.table import Table
    from edgenas.report.pictures import Svg
    from edgenas.runs.search import SavedSearch
    from edgenas.search.accuracy.trust import Trust
    from edgenas.search.explain import Explanation
    from edgenas.search.problem import Trial
    from edgenas.search.record import BudgetRun, SearchRecord

_SHOWN = ("budget", "algorithm", "predicted_cost", "cost", "accuracy", "judged", "key")  #: in a notebook


@dataclass(frozen=True, repr=False, eq=False)
class SearchResult:
    """Result of a search: the winners, and all judged networks.

    record        every run: algorithm, budget, judged networks
    explanation   parts of the winner's cost, the active limit, and the gain of raising it
    notes         messages about the tables and the winner
    table         file of the latency table; None where no budget was a latency
    trust         agreement of the supernet's ranking with networks trained alone; None where it was not compared
    estimate      quality of the estimated accuracies, as text; None where the judge is not an estimate
    saved         content of ``search.json``
    """

    record: SearchRecord
    explanation: Explanation
    notes: tuple[str, ...]
    table: Path | None
    trust: Trust | None
    estimate: str | None
    saved: SavedSearch

    @property
    def budgets(self) -> tuple[float, ...]:
        """The budgets, in ``unit``, in the order given."""
        return tuple(dict.fromkeys(run.budget for run in self.record.runs))

    @property
    def unit(self) -> str:
        """Unit of budgets and costs: 'ms', 'MACs', 'params' or 'MB'."""
        return self.record.cost.unit

    @property
    def best(self) -> Network:
        """The most accurate network inside the first budget."""
        return self.at(self.budgets[0])

    def at(self, budget: float) -> Network:
        """Return the winner at one of the budgets; InputError for another number."""
        if budget not in self.budgets:
            known = ", ".join(f"{each:g}" for each in self.budgets)
            raise InputError(f"the search had no budget of {budget:g} {self.unit}; it had {known}")
        return self._network(self.record.best(budget))

    def front(self) -> Front:
        """Return the judged networks that no other judged network beats in both predicted cost and accuracy, by cost.

        ``edgenas.front(result)`` gives the exact front that MathNAS's block values predict over the whole space.
        """
        from edgenas.search.predicted_front import judged_of

        space, cost = self.record.space, self.record.cost
        points = judged_members(space, cost, judged_of(self.record))
        return Front(space, cost.unit, points, "judged", self.record.score)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas search --json`` prints and ``search.json`` holds."""
        from edgenas.runs.search import SEARCH

        return SEARCH.to_json(self.saved)

    def save(self, path: FilePath = SEARCH_FILE) -> Path:
        """Write ``to_json()`` to ``path``, for the command line, ``edgenas.report`` and ``edgenas.bundle``.

        It holds the path of the latency table relative to the folder of ``path``.
        """
        from edgenas.runs.layout import table_from
        from edgenas.runs.search import SEARCH

        named = None if self.table is None else table_from(Path(path), self.table)
        SEARCH.write(Path(path), replace(self.saved, table=named))
        return Path(path)

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each judged network of each run."""
        return frame(
            {"algorithm": run["algorithm"], "budget": run["budget"], **trial}
            for run in self.to_json()["runs"]
            for trial in run["trials"]
        )

    def plot(self) -> Svg:
        """Return an SVG figure, which notebooks show: the judged networks, the winners and the judged front."""
        from edgenas.report.pictures import FrontPicture, front_figure

        trials: dict[str, list[tuple[float, float]]] = {}
        picked: dict[str, list[tuple[float, float]]] = {}
        for run in self.record.runs:
            trials.setdefault(run.algorithm, []).extend(self._point(trial) for trial in run.result.trials)
            picked.setdefault(run.algorithm, []).append(self._point(run.result.answer))
        title = f"{self.record.space.name} judged by {self.record.accuracy}"
        points = [(point.cost, point.accuracy) for point in self.front()]
        return front_figure(
            FrontPicture(
                title,
                points,
                trials,
                self.budgets,
                unit=self.unit,
                picked=picked,
                front_label="front of judged networks",
                score=self.record.score,
            )
        )

    def predicted_front(self, table: FilePath | Table | None = None, **options: Any) -> Front:
        """Return the predicted front, ``edgenas.front(self, table=table, **options)``."""
        return front(self, table=table, **options)

    def _point(self, trial: Trial) -> tuple[float, float]:
        return self.record.cost.total(self.record.space.architecture(trial.choice)), trial.accuracy

    def _network(self, run: BudgetRun) -> Network:
        trial = run.result.answer
        network = self.record.space.architecture(trial.choice)
        cost = self.record.cost.total(network)
        interval = self.record.interval(cost)
        return Network(network, trial.accuracy, cost, self.unit, interval, self.record.score, self.table)

    def __repr__(self) -> str:
        best = self.best
        judged = f"{self.explanation.judged} judged"
        cost = "" if best.cost is None else f", {number(best.cost)} {self.unit} predicted"
        return (
            f"<Search of {self.record.space.name} within {number(self.budgets[0])} {self.unit}: "
            f"{accuracy_text(best.accuracy or 0.0, best.score)}{cost}, {judged}: {best.name}>"
        )

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.to_json()["runs"], _SHOWN)
