"""Gaussian process regression of accuracy on groups of features, and on which options two networks have in common.

The fitted quantity is -log(ceiling - accuracy): near the best accuracy of a space, one more point needs more than far
below it, and the effects of options are closer to additive on that scale. It is a sum of a linear function of each
group of features, of interactions of options, and of noise. The weights of a group have one prior variance. The
covariance of the interactions of two networks is exp(-4 d), where d is the share of layers in which their options
differ. (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006, sections 2.2 and 2.7.) All variances
maximise the marginal likelihood (equations 5.8 and 5.9) with weak priors; the ceiling maximises it on the scale of
accuracies (Box and Cox, Journal of the Royal Statistical Society B 26, 1964). Predictions of networks that are left out
are in closed form (equation 5.12). Networks that hardly learn may lie tens of points below all others; accuracies are
therefore cut off at Tukey's lower fence.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgenas.search.algorithms.features import FeatureLayout
from edgenas.search.graph import Floats, Ints

PERCENT = 100.0
GAPS: Floats = np.array([0.05, 0.15, 0.5, 1.0, 2.0, 4.0])  #: ceiling minus best accuracy, in standard deviations
STRAIGHT = 64.0  #: the same for a ceiling so high that -log(ceiling - accuracy) is linear within a few percent
DECAY = 4.0  #: factor of d in the covariance of interactions; results hardly depend on it (1 to 12)
PART_MEAN = -2.0  #: prior mean of the logarithm of a part's variance, for fitted values of variance 1
NOISE_MEAN = -1.5  #: the same for the noise
LOG_DEVIATION = 1.5  #: prior standard deviation of these logarithms
FENCE = 1.5  #: interquartile ranges below the lower quartile, at which accuracies are cut off (Tukey 1977)
INTERCEPT = 100.0  #: prior variance of the intercept: almost no prior
OPTIMISED = 300  #: most networks, drawn at random, that variances are optimised on
MOST = 2000  #: most networks that are fitted, drawn at random where there are more
STEPS = 40  #: most steps of the optimisation of the variances
LONGEST = 1.0  #: largest change of a logarithm in one step
ARMIJO = 1e-4  #: share of the predicted decrease that a step must have
ENOUGH = 1e-3  #: decrease or change at which the optimisation ends
EQUAL = 1e-9  #: largest deviation of equal accuracies, as a share of the best one
LEAST = 1e-12  #: keeps logarithms and quotients finite where accuracies are equal
JITTER = 1e-8  #: least variance of the noise: keeps covariances invertible


@dataclass(frozen=True, eq=False)
class Regression:
    """A regression fitted to accuracies in percent, or to scores. Predictions are of -log(ceiling - accuracy).

    weights    (features,): weights of the linear part
    variances  logarithms of the prior variances of the groups, the interactions and the noise, for fitted values of
               variance 1
    fitted     (n,): prediction of each fitted accuracy without its noise
    left_out   (n,): prediction of each fitted accuracy from the others
    error      root mean square error of ``left_out``
    """

    weights: Floats
    intercept: float
    ceiling: float
    variances: Floats
    fitted: Floats
    left_out: Floats
    error: float
    marks: Floats  #: (n, options): the options of the fitted networks
    pulls: Floats  #: (n,): weights of the interactions with the fitted networks
    layout: FeatureLayout

    def predict(self, rows: Floats) -> Floats:
        """Return the predictions (m,) for networks with the features ``rows`` (m, features)."""
        interactions = _covariance(_away(rows[:, self.layout.options], self.marks)) @ self.pulls
        return np.asarray(self.intercept + rows @ self.weights + interactions)

    def weights_near(self, row: Floats) -> Floats:
        """Return the weights (features,) of a linear function that has the same changes as the prediction when one
        layer of the network with the features ``row`` takes another option, apart from changes of the totals."""
        here = row[self.layout.options]
        number = np.full(self.layout.layers.max(initial=-1) + 1, -1)  # for each layer, its option in ``row``
        number[self.layout.layers[here > 0]] = np.flatnonzero(here > 0)
        before = number[self.layout.layers]  # (options,): the option that each one replaces; -1 for none
        size = float(here.max(initial=0.0)) or 1.0
        same = np.where(before >= 0, self.marks[:, before], 0.0) - self.marks  # (n, options)
        away = _away(row[self.layout.options][None], self.marks)[0]  # (n,)
        moved = away[:, None] + same * size + np.where(before >= 0, 0.0, size**2 / 2)
        change = self.pulls @ (_covariance(moved) - _covariance(away)[:, None])
        weights = self.weights.copy()
        weights[self.layout.options] += change / size
        return weights

    def accuracy(self, value: float) -> float:
        """Convert a value on the fitted scale to an accuracy in percent, or a score."""
        return self.ceiling - float(np.exp(-value))

    def scale(self, accuracy: float) -> float:
        """Convert an accuracy in percent, or a score, to the fitted scale: the inverse of ``accuracy``."""
        return -float(np.log(self.ceiling - accuracy))


def fit_groups(
    rows: Floats,
    layout: FeatureLayout,
    accuracies: Sequence[float],
    most: float | None = PERCENT,
    earlier: Regression | None = None,
) -> Regression:
    """Fit n accuracies on ``rows`` (n, features), n >= 1, whose columns ``layout`` describes.

    most     upper bound of accuracies: 100 for percent, None for scores
    earlier  a fit to fewer networks, whose variances are used, and whose ceiling where it is above all accuracies; by
             default, variances and ceiling are optimised
    """
    if len(rows) > MOST:
        return _of_part(rows, layout, accuracies, most, earlier)
    known, marks = _fenced(np.array(accuracies, float)), rows[:, layout.options]
    some = _drawn(len(rows), OPTIMISED)
    ceilings = _ceilings(known, most)
    data = _Data.of(rows[some], layout, known[some])
    chosen = data.start() if earlier is None else earlier.variances
    if earlier is not None and earlier.ceiling >= ceilings[0]:
        ceilings = np.array([earlier.ceiling])
    if earlier is None:
        chosen = data.optimised(ceilings[len(ceilings) // 2], chosen)
    ceiling = float(ceilings[0])
    if len(ceilings) > 1:
        ceiling = float(max(ceilings, key=lambda each: data.evidence(each, chosen)))
    if earlier is None:
        chosen = data.optimised(ceiling, chosen)
    target, centre, deviation = _target(known, _less_mean(rows @ layout.prior), ceiling)
    covariance = (np.exp(chosen[-1]) + JITTER) * np.eye(len(rows)) + INTERCEPT
    for variance, kernel in zip(np.exp(chosen), _kernels(rows, layout), strict=False):
        covariance += variance * kernel
    inverse = np.linalg.inv(covariance)
    solved = inverse @ target
    values, residual = -np.log(ceiling - known), solved / np.diag(inverse) * deviation
    of_group = np.zeros(int(layout.groups.max()) + 1)
    of_group[layout.names] = np.exp(chosen[:-2])
    offset = float((rows @ layout.prior).mean())  # the prior means were centred
    return Regression(
        deviation * (of_group[layout.groups] * (rows.T @ solved) + layout.prior),
        centre + deviation * (INTERCEPT * float(solved.sum()) - offset),
        ceiling,
        chosen,
        values - (np.exp(chosen[-1]) + JITTER) * solved * deviation,
        values - residual,
        float(np.sqrt((residual**2).mean())),
        marks,
        deviation * np.exp(chosen[-2]) * solved,
        layout,
    )


def _of_part(
    rows: Floats, layout: FeatureLayout, accuracies: Sequence[float], most: float | None, earlier: Regression | None
) -> Regression:
    """Fit ``MOST`` of the accuracies, drawn at random; the others are left out of the fit. The ceiling is above all."""
    part, known = _drawn(len(rows), MOST), np.array(accuracies, float)
    part[0] = known.argmax() if known.argmax() not in part else part[0]
    fit = fit_groups(rows[part], layout, known[part].tolist(), most, earlier)
    fitted = fit.predict(rows)
    left_out = fitted.copy()
    fitted[part], left_out[part] = fit.fitted, fit.left_out
    return replace(fit, fitted=fitted, left_out=left_out)


def _drawn(count: int, most: int) -> Ints:
    """Numbers of ``most`` of ``count`` networks, drawn at random and in order; of all of them where they are fewer."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(0).choice(count, most, replace=False))


