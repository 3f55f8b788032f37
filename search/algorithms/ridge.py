"""Ridge regression of accuracy on the options a network takes: additive, so that exact solvers apply to what it says.

What is fitted is -log(ceiling - accuracy): near the best that a space can do, one more point is worth more than far
below it, and options add up better on that scale. Nothing is set by hand. The ceiling and the penalty are those under
which each accuracy is best predicted by all others (leave-one-out in closed form: Hastie, Tibshirani and Friedman, The
Elements of Statistical Learning, section 7.10), errors on the fitted scale being weighed by what they are in points, as
Box and Cox do (Journal of the Royal Statistical Society B 26, 1964).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.graph import Floats, Graph, Ints
from edgenas.search.space import Choice, Space

PENALTIES: Floats = np.logspace(-4, 3, 15)
GAPS: Floats = np.logspace(-6, 2, 9, base=2)  #: of the ceiling above the best accuracy, in standard deviations of all
STRAIGHT = 64.0  #: standard deviations above the best, where -log(ceiling - accuracy) bends by a few percent
PERCENT = 100.0
LEAST = 1e-12  #: keeps logarithms and quotients finite where a fit is perfect


@dataclass(frozen=True, eq=False)
class Ridge:
    """Fitted to accuracies in percent, or to scores; ``weights`` and ``intercept`` give -log(ceiling - accuracy).

    left_out   for each accuracy it was fitted to, what all others predict it to be, on that scale
    error      root mean square of how far off that is, on that scale
    """

    weights: Floats
    intercept: float
    ceiling: float
    penalty: float
    left_out: Floats
    error: float

    def accuracy(self, value: float) -> float:
        """Accuracy or score, from the fitted scale."""
        return self.ceiling - float(np.exp(-value))

    def scale(self, accuracy: float) -> float:
        """Inverse of ``accuracy``."""
        return -float(np.log(self.ceiling - accuracy))


def fit_ridge(rows: Floats, accuracies: Sequence[float], most: float | None = PERCENT) -> Ridge:
    """Fit ``rows`` (n, features) to n accuracies, n >= 1; the intercept is not penalised.

    ``most`` is what no accuracy can be above: 100 for percent, None for scores. Without it the ceilings tried go on to
    one so far above the best that the scale is a straight line.
    """
    found = np.array(accuracies, float)
    best = float(found.max())
    ceilings = best + GAPS * (float(found.std()) or 1.0)
    if most is None:
        ceilings = best + np.append(GAPS, STRAIGHT) * (float(found.std()) or 1.0)
    elif best < most:
        ceilings = np.append(ceilings[ceilings < most], most)
    centre = rows.mean(axis=0)
    left, singular, right = np.linalg.svd(rows - centre, full_matrices=False)
    shrink = singular[:, None] ** 2 / (singular[:, None] ** 2 + PENALTIES)  # (rank, penalties)
    leverage = np.minimum((left**2) @ shrink + 1 / len(found), 1 - LEAST)  # (n, penalties)
    scores, off = [], []
    for ceiling in ceilings:
        target = -np.log(ceiling - found)
        rest = target - target.mean()
        off.append((rest[:, None] - left @ (shrink * (left.T @ rest)[:, None])) / (1 - leverage))
        points_a_unit = float(np.log(ceiling - found).mean())
        scores.append(np.log((off[-1] ** 2).mean(axis=0) + LEAST**2) + 2 * points_a_unit)
    at, column = np.unravel_index(int(np.argmin(scores)), (len(ceilings), len(PENALTIES)))
    target, residual = -np.log(ceilings[at] - found), off[at][:, column]
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
    """Networks as rows of zeros and ones: one feature for each option of each layer that has a choice.

    What stands in a stage that has ended is no choice, and has none.
    """

    def __init__(self, space: Space, graph: Graph) -> None:
        self._graph = graph
        starts = np.cumsum([0] + [len(layer.options) for layer in space.layers if len(layer.options) > 1])
        start = iter(starts.tolist())
        self._count = int(starts[-1])
        self._columns: list[Ints] = []  # for each layer, the feature of each edge; the last one is none
        for layer, edges in zip(space.layers, space.edges, strict=True):
            first = next(start) if len(layer.options) > 1 else None
            columns = [self._count if first is None or e.source.ended else first + e.option for e in edges]
            self._columns.append(np.array(columns, np.int64))

    def row(self, choice: Choice) -> Floats:
        """(features,)"""
        found = np.zeros(self._count + 1)
        found[[columns[edge] for columns, edge in zip(self._columns, self._graph.path(choice), strict=True)]] = 1.0
        return found[:-1]

    def edge_values(self, weights: Floats) -> list[Floats]:
        """What each edge of each layer adds to a prediction."""
        padded = np.append(weights, 0.0)
        return [padded[columns] for columns in self._columns]
