"""What a search judged, as the page can show it: priced on every device, and sampled where it is too much to draw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from edgenas.blocks.architecture import Architecture
from edgenas.profiler.verdict import Verdict
from edgenas.report.networks import Catalogue
from edgenas.report.references import Reference, drawn
from edgenas.report.sampling import evenly
from edgenas.report.series import Series
from edgenas.runs.search import SavedSearch, SavedTrial

MOST_POINTS = 900  #: of a search in its figure, over all series
MOST_ROWS = 200  #: of the table beneath: the most accurate


@dataclass(frozen=True, slots=True)
class Judged:
    """A network of a search: ``costs`` by series, None where a table lacks its blocks; ``counted`` what the search held
    against its budget."""

    key: str
    number: int | None  # in the catalogue; None where nobody knows its blocks, or there are too many to show
    accuracy: float
    algorithm: str
    costs: tuple[float | None, ...]
    counted: float
    best_at: tuple[float, ...]  # budgets it is the best found in


@dataclass(frozen=True, slots=True)
class Timed:
    """A network of the search that was timed whole; ``accuracy`` as judged, None where that is not known. ``ships``
    where it is the file that ships, trained, and no finalist with random weights."""

    key: str
    accuracy: float | None
    verdict: Verdict
    ships: bool = False


@dataclass(frozen=True)
class FrontFigure:
    """What the figure shows of one search: of ``found`` networks those ``judged``. ``own`` is the series the search was
    over; None where its table is not there, and then the search's own costs are drawn as series 0."""

    search: SavedSearch
    judged: tuple[Judged, ...]
    found: int
    own: int | None
    series: tuple[Series, ...]
    timed: tuple[Timed, ...]
    winner: str
    references: tuple[Reference, ...]
    no_references: str  # why there are none

    @property
    def in_ms(self) -> bool:
        return self.search.unit == "ms"


def shown_keys(search: SavedSearch, always: Collection[str], most: int) -> list[str]:
    """Keys of the networks that are shown, the ones that matter first: ``always``, the answers, the undominated ones,
    the ends, the most accurate, and of the others ``most`` at most, evenly along the cost."""
    trials: dict[str, SavedTrial] = {}
    for run in search.runs:
        for trial in run.trials:
            trials.setdefault(trial.key, trial)
    by_cost = sorted(trials.values(), key=lambda t: (t.cost, -t.accuracy))
    by_accuracy = sorted(by_cost, key=lambda t: -t.accuracy)
    undominated: list[SavedTrial] = []
    for trial in by_cost:
        if not undominated or trial.accuracy > undominated[-1].accuracy:
            undominated.append(trial)
    first = [*always, *(run.key for run in search.runs), *(t.key for t in evenly(undominated, most))]
    ends = [t.key for t in (*by_cost[:1], *by_cost[-1:], *by_accuracy[-1:])]
    kept = dict.fromkeys(key for key in (*first, *ends, *(t.key for t in by_accuracy[:MOST_ROWS])) if key in trials)
    rest = [trial.key for trial in by_cost if trial.key not in kept]
    return [*kept, *evenly(rest, max(0, most - len(kept)))]


def front(
    search: SavedSearch,
    networks: Mapping[str, Architecture],
    keys: Sequence[str],
    catalogue: Catalogue,
    series: Sequence[Series],
    timed: Sequence[Timed],
    winner: str,
    prefix: str,
) -> FrontFigure:
    """Price the networks ``keys`` in every series; where the search's own table is not there, as the search did."""
    usable = tuple(series) if search.unit == "ms" else ()
    own = next((s.index for s in usable if search.table and s.path.name == search.table.rpartition("/")[2]), None)
    if own is None and not any(s.total_ms(n) is not None for s in usable for n in networks.values()):
        usable = ()
    best: dict[str, list[float]] = {}
    for budget in dict.fromkeys(run.budget for run in search.runs):
        runs = [run for run in search.runs if run.budget == budget]
        best.setdefault(max(runs, key=lambda r: (r.accuracy, -r.cost)).key, []).append(budget)
    trials: dict[str, tuple[SavedTrial, str]] = {}
    for run in search.runs:
        for trial in run.trials:
            trials.setdefault(trial.key, (trial, run.algorithm))
    judged = []
    for key in keys:
        trial, algorithm = trials[key]
        network = networks.get(key)
        costs: list[float | None] = [None if network is None else s.total_ms(network) for s in usable]
        if own is not None and costs[own] is None:
            costs[own] = trial.cost
        known = None if network is None else catalogue.add(f"{prefix}{key}", network)
        judged.append(
            Judged(
                key,
                known,
                trial.accuracy,
                algorithm,
                tuple(costs) if usable else (trial.cost,),
                trial.cost,
                tuple(best.get(key, ())),
            )
        )
    references, why = drawn(search, usable)
    return FrontFigure(search, tuple(judged), len(trials), own, usable, tuple(timed), winner, references, why)