def _kernels(rows: Floats, layout: FeatureLayout) -> Iterator[Floats]:
    """Yield the covariance (n, n) of each part, for a variance of 1: of the groups, then of the interactions."""
    for name in layout.names:
        part = rows[:, layout.groups == name]
        yield part @ part.T
    marks = rows[:, layout.options]
    yield _covariance(_away(marks, marks))


def _target(known: Floats, assumed: Floats, ceiling: float) -> tuple[Floats, float, float]:
    """Accuracies on the fitted scale, with mean 0 and variance 1, less their prior means ``assumed``; and the mean and
    the standard deviation that were removed."""
    values = -np.log(ceiling - known)
    deviation = max(float(values.std()), LEAST)
    return _less_mean(values) / deviation - assumed, float(values.mean()), deviation


@dataclass(frozen=True, eq=False)
class _Data:
    """What variances are optimised on: the ``kernels`` of the parts, the accuracies, and their prior means."""

    kernels: Floats
    known: Floats
    assumed: Floats

    @classmethod
    def of(cls, rows: Floats, layout: FeatureLayout, known: Floats) -> _Data:
        """Return the data of networks with features ``rows``."""
        return cls(np.stack(list(_kernels(rows, layout))), known, _less_mean(rows @ layout.prior))

    def start(self) -> Floats:
        """Prior means of the logarithms of the variances."""
        return np.array([PART_MEAN] * len(self.kernels) + [NOISE_MEAN])

    def covariance(self, variances: Floats) -> Floats:
        """Terms of the covariance, (parts + 1, n, n): of the parts, then of noise and intercept together."""
        parts = np.exp(variances[:-1])[:, None, None] * self.kernels
        noise = (np.exp(variances[-1]) + JITTER) * np.eye(len(self.known)) + INTERCEPT
        return np.concatenate([parts, noise[None]])

    def loss(self, variances: Floats, target: Floats) -> tuple[float, Floats]:
        """Negative logarithm of the marginal likelihood and of the prior of ``variances``, and its gradient."""
        parts = self.covariance(variances)
        covariance = parts.sum(axis=0)
        inverse = np.linalg.inv(covariance)
        solved = inverse @ target
        away = (variances - self.start()) / LOG_DEVIATION
        value = 0.5 * (float(target @ solved) + float(np.linalg.slogdet(covariance)[1]) + float(away @ away))
        outer = inverse - np.outer(solved, solved)
        slopes = np.append((parts[:-1] * outer).sum(axis=(1, 2)), np.exp(variances[-1]) * np.trace(outer))
        return value, 0.5 * slopes + away / LOG_DEVIATION

    def optimised(self, ceiling: float, start: Floats) -> Floats:
        """Logarithms of the variances of least loss at a ceiling: BFGS with halved steps (Nocedal and Wright, Numerical
        Optimization, 2006, algorithm 6.1)."""
        target = _target(self.known, self.assumed, ceiling)[0]
        here, (value, slope), curvature = start, self.loss(start, target), np.eye(len(start))
        for _ in range(STEPS):
            step = -curvature @ slope
            step *= min(1.0, LONGEST / float(np.abs(step).max(initial=LEAST)))
            while True:
                there = here + step
                new_value, new_slope = self.loss(there, target)
                if new_value <= value + ARMIJO * float(slope @ step) or np.abs(step).max() < ENOUGH:
                    break
                step = step / 2
            gain, change, product = value - new_value, new_slope - slope, float((new_slope - slope) @ step)
            if gain < ENOUGH:
                break
            if product > 0:
                left = np.eye(len(start)) - np.outer(step, change) / product
                curvature = left @ curvature @ left.T + np.outer(step, step) / product
            here, value, slope = there, new_value, new_slope
        return here

    def evidence(self, ceiling: float, variances: Floats) -> float:
        """Logarithm of the marginal likelihood of the accuracies themselves, up to a constant."""
        target, _, deviation = _target(self.known, self.assumed, ceiling)
        per_point = -float(np.log(ceiling - self.known).sum()) - len(self.known) * float(np.log(deviation))
        return per_point - self.loss(variances, target)[0]


def _away(marks: Floats, others: Floats) -> Floats:
    """Share of layers in which the options of networks differ, (m, n): half the squared distance of their features."""
    squares = (marks**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)
    return np.asarray(np.maximum(squares / 2 - marks @ others.T, 0.0))


def _covariance(away: Floats) -> Floats:
    """Covariance of the interactions of networks that differ in the share ``away`` of their layers."""
    return np.asarray(np.exp(-DECAY * away))


def _fenced(known: Floats) -> Floats:
    """Accuracies with those of networks that hardly learn raised to Tukey's lower fence."""
    low, high = np.quantile(known, (0.25, 0.75))
    return np.asarray(np.maximum(known, low - FENCE * (high - low)))


def _ceilings(known: Floats, most: float | None) -> Floats:
    best, spread = float(known.max()), float(known.std())
    if spread <= EQUAL * max(1.0, abs(best)):  # all accuracies are equal, but for rounding
        spread = 1.0
    if most is None:
        return np.asarray(best + np.append(GAPS, STRAIGHT) * spread)
    ceilings = best + GAPS * spread
    return np.append(ceilings[ceilings < most], most) if best < most else ceilings


def _less_mean(values: Floats) -> Floats:
    return np.asarray(values - values.mean())
