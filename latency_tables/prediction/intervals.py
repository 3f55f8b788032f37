"""Prediction intervals that do not assume a correct model: CV+ on errors for whole layers left out.

CV+ (Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, Annals of Statistics 2021, section
3), with errors relative to the model's own deviations (Lei et al., JASA 2018, section 5.2) and folds of whole groups.
For blocks exchangeable with the measured ones, the interval of confidence 1 - a covers the time with probability 1 - 2a
or more for any model (their theorem 4), and in practice with about 1 - a.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.base.errors import InputError
from edgenas.latency_tables.prediction.models import Fitted, Model
from edgenas.latency_tables.prediction.terms import Design, Floats, Ints

FOLDS = 10
FOLDS_OF_MANY, MANY = 5, 200  # from 200 rows on, 5 folds: a fit to 4/5 of so many rows is nearly as good as to 9/10
_AT_ONCE = 1000  # rows predicted at once, to bound memory


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model fitted to all rows (``whole``), and again without each fold (``without``).

    ``scores[k]`` are the errors of ``without[k]`` on the rows of fold k, divided by its deviations. ``error`` is the
    mean absolute error on rows left out, as the logarithm of a ratio of times.
    """

    name: str
    whole: Fitted
    without: tuple[Fitted, ...]
    scores: tuple[Floats, ...]
    error: float

    def predict(self, rows: Design) -> Floats:
        """Return the predicted logarithm of milliseconds of each row."""
        return self.whole(rows)[0]

    def interval(self, rows: Design, confidence: float) -> tuple[Floats, Floats]:
        """Return lower and upper bounds, logarithms of milliseconds, of each row; InputError where too few rows were
        measured for ``confidence``."""
        count = sum(len(scores) for scores in self.scores)
        rank = math.floor((1 - confidence) * (count + 1) + 1e-9)
        if rank < 1:
            raise InputError(
                f"{count} measured blocks are too few for an interval of confidence {confidence:g}: it takes "
                f"{math.ceil(1 / (1 - confidence) - 1e-9) - 1}; measure more (edgenas profile)"
            )
        parts = [
            self._interval(rows.rows(index), rank)
            for index in np.array_split(np.arange(len(rows)), max(1, -(-len(rows) // _AT_ONCE)))
        ]
        return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])

    def _interval(self, rows: Design, rank: int) -> tuple[Floats, Floats]:
        """Return the bounds of each row: the ``rank``-th smallest lower and largest upper end over all errors."""
        low, high = [], []
        for fit, scores in zip(self.without, self.scores, strict=True):
            centre, deviation = fit(rows)
            half_width = np.abs(scores)[:, None] * deviation  # (rows of the fold, predicted rows)
            low.append(centre - half_width)
            high.append(centre + half_width)
        lows, highs = np.concatenate(low), np.concatenate(high)
        centre = self.predict(rows)  # an interval from the folds alone need not contain it
        return (
            np.minimum(np.partition(lows, rank - 1, axis=0)[rank - 1], centre),
            np.maximum(np.partition(highs, len(highs) - rank, axis=0)[len(highs) - rank], centre),
        )


def calibrated(models: Mapping[str, Model], rows: Design, log_ms: Floats, groups: Sequence[Hashable]) -> Calibrated:
    """Return the model with the smallest error on groups left out, with its errors; needs at least 2 groups."""
    folds = group_folds(groups, FOLDS if len(rows) < MANY else FOLDS_OF_MANY)
    found = [_calibrated(name, model, rows, log_ms, folds) for name, model in models.items()]
    best = min(found, key=lambda each: each.error)
    return Calibrated(best.name, models[best.name](rows, log_ms), best.without, best.scores, best.error)


def group_folds(groups: Sequence[Hashable], most: int, seed: int = 0) -> list[Ints]:
    """Return row numbers in at most ``most`` folds of whole groups, of about equal size, drawn with ``seed``."""
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    found = list(members.values())
    order = np.random.default_rng(seed).permutation(len(found))
    folds: list[list[int]] = [[] for _ in range(min(most, len(found)))]
    for index in sorted(order, key=lambda i: -len(found[i])):  # stable sort: equal sizes stay in drawn order
        min(folds, key=len).extend(found[index])
    return [np.array(sorted(fold)) for fold in folds]


def _calibrated(name: str, model: Model, rows: Design, log_ms: Floats, folds: list[Ints]) -> Calibrated:
    """Fit ``model`` without each fold and score it on the fold; ``whole`` is a placeholder, one of those fits."""
    without, scores, errors = [], [], []
    for fold in folds:
        others = np.setdiff1d(np.arange(len(rows)), fold)
        fit = model(rows.rows(others), log_ms[others])
        centre, deviation = fit(rows.rows(fold))
        without.append(fit)
        errors.append(log_ms[fold] - centre)
        scores.append(errors[-1] / deviation)
    return Calibrated(name, without[0], tuple(without), tuple(scores), float(np.mean(np.abs(np.concatenate(errors)))))
