"""Accuracies predicted by a model of options, which some networks are judged for: thousands more then cost nothing.

    feeder = SupernetAccuracy(space, data)        # or TrainingAccuracy, or any other
    accuracy = EstimateAccuracy(space, feeder, networks=100, journal=Path("fed.trials.jsonl"))
    accuracy.fitted().half_within                 # percentage points, of networks left out of the fit

ridge   ``edgenas.search.algorithms.ridge``: additive in options on a scale that saturates. Its networks are half, at
        most, from MathNAS's
        single sample, where each option is seen in a network near the mean, and half drawn from all
blocks  MathNAS's block accuracies, from the whole single sample (``edgenas.search.algorithms.mathnas_blocks``,
        ``edgenas.search.algorithms.mathnas``); the
        networks drawn beside it only say how far it is off
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgenas.base.code import Code
from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.search.accuracy.trust import Tau, kendall
from edgenas.search.algorithms.hybrid import single_sample
from edgenas.search.algorithms.hybrid_table import TrialModel
from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import FLOPS, block_values
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache, network_digest
from edgenas.search.problem import Accuracy, Candidate, Problem, code_of, is_score
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials

MODELS = ("ridge", "blocks")
LEAST = 10  #: networks, and those that only say how far 'blocks' is off
_DRAWS = 100  #: for each network wanted, before a space counts as exhausted

Predict = Callable[[Choice], float]


@dataclass(frozen=True, slots=True)
class FitQuality:
    """How far a model can be trusted, by networks that it was not fitted to: each left out in turn (ridge), or those
    beside the single sample (blocks).

    networks       judged for it, in all
    half_within    percentage points, or units of a score, between prediction and judgement: half of them are off by
                   less
    ninety_within  and nine in ten. Not a mean: the few networks that hardly learn, such as those of skips alone, are
                   off by tens of points, and whether any was drawn says nothing about the others
    tau            Kendall's, of predictions with judgements
    """

    networks: int
    half_within: float
    ninety_within: float
    tau: Tau

    def __str__(self) -> str:
        return (
            f"half off by less than {_points(self.half_within)} points, nine in ten by less than "
            f"{_points(self.ninety_within)}; "
            f"Kendall's tau {self.tau}"
        )


class EstimateAccuracy:
    """Accuracy in percent as ``model`` predicts it from ``networks`` that ``feeder`` judged, also of those.

    The first ``evaluate`` or ``fitted`` judges them; ``journal`` keeps what was judged, so that a fit that was cut goes
    on. ``progress`` hears (networks judged, of so many).
    """

    def __init__(
        self,
        space: Space,
        feeder: Accuracy,
        networks: int = 100,
        model: str = "ridge",
        seed: int = 0,
        *,
        journal: Path | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        if model not in MODELS:
            raise InputError(f"estimate: model={model!r} is not one of {among(model, MODELS)}")
        needed = LEAST + (len(single_sample(space)) if model == "blocks" else 0)
        if networks < needed:
            raise InputError(
                f"estimate: networks={networks} of {space.name} must be {needed} or more for model={model}"
            )
        self._space, self._feeder, self._count, self._model, self._seed = space, feeder, networks, model, seed
        self._journal, self._progress = journal, progress
        self._found: tuple[Predict, FitQuality] | None = None

    @property
    def name(self) -> str:
        return f"estimate:{self._model}-{self._count}-seed{self._seed}:{self._feeder.name}"

    @property
    def score(self) -> bool:
        return is_score(self._feeder)

    @property
    def code(self) -> Code | None:
        return code_of(self._feeder)

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Predictions in order, after the fit; what the feeder raises is passed on."""
        predict, _ = self._fit()
        within = _kept if self.score else _percent
        for index, candidate in enumerate(candidates):
            yield index, within(predict(candidate.choice))

    def fitted(self) -> FitQuality:
        """How far predictions are off."""
        return self._fit()[1]

    def _fit(self) -> tuple[Predict, FitQuality]:
        if self._found is None:
            with TrialCache(self._space, self._feeder, self._journal) as cache:
                wide = FLOPS.total(self._space.architecture(single_sample(self._space)[0]))
                problem = Problem(self._space, FLOPS, self._feeder, wide, self._seed)
                choices = self._networks()
                trials = Trials(problem, cache, progress=lambda trial: self._progress(len(cache), len(choices)))
                fit = _ridge if self._model == "ridge" else _blocks
                self._found = fit(problem, trials, choices)
        return self._found

    def _networks(self) -> list[Choice]:
        """Different ones, those of the single sample first; fewer than asked for where the space has no more."""
        rng, seeds = random.Random(f"estimate/{self._seed}"), single_sample(self._space)
        if self._model == "ridge" and len(seeds) > self._count // 2:
            rng.shuffle(seeds)
            seeds = seeds[: self._count // 2]
        found = {network_digest(self._space.architecture(choice)): choice for choice in reversed(seeds)}
        for _ in range(_DRAWS * self._count):
            if len(found) >= self._count:
                break
            choice = self._space.sample(rng)
            found.setdefault(network_digest(self._space.architecture(choice)), choice)
        return list(found.values())


def _ridge(problem: Problem, trials: Trials, choices: Sequence[Choice]) -> tuple[Predict, FitQuality]:
    graph = layered_graph(problem.space, FLOPS)
    model = TrialModel(problem.space, graph, trials)
    judged = model.rewards(choices)
    ridge, values = model.ridge(), model.edge_values()

    def predict(choice: Choice) -> float:
        total = sum(float(rows[edge]) for rows, edge in zip(values, graph.path(choice), strict=True))
        return ridge.accuracy(ridge.intercept + total)

    left_out = [model.left_out(choice) for choice in choices]
    return predict, _told(judged, left_out, len(trials), is_score(problem.accuracy))


def _blocks(problem: Problem, trials: Trials, choices: Sequence[Choice]) -> tuple[Predict, FitQuality]:
    judged = dict(zip(choices, trials.rewards(choices), strict=True))
    values = block_values(problem, trials)
    prediction = Prediction.of(problem.space, layered_graph(problem.space, FLOPS), values, power=1.0)
    seen = set(single_sample(problem.space))
    apart = {choice: percent for choice, percent in judged.items() if choice not in seen}
    if len(apart) < LEAST:
        raise InputError(
            f"{problem.space.name} has too few networks beside MathNAS's single sample to say how far its blocks are "
            f"off: take estimate.model=ridge, or judge all of them"
        )
    predictions = [prediction.accuracy(choice) for choice in apart]
    told = _told(list(apart.values()), predictions, len(trials), is_score(problem.accuracy))
    return prediction.accuracy, told


def _points(off: float) -> str:
    """Two decimals; more for scores that differ by less."""
    return f"{off:.2f}" if off == 0 or off >= 0.1 else f"{off:.2g}"


def _percent(predicted: float) -> float:
    """Within 0..100, which a model need not keep."""
    return min(100.0, max(0.0, predicted))


def _kept(predicted: float) -> float:
    """A score as it is predicted: nobody knows between which bounds it must lie."""
    return predicted


def _told(judged: Sequence[float], predicted: Sequence[float], networks: int, score: bool) -> FitQuality:
    within = _kept if score else _percent
    off = np.abs(np.array(judged) - [within(each) for each in predicted])
    half, ninety = (float(each) for each in np.quantile(off, (0.5, 0.9)))
    return FitQuality(networks, half, ninety, kendall(predicted, judged))
