"""The judged networks of a search for the page: latency on every device, sampled if there are too many to draw."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from edgenas.blocks.architecture import Architecture
from edgenas.profiler.verdict import Verdict
from edgenas.report.networks import Catalogue
from edgenas.report.references import Reference, drawn
from edgenas.report.sampling import evenly
from edgenas.report.series import Series
from edgenas.runs.search import SavedSearch, SavedTrial

MOST_POINTS = 900  #: points in the figure of a search, over all series
MOST_ROWS = 200  #: rows of the table below the figure: the most accurate networks


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged network: ``costs`` by series, None where a table lacks its blocks; ``counted`` is the cost that the
    search compared with the budget."""

    key: str
    number: int | None  # in the catalogue; None if its blocks are not known or too many
    accuracy: float
    algorithm: str
    costs: tuple[float | None, ...]
    counted: float
    best_at: tuple[float, ...]  # budgets in which it is the best network


@dataclass(frozen=True, slots=True)
class Timed:
    """A network of the search that was timed as a file. ``accuracy`` as judged, None if not known. ``ships`` is True
    for the trained file that ships, False for a finalist with random weights; ``trained`` is the accuracy of that file
    on the test images, in percent."""

    key: str
    accuracy: float | None
    verdict: Verdict
    ships: bool = False
    trained: float | None = None


@dataclass(frozen=True)
class FrontFigure:
    """Content of the figure of one search: the networks ``judged``, out of ``found``. ``own`` is the index of the table
    that the search used; None if that table is not given: then the costs of the search are drawn as series 0."""

    search: SavedSearch
    judged: tuple[Judged, ...]
    found: int
    own: int | None
    series: tuple[Series, ...]
    timed: tuple[Timed, ...]
    winner: str
    references: tuple[Reference, ...]
    no_references: str  # the reason why there are none; '' if there are some

    @property
    def in_ms(self) -> bool:
        return self.search.unit == "ms"


def shown_keys(search: SavedSearch, always: Collection[str], most: int) -> list[str]:
    """Return the keys of the networks to show, the most important first: ``always``, the answers, the undominated ones,
    the ends (cheapest, dearest, least accurate), the most accurate, and others at even steps of cost up to ``most``."""
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


def undominated(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the points (cost, accuracy) that no other one beats in both, by cost."""
    kept: list[tuple[float, float]] = []
    for cost, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not kept or accuracy > kept[-1][1]:
            kept.append((cost, accuracy))
    return kept


def judged_in(search: SavedSearch) -> str:
    """Return how long the judge took for a network: 'judged in 2 s'; 'judged' where that is not known or no time."""
    newly = sum(run.newly_judged for run in search.runs)
    seconds = sum(run.seconds for run in search.runs if run.newly_judged) / newly if newly else 0.0
    return "judged" if seconds < 0.1 else f"judged in {seconds:.2g} s" if seconds < 10 else f"judged in {seconds:.0f} s"


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
    """Return the figure of a search, with the latency of the networks ``keys`` in every series; if the table of the
    search is not given, with the costs that the search recorded."""
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
