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
from edgenas.blocks.pretrained.source import Provenance
from edgenas.runs.documents import DocumentKind
from edgenas.runs.layout import ARCH, RUN
from edgenas.runs.layout import SEARCH as SEARCH_FILE
from edgenas.runs.network import NETWORK
from edgenas.search.accuracy.trust import Trust
from edgenas.search.explanation import CostShare, LimitExplanation, LimitSlack
from edgenas.search.spaces.recorded import SpaceRecord


@dataclass(frozen=True, slots=True)
class SavedTrial:
    """A judged network: its accuracy in percent, and the cost that was compared with the budget."""

    key: str
    accuracy: float
    cost: float
    newly_judged: bool = True


@dataclass(frozen=True, slots=True)
class MostRewarded:
    """The network with the highest judged accuracy of a run, which is usually too high with a noisy judge."""

    key: str
    accuracy: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The network that answers a search at a budget.

    cost             cost that is compared with the budget
    predicted_cost   mean prediction
    interval         95 % interval of a measurement; None without a validation
    """

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
    """The answer of one algorithm at one budget, with the effort of finding it."""

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
    """A network on the front that block values predict, with the 95 % interval of its accuracy; ``low`` and ``high``
    are None where the error of the predictions is not known, and in files of edgenas 0.2."""

    cost: float
    predicted_accuracy: float
    key: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedExplanation:
    """Explanation of the network ``key``: active limits, gain from raising each limit alone, and most expensive blocks.

    ``front`` holds the best run of each budget, ``options`` the key of the option of each layer with a choice.
    """

    key: str
    options: dict[str, str] = field(default_factory=dict)
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
    """One round of ``--remeasure``.

    blocks   number of blocks of the winners
    kept     number of budgets whose winner did not change since the last round
    costs    predicted costs of the winners
    """

    number: int
    blocks: int
    kept: int
    costs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SavedRounds:
    """The rounds of ``--remeasure`` on a device; ``settled`` is True where no winner changed in the last one."""

    device: str
    settled: bool
    rounds: tuple[WinnerRound, ...]


@dataclass(frozen=True, slots=True)
class SavedCode:
    """The user's own code that a search used, as ``edgenas.base.code.Code.as_dict`` describes it.

    None stands for edgenas's own code, and in files of edgenas 0.2 for unknown code.
    """

    space: dict[str, Any] | None = None
    accuracy: dict[str, Any] | None = None
    algorithms: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """Content of ``search.json``.

    score     True: accuracies are scores, not percent
    winner    best run at the first budget
    shipped   network of the files that ``demo``, ``ship`` or ``bundle`` made; None for a search alone
    front_error   error of the accuracies of ``front``, each judged network left out in turn, in points; None where it
                  is not known, for the reason ``front_doubt``
    pretrained   published weights that the supernet began from
    """

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
    pretrained: Provenance | None = None
    winner: SavedRun
    runs: tuple[FullRun, ...]
    front: tuple[FrontPoint, ...] = ()
    front_error: float | None = None
    front_doubt: str | None = None
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
    """Add the explained network's ``key``, and the networks of ``front``: version 1 always explains the winner."""
    explanation = data.get("explanation")
    if not isinstance(explanation, dict):
        return data
    networks = {run["key"]: run["network"] for run in (data["winner"], *data["runs"])}
    front = [{"network": networks.get(each["key"]), **each} for each in explanation.get("front", [])]
    return {**data, "explanation": {**explanation, "key": data["winner"]["key"], "front": front}}


#: field of version 2 -> its name in version 3
_RENAMED = {"has": "value", "binds": "active", "paid": "newly_judged"}


def _from_2(data: dict[str, Any]) -> dict[str, Any]:
    """Rename three fields of limits and judged networks."""
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
    """Return the content of a search file; InputError where it cannot be read or is damaged.

    Version 1 (edgenas 0.2) does not name the network that shipped: it is read from the run beside the file.
    """
    from dataclasses import replace

    data = read_json(path, SEARCH.remedy, "search")
    found = SEARCH.of_json(data, str(path))
    if data["version"] == 1 and path.name == SEARCH_FILE:
        return replace(found, shipped=_shipped_beside(path.parent, found))
    return found


def _shipped_beside(folder: Path, found: SavedSearch) -> Answer | None:
    """Return the network of a run of edgenas 0.2 that shipped; None where ``folder`` is no such run of this search."""
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
