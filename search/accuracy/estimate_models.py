"""The models that ``estimate:JUDGE`` predicts accuracies by, each fitted to judged networks of a space.

factors  a Gaussian process on factors of blocks, on options and on the logarithms of MACs and parameters
         (``edgenas.search.algorithms.features``, ``edgenas.search.algorithms.regression``). MACs and parameters alone
         replace it where they predict networks that are left out better, by more than one standard error of the
         difference (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 7.10)
ridge    one value per option, on a scale that saturates (``edgenas.search.algorithms.ridge``)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.search.algorithms.features import GROUPS, FeatureLayout, NetworkFeatures
from edgenas.search.algorithms.regression import PERCENT, Regression, fit_groups
from edgenas.search.algorithms.ridge import OptionFeatures, fit_ridge
from edgenas.search.cost import macs_cost
from edgenas.search.graph import Floats, layered_graph
from edgenas.search.space import Choice, Space

Predict = Callable[[Choice], float]


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model of accuracy: ``predict`` any network of the space; ``left_out`` has the prediction of each fitted
    accuracy from the others. ``counts_only``: the model uses MACs and parameters alone."""

    predict: Predict
    left_out: list[float]
    counts_only: bool = False


def fit_factors(
    space: Space, choices: Sequence[Choice], accuracies: Sequence[float], most: float | None = PERCENT
) -> FittedModel:
    """Fit the model 'factors'; ``most`` is 100 for percent, None for scores."""
    features = NetworkFeatures(space, layered_graph(space, macs_cost()))
    layout, rows = features.layout, np.stack([features.row(choice) for choice in choices])
    counts = np.flatnonzero(layout.groups == GROUPS.index("total"))
    fit = fit_groups(rows, layout, accuracies, most)
    of_counts = FeatureLayout(layout.groups[counts], layout.prior[counts], layout.layers[:0])
    free = fit_groups(rows[:, counts], of_counts, accuracies, most)
    gain = _errors(fit, accuracies) - _errors(free, accuracies)
    better = float(gain.mean()) > float(gain.std()) / len(gain) ** 0.5
    if better and (free.weights >= 0).all():  # larger networks are not worse
        return FittedModel(lambda choice: _predicted(free, features.row(choice)[counts]), _left_out(free), True)
    return FittedModel(lambda choice: _predicted(fit, features.row(choice)), _left_out(fit))


def fit_options(
    space: Space, choices: Sequence[Choice], accuracies: Sequence[float], most: float | None = PERCENT
) -> FittedModel:
    """Fit the model 'ridge'; ``most`` is 100 for percent, None for scores."""
    features = OptionFeatures(space, layered_graph(space, macs_cost()))
    fit = fit_ridge(np.stack([features.row(choice) for choice in choices]), accuracies, most)

    def predict(choice: Choice) -> float:
        return fit.accuracy(fit.intercept + float(features.row(choice) @ fit.weights))

    return FittedModel(predict, [fit.accuracy(float(value)) for value in fit.left_out])


FITS: dict[str, Callable[[Space, Sequence[Choice], Sequence[float], float | None], FittedModel]] = {
    "factors": fit_factors,
    "ridge": fit_options,
}


def _predicted(fit: Regression, row: Floats) -> float:
    return fit.accuracy(float(fit.predict(row[None])[0]))


def _left_out(fit: Regression) -> list[float]:
    return [fit.accuracy(float(value)) for value in fit.left_out]


def _errors(fit: Regression, accuracies: Sequence[float]) -> Floats:
    return np.asarray(np.abs(np.array(_left_out(fit)) - accuracies))
