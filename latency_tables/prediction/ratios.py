"""Posterior of the log ratios of two tables, from measured blocks, measured networks, or both.

An observation is the logarithm of a time: of one block, or of a network, whose time is the sum of its blocks'. A sum is
linearised around the most probable ratios (Gauss-Newton). All is Gaussian for one setting of the covariance (Rasmussen
and Williams 2006, algorithm 2.1); predictions are averages over a grid of settings, weighted by their marginal
likelihood (their section 5.2), so that few observations do not make a setting look certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edgenas.latency_tables.prediction.ratio_kernel import SETTINGS, START, Features, Floats, Ints, KernelSetting

_KEPT = 0.99  # share of the weight of settings that predictions average over
ROUNDS = 2  #: of a mode and the settings around it
_STEPS, _HALVINGS, _CLOSE = 50, 12, 1e-3  # to a mode; _CLOSE is of the logarithm of the density
_FAR = 20.0  # largest log ratio that is tried


@dataclass(frozen=True, eq=False)
class Observations:
    """Measured times. ``counts`` (observations, blocks) says how often each block is in each; ``ms`` are their times,
    ``sd`` the standard deviations of the logarithms of these times. ``more`` are standard deviations of further noise,
    one of which all observations have; which one is averaged over, as settings are."""

    counts: Floats
    ms: Floats
    sd: Floats
    more: tuple[float, ...] = (0.0,)

    @classmethod
    def of_blocks(cls, index: Ints, blocks: int, ms: Floats, sd: Floats) -> Observations:
        """Return observations of single blocks, those number ``index``."""
        return cls(np.eye(blocks)[index], ms, sd)

    def without(self, rows: Ints) -> Observations:
        """Return all observations but those number ``rows``."""
        kept = np.setdiff1d(np.arange(len(self.ms)), rows)
        return Observations(self.counts[kept], self.ms[kept], self.sd[kept], self.more)


@dataclass(frozen=True, eq=False)
class _Fit:
    """The posterior for one setting: ``weights`` = inverse covariance of the observations x residuals, ``inverse`` of
    its Cholesky factor, ``log_likelihood``."""

    setting: KernelSetting
    more: float
    weights: Floats
    inverse: Floats
    log_likelihood: float


@dataclass(frozen=True, eq=False)
class Ratios:
    """Posterior of the log ratios of all blocks of ``features``, given ``observed``; ``prior_ms`` are the blocks' times
    in the prior table. ``rows`` (observations, blocks) are the linearised observations."""

    features: Features
    prior_ms: Floats
    observed: Observations
    rows: Floats
    fits: tuple[tuple[float, _Fit], ...]

    def blocks(self) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of each block's log ratio."""
        means, variances = [], []
        for _, fit in self.fits:
            across = self._across(fit.setting)
            means.append(across @ fit.weights)
            explained = np.square(across @ fit.inverse.T).sum(axis=1)
            variances.append(np.maximum(self.features.variances(fit.setting) - explained, 1e-12))
        return self._mixed(np.array(means), np.array(variances))

    def networks(self, counts: Floats) -> tuple[Floats, Floats]:
        """Return the expected logarithm of ms of networks, given as ``counts`` (networks, blocks), and its standard
        deviation: to second order, for observations of single blocks."""
        used = np.flatnonzero(counts.any(axis=0))
        counts = counts[:, used]
        logs, variances = [], []
        for _, fit in self.fits:
            across = self._across(fit.setting, used)
            parts = counts * (self.prior_ms[used] * np.exp(across @ fit.weights))
            total = parts.sum(axis=1)
            share = parts / total[:, None]
            half = across @ fit.inverse.T
            covariance = self.features.covariance(used, used, fit.setting) - half @ half.T
            variance = np.maximum(((share @ covariance) * share).sum(axis=1), 1e-12)
            logs.append(np.log(total) + (share @ np.diag(covariance) - variance) / 2)
            variances.append(variance)
        return self._mixed(np.array(logs), np.array(variances))

    def left_out(self) -> Floats:
        """Return the error of each observation's logarithm, predicted from the others for the same settings
        (Rasmussen and Williams 2006, equation 5.12)."""
        errors = [fit.weights / np.square(fit.inverse).sum(axis=0) for _, fit in self.fits]
        return np.asarray(np.average(errors, axis=0, weights=[weight for weight, _ in self.fits]), dtype=np.float64)

    def quantile(self, confidence: float) -> float:
        """Return the half-width of an interval in standard deviations: Student's t with as many degrees of freedom as
        there are observations, at least 2."""
        from scipy.stats import t

        return float(t.ppf((1 + confidence) / 2, max(len(self.observed.ms), 2)))

    def _across(self, setting: KernelSetting, index: Ints | None = None) -> Floats:
        """Return the covariance of the blocks number ``index`` (default: all) with the observations."""
        index = np.arange(len(self.prior_ms)) if index is None else index
        return _with_rows(self.features, index, self.rows, setting)

    def _mixed(self, means: Floats, variances: Floats) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of a mixture over the settings."""
        weights = np.array([weight for weight, _ in self.fits])
        mean = weights @ means
        return mean, np.sqrt(weights @ variances + weights @ np.square(means - mean))


def posterior(features: Features, prior_ms: Floats, observed: Observations, rounds: int = ROUNDS) -> Ratios:
    """Return the posterior of all blocks' ratios; there is at least one observation. With 0 ``rounds``, sums are
    linearised around the prior."""
    settings = [(setting, more) for setting in SETTINGS for more in observed.more]
    single = bool((observed.counts.sum(axis=1) == 1).all())  # sums of one block are linear in its log ratio
    estimate, likeliest = np.zeros(len(prior_ms)), (START, float(np.median(observed.more)))
    for number in range(1 if single else rounds + 1):
        if number:
            estimate = _mode(features, prior_ms, observed, *likeliest)
        rows, residuals = _linearised(prior_ms, observed, estimate)
        fits = [_fitted(features, rows, residuals, observed.sd, *each) for each in settings]
        best = max(fits, key=lambda fit: fit.log_likelihood)
        likeliest = best.setting, best.more
    return Ratios(features, prior_ms, observed, rows, _weighted(fits))


def _linearised(prior_ms: Floats, observed: Observations, estimate: Floats) -> tuple[Floats, Floats]:
    """Return the observations as linear combinations of log ratios around ``estimate``, and their values."""
    parts = observed.counts * (prior_ms * np.exp(estimate))
    total = parts.sum(axis=1)
    rows = parts / total[:, None]
    return rows, np.log(observed.ms / total) + rows @ estimate


def _mode(features: Features, prior_ms: Floats, observed: Observations, setting: KernelSetting, more: float) -> Floats:
    """Return the log ratios of the largest posterior density for one setting, by Gauss-Newton steps that are halved
    until the density grows (Nocedal and Wright, Numerical Optimization, 2006, section 10.3)."""
    used = np.flatnonzero(observed.counts.any(axis=0))
    covariance = features.covariance(used, used, setting)
    some, prior = Observations(observed.counts[:, used], observed.ms, observed.sd), prior_ms[used]
    noise = np.square(observed.sd) + more**2 + 1e-6
    weights = np.zeros(len(used))  # the log ratios are covariance @ weights

    def loss(weights: Floats) -> float:
        ratios = covariance @ weights
        errors = np.log(observed.ms / (some.counts @ (prior * np.exp(np.clip(ratios, -_FAR, _FAR)))))
        return float(weights @ ratios + np.square(errors) @ (1 / noise)) / 2

    value = loss(weights)
    for _ in range(_STEPS):
        rows, residuals = _linearised(prior, some, covariance @ weights)
        across = covariance @ rows.T
        aim = rows.T @ np.linalg.solve(rows @ across + np.diag(noise), residuals)
        tried = ((loss(weights + step * (aim - weights)), step) for step in 0.5 ** np.arange(_HALVINGS))
        found, step = next(((lower, step) for lower, step in tried if lower < value), (value, 0.0))
        weights = weights + step * (aim - weights)
        if value - found < _CLOSE:
            break
        value = found
    full = features.covariance(np.arange(len(prior_ms)), used, setting) @ weights
    return np.asarray(full, dtype=np.float64)


def _fitted(
    features: Features, rows: Floats, residuals: Floats, sd: Floats, setting: KernelSetting, more: float
) -> _Fit:
    used = np.flatnonzero(rows.any(axis=0))
    covariance = rows[:, used] @ _with_rows(features, used, rows, setting)
    covariance = (covariance + covariance.T) / 2 + np.diag(np.square(sd) + more**2 + 1e-6)
    factor = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(factor)
    whitened = inverse @ residuals
    likelihood = -0.5 * whitened @ whitened - np.log(np.diag(factor)).sum()
    return _Fit(setting, more, inverse.T @ whitened, inverse, float(likelihood) + setting.log_prior)


def _with_rows(features: Features, index: Ints, rows: Floats, setting: KernelSetting) -> Floats:
    """Return the covariance of blocks with linear combinations of blocks, the ``rows``: (index, rows)."""
    used = np.flatnonzero(rows.any(axis=0))
    return features.covariance(index, used, setting) @ rows[:, used].T


def _weighted(fits: Sequence[_Fit]) -> tuple[tuple[float, _Fit], ...]:
    """Return the likeliest settings, which have _KEPT of the weight together, with their weights."""
    logs = np.array([fit.log_likelihood for fit in fits])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    order = np.argsort(-weights, kind="stable")
    count = int(np.searchsorted(np.cumsum(weights[order]), _KEPT)) + 1
    kept = order[:count]
    return tuple((float(weights[i] / weights[kept].sum()), fits[i]) for i in kept)
