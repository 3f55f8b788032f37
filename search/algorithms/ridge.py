"""Ridge regression of accuracy on the options of a network: additive, so that exact solvers can maximise predictions.

The fitted quantity is -log(ceiling - accuracy): near the best accuracy of a space, one more point needs more than far
below it, and the effects of options are closer to additive on that scale. Nothing is set by hand. The ceiling and the
penalty minimise the leave-one-out error (in closed form: Hastie, Tibshirani and Friedman, The Elements of Statistical
Learning, section 7.10); errors on the fitted scale are converted to accuracy points as by Box and Cox (Journal of the
Royal Statistical Society B 26, 1964).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import Floats, Graph, Ints
from edgenas.search.space import Choice, Space

PENALTIES: Floats = np.logspace(-4, 3, 15)
GAPS: Floats = np.logspace(-6, 2, 9, base=2)  #: ceiling minus best accuracy, in standard deviations of the accuracies
STRAIGHT = 64.0  #: the same for a ceiling so high that -log(ceiling - accuracy) is linear within a few percent
PERCENT = 100.0
LEAST = 1e-12  #: keeps logarithms and quotients finite where a fit is perfect


@dataclass(frozen=True, eq=False)
class Ridge:
    """A ridge regression fitted to accuracies in percent, or to scores; ``weights`` and ``intercept`` predict
    -log(ceiling - accuracy).

    left_out   leave-one-out prediction of each fitted accuracy, on that scale
    error      root mean square error of these predictions, on that scale
    """

    weights: Floats
    intercept: float
    ceiling: float
    penalty: float
    left_out: Floats
    error: float

    def accuracy(self, value: float) -> float:
        """Convert a value on the fitted scale to an accuracy in percent, or a score."""
        return self.ceiling - float(np.exp(-value))

    def scale(self, accuracy: float) -> float:
        """Convert an accuracy in percent, or a score, to the fitted scale: the inverse of ``accuracy``."""
        return -float(np.log(self.ceiling - accuracy))


def fit_ridge(rows: Floats, accuracies: Sequence[float], most: float | None = PERCENT) -> Ridge:
    """Fit a ridge regression of n accuracies on ``rows`` (n, features), n >= 1; the intercept is not penalised.

    ``most`` is the upper bound of accuracies: 100 for percent, None for scores. Without a bound, the largest ceiling
    tried is so far above the best accuracy that the scale is nearly linear.
    """
    known = np.array(accuracies, float)
    best = float(known.max())
    ceilings = best + GAPS * (float(known.std()) or 1.0)
    if most is None:
        ceilings = best + np.append(GAPS, STRAIGHT) * (float(known.std()) or 1.0)
    elif best < most:
        ceilings = np.append(ceilings[ceilings < most], most)
    centre = rows.mean(axis=0)
    left, singular, right = np.linalg.svd(rows - centre, full_matrices=False)
    shrink = singular[:, None] ** 2 / (singular[:, None] ** 2 + PENALTIES)  # (rank, penalties)
    leverage = np.minimum((left**2) @ shrink + 1 / len(known), 1 - LEAST)  # (n, penalties)
    scores, residuals = [], []
    for ceiling in ceilings:
        target = -np.log(ceiling - known)
        centred = target - target.mean()
        residuals.append((centred[:, None] - left @ (shrink * (left.T @ centred)[:, None])) / (1 - leverage))
        log_points_per_unit = float(np.log(ceiling - known).mean())
        scores.append(np.log((residuals[-1] ** 2).mean(axis=0) + LEAST**2) + 2 * log_points_per_unit)
    at, column = np.unravel_index(int(np.argmin(scores)), (len(ceilings), len(PENALTIES)))
    target, residual = -np.log(ceilings[at] - known), residuals[at][:, column]
    penalty = float(PENALTIES[column])
    weights = right.T @ (singular / (singular**2 + penalty) * (left.T @ (target - target.mean())))
    return Ridge(
        weights,
        float(target.mean() - centre @ weights),
        float(ceilings[at]),
        penalty,
        target - residual,
        float(np.sqrt((residual**2).mean())),
    )


class OptionFeatures:
    """Networks as rows of zeros and ones: one feature for each option of each layer with more than one option.

    Layers after the end of their stage have no feature, since they have no choice.
    """

    def __init__(self, space: Space, graph: Graph) -> None:
        self._graph = graph
        starts = np.cumsum([0] + [len(layer.options) for layer in space.layers if len(layer.options) > 1])
        start = iter(starts.tolist())
        self._count = int(starts[-1])
        self._columns: list[Ints] = []  # for each layer, the feature of each edge; index ``_count`` means no feature
        for layer, edges in zip(space.layers, space.edges, strict=True):
            first = next(start) if len(layer.options) > 1 else None
            columns = [self._count if first is None or e.source.ended else first + e.option for e in edges]
            self._columns.append(np.array(columns, np.int64))

    def row(self, choice: Choice) -> Floats:
        """Return the features of a network, (features,)."""
        row = np.zeros(self._count + 1)
        row[[columns[edge] for columns, edge in zip(self._columns, self._graph.path(choice), strict=True)]] = 1.0
        return row[:-1]

    def edge_values(self, weights: Floats) -> list[Floats]:
        """Return the contribution of each edge to a prediction, one array per layer."""
        padded = np.append(weights, 0.0)
        return [padded[columns] for columns in self._columns]
