"""``search.json``: what a search found at each budget, and the network that shipped.

Versions:
    1 (edgenas 0.2)  the first
    2 (edgenas 0.3)  ``shipped``; ``explanation`` has the ``key`` of the network that it explains, and networks in its
                     ``front``; ``table`` is relative to the folder of the file
    3 (edgenas 0.3)  in limits ``value`` (was ``has``) and ``active`` (was ``binds``); ``newly_judged`` (was ``paid``)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgenas.base.reading import read_json
from edgenas.blocks.architecture import Architecture, NetworkField
from edgenas.runs.documents import DocumentKind
from edgenas.runs.layout import ARCH, RUN
from edgenas.runs.layout import SEARCH as SEARCH_FILE
from edgenas.runs.network import NETWORK
from edgenas.search.accuracy.trust import Trust
from edgenas.search.explanation import CostShare, LimitExplanation, LimitSlack
from edgenas.search.spaces.recorded import SpaceRecord


@dataclass(frozen=True, slots=True)
class SavedTrial:
    """A network that was judged: its accuracy in percent, and the cost that counted against the budget."""

    key: str
    accuracy: float
    cost: float
    newly_judged: bool = True


@dataclass(frozen=True, slots=True)
class MostRewarded:
    """The network that a run judged best, which with a noisy judge is mostly the luckiest."""

    key: str
    accuracy: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A network that answers a search at a budget. ``cost`` counts against the budget, ``predicted_cost`` is the mean
    prediction, ``interval`` what a measurement will be at, 95 times in 100."""

    budget: float
    key: str
    accuracy: float
    cost: float
    predicted_cost: float | None = None
    interval: tuple[float, float] | None = None
    limits: tuple[LimitSlack, ...] = ()
    network: NetworkField


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun(Answer):
    """The answer of one algorithm at one budget, and what it took to find it."""

    algorithm: str
    predicted_accuracy: float | None = None
    most_rewarded: MostRewarded | None = None
    judged: int = 0
    newly_judged: int = 0
    seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FullRun(SavedRun):
    """A run with all networks that it judged, in order."""

    trials: tuple[SavedTrial, ...] = ()


@dataclass(frozen=True, slots=True)
class FrontPoint:
    """A network on the front that block values predict."""

    cost: float
    predicted_accuracy: float
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedExplanation:
    """Of the network ``key``: which limit is active, what raising one alone would buy, and what it spends most on;
    ``front`` has the best run of each budget."""

    key: str
    front: tuple[SavedRun, ...] = ()
    dearest_blocks: tuple[CostShare, ...]
    fixed_cost: float = 0.0
    limits: tuple[LimitExplanation, ...]
    trials: int = 0
    cache_hits: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class SavedBlockValues:
    """MathNAS's block values (``edgenas.search.algorithms.mathnas_blocks.BlockValues``), networks by key."""

    base: str
    base_accuracy: float
    average: str
    loss: tuple[tuple[float, ...], ...]
    mean_flops: tuple[tuple[float, ...], ...]
    ended: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WinnerRound:
    """One look at the winners: how many ``blocks`` they have, how many of the budgets kept their winner since the last
    look, and what the winners are predicted to cost."""

    number: int
    blocks: int
    kept: int
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SavedRounds:
    """What ``--remeasure`` did on a device; ``settled`` where every winner stayed."""

    device: str
    settled: bool
    rounds: tuple[WinnerRound, ...]


