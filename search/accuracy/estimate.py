"""A judge that predicts accuracies by a model of options, fitted to some judged networks: predictions cost nothing.

    feeder = SupernetAccuracy(space, data)        # or TrainingAccuracy, or any other
    accuracy = EstimateAccuracy(space, feeder, networks=100, journal=Path("fed.trials.jsonl"))
    accuracy.fitted().half_within                 # percentage points, of networks left out of the fit

factors  ``edgenas.search.accuracy.estimate_models``; its networks are drawn at random from all networks
ridge    ``edgenas.search.accuracy.estimate_models``; at most half of its networks are from MathNAS's single sample,
         which has each option in a network near the mean, and the others are drawn
blocks   MathNAS's block accuracies, from the whole single sample (``edgenas.search.algorithms.mathnas_blocks``,
         ``edgenas.search.algorithms.mathnas``); the other networks, which are drawn, only measure its error
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgenas.base.code import Code
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import among
from edgenas.search.accuracy.estimate_models import FITS, Predict
from edgenas.search.accuracy.own_table import AccuracyTable
from edgenas.search.accuracy.trust import Tau, kendall
from edgenas.search.algorithms.hybrid import single_sample
from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import FLOPS, block_values
from edgenas.search.algorithms.regression import PERCENT
from edgenas.search.digests import network_digest
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Accuracy, Candidate, Problem, code_of, is_score
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials

MODELS = (*FITS, "blocks")
NETWORKS = 100  #: default number of networks, where the feeder is no table
LEAST = 10  #: smallest number of networks; for 'blocks', of networks outside the single sample
_DRAWS = 100  #: draws per requested network, after which a space counts as exhausted


@dataclass(frozen=True, slots=True)
class FitQuality:
    """Error of a model on networks that it was not fitted to: each one left out in turn (factors, ridge), or the
    networks outside the single sample (blocks).

    networks       number of networks judged for the model
    half_within    median absolute error, in percentage points or in units of a score
    ninety_within  90 % quantile of the absolute error, in the same unit. Not a mean: the few networks that hardly
                   learn, such as networks of skips only, have errors of tens of points, and whether such a network was
                   drawn has no meaning for the others
    tau            Kendall's tau of predictions and judged accuracies
    """

    networks: int
    half_within: float
    ninety_within: float
    tau: Tau

    def __str__(self) -> str:
        return (
            f"error below {_points(self.half_within)} points for half of the networks, and below "
            f"{_points(self.ninety_within)} for 90 %; "
            f"Kendall's tau {self.tau}"
        )


class EstimateAccuracy:
    """A judge that predicts accuracy in percent by ``model``, fitted to ``networks`` networks that ``feeder`` judges.
    For these networks, too, the result is the prediction. Where the feeder is a table (``AccuracyTable``), the networks
    are drawn from the table. ``networks`` is by default NETWORKS, and of a table all that it has.

    The first ``evaluate`` or ``fitted`` judges them; ``journal`` keeps what was judged, so that a fit that was cut goes
    on. ``listener`` follows that.
    """

    def __init__(
        self,
        space: Space,
        feeder: Accuracy,
        networks: int | None = None,
        model: str = "factors",
        seed: int = 0,
        *,
        journal: Path | None = None,
        listener: Listener = SILENT,
    ) -> None:
        if model not in MODELS:
            raise InputError(f"estimate: model={model!r} is not one of {among(model, MODELS)}")
        self._tabulated = feeder.networks if isinstance(feeder, AccuracyTable) else None
        if networks is None:
            networks = NETWORKS if self._tabulated is None else len(self._tabulated)
        if self._tabulated is not None and networks > len(self._tabulated):
            raise InputError(f"estimate: networks={networks}, but the table has {len(self._tabulated)}")
        needed = LEAST + (len(single_sample(space)) if model == "blocks" else 0)
        if networks < needed:
            raise InputError(
                f"estimate: networks={networks} of {space.name} must be {needed} or more for model={model}"
            )
        self._space, self._feeder, self._count, self._model, self._seed = space, feeder, networks, model, seed
        self._journal, self._listener = journal, listener
        self._fit_result: tuple[Predict, FitQuality] | None = None

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
        """Yield (index, prediction) in order, after the fit; exceptions of the feeder are passed on."""
        predict, _ = self._fit()
        bounded = _unbounded if self.score else _percent
        for index, candidate in enumerate(candidates):
            yield index, bounded(predict(candidate.choice))

    def fitted(self) -> FitQuality:
        """Return the error of the predictions; the first call fits the model."""
        return self._fit()[1]

    def _fit(self) -> tuple[Predict, FitQuality]:
        if self._fit_result is None:
            with TrialCache(self._space, self._feeder, self._journal) as cache:
                most_flops = FLOPS.total(self._space.architecture(single_sample(self._space)[0]))
                problem = Problem(self._space, FLOPS, self._feeder, most_flops, self._seed)
                choices = self._networks()
                name = "networks judged that the estimate is fitted to"
                digests = {network_digest(self._space.architecture(choice)) for choice in choices}
                total = len(cache) + sum(digest not in cache for digest in digests)  # the journal may know others
                trials = Trials(problem, cache, listener=self._listener.named(name, total))
                if self._model == "blocks":
                    self._fit_result = _blocks(problem, trials, choices)
                else:
                    self._fit_result = _fitted(self._model, problem, trials, choices)
        return self._fit_result

    def _networks(self) -> list[Choice]:
        """Return distinct networks to judge, those of the single sample first; fewer than requested where the space has
        no more."""
        rng, seeds = random.Random(f"estimate/{self._seed}"), single_sample(self._space)
        if self._tabulated is not None:
            return _of_table(self._tabulated, seeds if self._model == "blocks" else [], self._count, rng)
        if self._model != "blocks":
            rng.shuffle(seeds)
            seeds = seeds[: self._count // 2] if self._model == "ridge" else []
        distinct = {network_digest(self._space.architecture(choice)): choice for choice in reversed(seeds)}
        for _ in range(_DRAWS * self._count):
            if len(distinct) >= self._count:
                break
            choice = self._space.sample(rng)
            distinct.setdefault(network_digest(self._space.architecture(choice)), choice)
        return list(distinct.values())


def _of_table(tabulated: Sequence[Choice], first: Sequence[Choice], count: int, rng: random.Random) -> list[Choice]:
    """Return ``count`` networks of a table, drawn at random after those of ``first``, which the table should have."""
    others = [choice for choice in tabulated if choice not in set(first)]
    return [*first, *rng.sample(others, min(count - len(first), len(others)))]


def _fitted(model: str, problem: Problem, trials: Trials, choices: Sequence[Choice]) -> tuple[Predict, FitQuality]:
    judged, score = trials.rewards(choices), is_score(problem.accuracy)
    fitted = FITS[model](problem.space, choices, judged, None if score else PERCENT)
    return fitted.predict, _quality(judged, fitted.left_out, len(trials), score)


def _blocks(problem: Problem, trials: Trials, choices: Sequence[Choice]) -> tuple[Predict, FitQuality]:
    judged = dict(zip(choices, trials.rewards(choices), strict=True))
    values = block_values(problem, trials)
    prediction = Prediction.of(problem.space, layered_graph(problem.space, FLOPS), values, power=1.0)
    sample = set(single_sample(problem.space))
    held_out = {choice: percent for choice, percent in judged.items() if choice not in sample}
    if len(held_out) < LEAST:
        raise InputError(
            f"{problem.space.name} has only {len(held_out)} networks outside MathNAS's single sample, and the error of "
            f"the model needs {LEAST}: take estimate.model=factors, or judge all networks"
        )
    predictions = [prediction.accuracy(choice) for choice in held_out]
    quality = _quality(list(held_out.values()), predictions, len(trials), is_score(problem.accuracy))
    return prediction.accuracy, quality


def _points(error: float) -> str:
    """Text of an error with two decimals, or two significant digits below 0.1 (scores may differ by little)."""
    return f"{error:.2f}" if error == 0 or error >= 0.1 else f"{error:.2g}"


def _percent(predicted: float) -> float:
    """Clip a predicted percentage to 0..100: predictions of a model may be outside."""
    return min(100.0, max(0.0, predicted))


def _unbounded(predicted: float) -> float:
    """Return a predicted score unchanged: the bounds of scores are unknown."""
    return predicted


def _quality(judged: Sequence[float], predicted: Sequence[float], networks: int, score: bool) -> FitQuality:
    bounded = _unbounded if score else _percent
    errors = np.abs(np.array(judged) - [bounded(each) for each in predicted])
    half, ninety = (float(each) for each in np.quantile(errors, (0.5, 0.9)))
    return FitQuality(networks, half, ninety, kendall(predicted, judged))
