"""The front that block values predict, calibrated on judged networks and with its error.

Block values (``edgenas.search.algorithms.mathnas_blocks``) order networks well, but their sums have a bias: the blocks
of one network were judged beside those of one other. Their predictions are therefore fitted to the accuracies of the
judged networks by a line, accuracy = intercept + slope x prediction. Networks from which the values themselves were
estimated are left out, since their predictions hold by construction. The error is that of each network under the line
through the others. The half-width of the 95 % interval is the quantile at (n + 1) x 0.95 of these errors (split
conformal prediction; Angelopoulos and Bates, arXiv 2107.07511, section 1), wider away from the mean prediction as the
variance of a line is. A line with a slope above 0 keeps the order, so the front stays exact.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import BlockValues, swapped
from edgenas.search.cost import macs_cost
from edgenas.search.graph import layered_graph
from edgenas.search.problem import Cost, Limit
from edgenas.search.record import SearchRecord, front_points
from edgenas.search.space import Choice, Space

PERCENT = 100.0  #: no accuracy is higher
LEAST = 8  #: fewest judged networks of a calibration, beside those that gave the block values
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class FrontCalibration:
    """Line from predictions of block values to accuracies, fitted to judged networks.

    networks   number of fitted networks
    error      root mean square error of each network under the line through the others, in points of accuracy
    plain      the same for the mean accuracy of the others, without any prediction
    quantile   95 % quantile of the absolute errors
    mean, spread   mean of the fitted predictions, and the sum of their squared deviations
    most       upper bound of accuracies: 100 for percent, None for scores
    """

    slope: float
    intercept: float
    networks: int
    error: float
    plain: float
    quantile: float
    mean: float
    spread: float
    most: float | None

    @property
    def tells(self) -> bool:
        """Return whether the predictions are better than the mean accuracy of the judged networks."""
        return self.slope > 0 and self.error < self.plain

    def accuracy(self, prediction: float) -> float:
        """Return the calibrated accuracy, within what is possible."""
        return self._bounded(self.intercept + self.slope * prediction)

    def interval(self, prediction: float) -> tuple[float, float]:
        """Return the 95 % interval of a judged accuracy, within what is possible."""
        leverage = 1 / self.networks + (prediction - self.mean) ** 2 / self.spread
        middle, half = self.intercept + self.slope * prediction, self.quantile * math.sqrt(1 + leverage)
        return self._bounded(middle - half), self._bounded(middle + half)

    def _bounded(self, accuracy: float) -> float:
        return accuracy if self.most is None else min(self.most, max(0.0, accuracy))


@dataclass(frozen=True, slots=True)
class PredictedPoint:
    """A network of the predicted front: cost, accuracy in percent (or a score) with its 95 % interval, key. ``low`` and
    ``high`` are None where the error is not known."""

    cost: float
    accuracy: float
    key: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class PredictedFront:
    """The predicted front, sorted by cost. ``doubt`` is the reason why its points have no interval; '' where they
    have."""

    points: tuple[PredictedPoint, ...]
    calibration: FrontCalibration | None
    doubt: str


def predicted_front(
    space: Space,
    cost: Cost,
    values: BlockValues,
    judged: Mapping[Choice, float],
    limits: Sequence[Limit] = (),
    score: bool = False,
) -> PredictedFront:
    """Return the exact front of block values, calibrated on ``judged`` (network -> accuracy).

    Without a calibration that tells networks apart, points have the raw prediction, bounded, and no interval.
    BudgetError where no network keeps ``limits``.
    """
    most = None if score else PERCENT
    raw = front_points(space, cost, values, limits)
    fitted = calibrate(space, values, judged, most)
    doubt = _doubt(fitted, sum(1 for _ in _others(space, values, judged)))
    if doubt or fitted is None:
        bounded = [PredictedPoint(c, a if most is None else min(most, a), key) for c, a, key in raw]
        return PredictedFront(tuple(_rising(bounded)), None, doubt)
    points = [PredictedPoint(c, fitted.accuracy(a), key, *fitted.interval(a)) for c, a, key in raw]
    return PredictedFront(tuple(_rising(points)), fitted, "")


def front_of_record(record: SearchRecord, cost: Cost | None = None) -> PredictedFront | None:
    """Return the predicted front of a search by its own cost; None where it has no block values."""
    if record.values is None:
        return None
    return predicted_front(record.space, cost or record.cost, record.values, judged_of(record), score=record.score)


def judged_of(record: SearchRecord) -> dict[Choice, float]:
    """Return network -> judged accuracy of a search."""
    return {trial.choice: trial.accuracy for run in record.runs for trial in run.result.trials}


def calibrate(
    space: Space, values: BlockValues, judged: Mapping[Choice, float], most: float | None
) -> FrontCalibration | None:
    """Fit the line; None with fewer than LEAST networks, or where all predictions are equal."""
    known = list(_others(space, values, judged))
    if len(known) < LEAST:
        return None
    prediction = Prediction.of(space, layered_graph(space, macs_cost()), values)
    x = np.array([prediction.accuracy(choice) for choice, _ in known])
    y = np.array([accuracy for _, accuracy in known])
    away = x - x.mean()
    spread = float(away @ away)
    if spread <= 1e-12 * max(1.0, float(np.abs(x).max())):
        return None
    slope = float(away @ y) / spread
    intercept = float(y.mean()) - slope * float(x.mean())
    n = len(known)
    errors = (y - intercept - slope * x) / (1 - np.minimum(1 / n + away**2 / spread, 1 - 1e-9))  # each left out
    ordered = np.sort(np.abs(errors))
    return FrontCalibration(
        slope,
        intercept,
        n,
        float(np.sqrt((errors**2).mean())),
        float(np.sqrt((((y - y.mean()) * n / (n - 1)) ** 2).mean())),
        float(ordered[min(math.ceil((n + 1) * CONFIDENCE), n) - 1]),
        float(x.mean()),
        spread,
        most,
    )


def _others(space: Space, values: BlockValues, judged: Mapping[Choice, float]) -> Iterator[tuple[Choice, float]]:
    """Yield the judged networks from which the block values were not estimated."""
    used = {values.base, values.average}
    used |= {
        swapped(space, values.average, i, j)
        for i, layer in enumerate(space.layers)
        if len(layer.options) > 1
        for j in range(len(layer.options))
    }
    return ((choice, accuracy) for choice, accuracy in judged.items() if choice not in used)


def _doubt(fitted: FrontCalibration | None, others: int) -> str:
    if fitted is None:
        return (
            f"its error is not known: {others} networks were judged beside those that gave the block values, and "
            f"{LEAST} different ones are needed"
        )
    if not fitted.tells:
        return (
            f"it does not tell networks apart: over {fitted.networks} judged networks, its error is "
            f"{fitted.error:.3g} points, that of their mean accuracy {fitted.plain:.3g}"
        )
    return ""


def _rising(points: Sequence[PredictedPoint]) -> Iterator[PredictedPoint]:
    """Yield the points that are more accurate than all before them: bounds can make accuracies equal."""
    best = -math.inf
    for point in points:
        if point.accuracy > best:
            best = point.accuracy
            yield point