@dataclass(frozen=True, slots=True)
class SavedCode:
    """Which code of the user's own a search used, as ``edgenas.base.code.Code.as_dict`` describes it; None where
    edgenas's own
    was used, or, in files of edgenas 0.2, where it is not known."""

    space: dict[str, Any] | None = None
    accuracy: dict[str, Any] | None = None
    algorithms: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """All of ``search.json``. ``winner`` is the best run at the first budget, ``shipped`` the network that ``demo``,
    ``ship`` or ``bundle`` made files of; None for a search alone. ``score``: accuracies are scores, not percent."""

    space: SpaceRecord
    accuracy: str
    score: bool = False
    code: SavedCode = field(default_factory=SavedCode)
    unit: str
    table: str | None = None
    statistic: str | None = None
    seed: int | None = None
    validated: bool | None = None
    uncertainty: str | None = None
    predicted_blocks: tuple[str, ...] = ()
    explanation: SavedExplanation | None = None
    trust: Trust | None = None
    estimate: dict[str, Any] | None = None
    remeasured: SavedRounds | None = None
    shipped: Answer | None = None
    winner: SavedRun
    runs: tuple[FullRun, ...]
    front: tuple[FrontPoint, ...] = ()
    block_values: SavedBlockValues | None = None

    @property
    def answer(self) -> Answer:
        """The network that answers the search: the one that shipped, else the winner at the first budget."""
        return self.winner if self.shipped is None else self.shipped

    @property
    def trials(self) -> Iterator[SavedTrial]:
        """Every judged network, run by run."""
        return (trial for run in self.runs for trial in run.trials)


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    """The explanation was of the winner, and its runs had no networks."""
    explanation = data.get("explanation")
    if not isinstance(explanation, dict):
        return data
    networks = {run["key"]: run["network"] for run in (data["winner"], *data["runs"])}
    front = [{"network": networks.get(each["key"]), **each} for each in explanation.get("front", [])]
    return {**data, "explanation": {**explanation, "key": data["winner"]["key"], "front": front}}


#: field of version 2 -> its name in version 3
_RENAMED = {"has": "value", "binds": "active", "paid": "newly_judged"}


def _from_2(data: dict[str, Any]) -> dict[str, Any]:
    """Limits and judged networks had other names for three fields."""
    parts = ("winner", "runs", "shipped", "explanation")
    return {key: _renamed(value) if key in parts else value for key, value in data.items()}


def _renamed(value: Any) -> Any:
    if isinstance(value, list):
        return [_renamed(each) for each in value]
    if not isinstance(value, dict):
        return value
    whole = ("network", "notes")  # the algorithm's and the network's own fields
    return {_RENAMED.get(key, key): each if key in whole else _renamed(each) for key, each in value.items()}


SEARCH = DocumentKind(SavedSearch, "edgenas search", 3, "search again: edgenas search", {1: _from_1, 2: _from_2})


def read_search(path: Path) -> SavedSearch:
    """Return what a search found; InputError. What shipped of a search of edgenas 0.2 is read from the run beside it,
    which version 1 leaves out."""
    from dataclasses import replace

    data = read_json(path, SEARCH.remedy, "search")
    found = SEARCH.of_json(data, str(path))
    if data["version"] == 1 and path.name == SEARCH_FILE:
        return replace(found, shipped=_shipped_beside(path.parent, found))
    return found


def _shipped_beside(folder: Path, found: SavedSearch) -> Answer | None:
    """The network of a run of edgenas 0.2 that shipped; None where ``folder`` is no finished run of this search."""
    from edgenas.runs.run import RUN as RUN_KIND

    if not ((folder / RUN).is_file() and (folder / ARCH).is_file()):
        return None
    run = RUN_KIND.read(folder / RUN)
    trial = next((trial for trial in found.trials if trial.key == run.winner), None)
    if trial is None:
        return None
    budget = found.winner.budget if run.budget_ms is None else run.budget_ms
    return Answer(
        budget=budget,
        key=trial.key,
        accuracy=trial.accuracy,
        cost=trial.cost,
        limits=(LimitSlack("", found.unit, budget, trial.cost),),
        network=NETWORK.read(folder / ARCH),
    )


def read_network(path: Path) -> Architecture:
    """Return the network of ``arch.json``, or the answer of a ``search.json``: the network that shipped, else
    the winner at the first budget. InputError for any other file."""
    data = read_json(path, NETWORK.remedy, "network")
    if SEARCH.fits(data):
        return read_search(path).answer.network
    if not NETWORK.fits(data) and isinstance(data, dict) and "format" not in data:
        data = {**data, "format": NETWORK.format, "version": 1}  # so that the error names the field that is missing
    return NETWORK.of_json(data, str(path))
