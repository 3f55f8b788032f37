"""Intervals around predictions that need no model to be right: CV+ on errors for whole layers left out.

CV+ (Barber, Candès, Ramdas and Tibshirani, Predictive inference with the jackknife+, Annals of Statistics 2021, section
3), with errors relative to the model's own deviations (Lei et al., JASA 2018, section 5.2) and folds of whole groups.
For blocks exchangeable with those measured, the interval of confidence 1 - a covers with at least 1 - 2a whatever the
model (their theorem 4), and in practice with about 1 - a.
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
FOLDS_OF_MANY, MANY = 5, 200  # with so many rows four fifths of them say nearly as much as nine tenths
_AT_ONCE = 1000  # rows asked for, to bound memory


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A model fitted to all rows, and once more without each fold.

    ``scores[k]`` are the errors of ``without[k]`` on the rows of fold k, over its deviations; ``error`` is the mean of
    their absolute values as logarithms of a ratio.
    """

    name: str
    whole: Fitted
    without: tuple[Fitted, ...]
    scores: tuple[Floats, ...]
    error: float

    def predict(self, asked: Design) -> Floats:
        """The logarithm of milliseconds of each row."""
        return self.whole(asked)[0]

    def interval(self, asked: Design, confidence: float) -> tuple[Floats, Floats]:
        """Lower and upper logarithms of milliseconds; InputError where there are too few rows for ``confidence``."""
        count = sum(len(scores) for scores in self.scores)
        rank = math.floor((1 - confidence) * (count + 1) + 1e-9)
        if rank < 1:
            raise InputError(
                f"{count} measured blocks are too few for an interval of confidence {confidence:g}: it takes "
                f"{math.ceil(1 / (1 - confidence) - 1e-9) - 1}; measure more (edgenas profile)"
            )
        parts = [
            self._interval(asked.rows(index), rank)
            for index in np.array_split(np.arange(len(asked)), max(1, -(-len(asked) // _AT_ONCE)))
        ]
        return np.concatenate([low for low, _ in parts]), np.concatenate([high for _, high in parts])

    def _interval(self, asked: Design, rank: int) -> tuple[Floats, Floats]:
        low, high = [], []
        for fit, scores in zip(self.without, self.scores, strict=True):
            centre, deviation = fit(asked)
            off = np.abs(scores)[:, None] * deviation  # (rows of the fold, rows asked)
            low.append(centre - off)
            high.append(centre + off)
        lows, highs = np.concatenate(low), np.concatenate(high)
        centre = self.predict(asked)  # which an interval from the folds alone need not hold
        return (
            np.minimum(np.partition(lows, rank - 1, axis=0)[rank - 1], centre),
            np.maximum(np.partition(highs, len(highs) - rank, axis=0)[len(highs) - rank], centre),
        )


def calibrated(models: Mapping[str, Model], rows: Design, log_ms: Floats, groups: Sequence[Hashable]) -> Calibrated:
    """The model that is least wrong about groups left out, with its errors; needs two groups or more."""
    folds = group_folds(groups, FOLDS if len(rows) < MANY else FOLDS_OF_MANY)
    found = [_calibrated(name, model, rows, log_ms, folds) for name, model in models.items()]
    best = min(found, key=lambda each: each.error)
    return Calibrated(best.name, models[best.name](rows, log_ms), best.without, best.scores, best.error)


def group_folds(groups: Sequence[Hashable], most: int, seed: int = 0) -> list[Ints]:
    """Row numbers, cut into at most ``most`` folds of whole groups of about equal size (seeded)."""
    members: dict[Hashable, list[int]] = {}
    for row, group in enumerate(groups):
        members.setdefault(group, []).append(row)
    found = list(members.values())
    order = np.random.default_rng(seed).permutation(len(found))
    folds: list[list[int]] = [[] for _ in range(min(most, len(found)))]
    for index in sorted(order, key=lambda i: -len(found[i])):  # stable: of equals in drawn order
        min(folds, key=len).extend(found[index])
    return [np.array(sorted(fold)) for fold in folds]


def _calibrated(name: str, model: Model, rows: Design, log_ms: Floats, folds: list[Ints]) -> Calibrated:
    without, scores, errors = [], [], []
    for fold in folds:
        kept = np.setdiff1d(np.arange(len(rows)), fold)
        fit = model(rows.rows(kept), log_ms[kept])
        centre, deviation = fit(rows.rows(fold))
        without.append(fit)
        errors.append(log_ms[fold] - centre)
        scores.append(errors[-1] / deviation)
    return Calibrated(name, without[0], tuple(without), tuple(scores), float(np.mean(np.abs(np.concatenate(errors)))))
