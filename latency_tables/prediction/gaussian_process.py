"""Gaussian process regression of the residuals of a model of time, learned from blocks of similar shape.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006). Prediction by algorithm 2.1; kernel
Matérn 5/2 (equation 4.17) with one length per feature (section 5.1); lengths and variances at the maximum of the
posterior, by its gradient (equation 5.9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgenas.latency_tables.prediction.terms import Floats

MOST_FOR_LENGTHS = 150  # rows used to learn the lengths: the time grows with the cube of the number of rows
_STEPS = 12
# Prior of the logarithm of a length, in standard deviations of its feature: weak, and in favour of long lengths
_PRIOR_MEAN, _PRIOR_SD = 1.0, 2.0


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """A Gaussian process that ``fitted`` has fitted to rows of features."""

    mean: Floats
    scale: Floats
    lengths: Floats  # infinite for features that are constant over the rows
    variance: float
    noise: float
    rows: Floats  # scaled
    weights: Floats
    inverse: Floats  # of the Cholesky factor of the covariance

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Return the mean and the standard deviation of a new observation for each row of ``features``."""
        across = self.variance * _matern(_scaled_squares((features - self.mean) / self.scale / self.lengths, self.rows))
        explained = np.square(across @ self.inverse.T).sum(axis=1)
        return across @ self.weights, np.sqrt(np.maximum(self.variance + self.noise - explained, self.noise))


def fitted(features: Floats, values: Floats, seed: int = 0) -> GaussianProcess:
    """Fit a process to ``values`` (rows,), of mean about 0, over ``features`` (rows, features)."""
    from scipy.linalg import cholesky, solve_triangular

    mean, scale = features.mean(axis=0), features.std(axis=0)
    used = scale > 1e-9
    scale = np.where(used, scale, 1.0)
    rows = (features - mean) / scale
    some = np.random.default_rng(seed).permutation(len(rows))[:MOST_FOR_LENGTHS]
    log_lengths, variance, noise = _learned(rows[np.ix_(some, np.flatnonzero(used))], values[some])
    lengths = np.full(len(used), np.inf)
    lengths[used] = np.exp(log_lengths)
    scaled = rows / lengths
    covariance = variance * _matern(_scaled_squares(scaled, scaled)) + noise * np.eye(len(rows))
    inverse = solve_triangular(cholesky(covariance, lower=True), np.eye(len(rows)), lower=True)
    return GaussianProcess(mean, scale, lengths, variance, noise, scaled, inverse.T @ (inverse @ values), inverse)


def _learned(rows: Floats, values: Floats) -> tuple[Floats, float, float]:
    """Return the logarithms of the lengths, the variance and the noise that maximise the posterior within _STEPS
    iterations."""
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    count, width = rows.shape
    squares = np.square(rows[:, None] - rows[None])  # (rows, rows, features)
    start = max(float(np.mean(np.square(values))), 1e-8)

    def loss(x: Floats) -> tuple[float, Floats]:
        inverse_squares, variance, noise = np.exp(-2 * x[:width]), np.exp(x[width]), np.exp(x[width + 1])
        root = np.sqrt(5 * (squares @ inverse_squares))
        decay = np.exp(-root)
        smooth = variance * (1 + root + root**2 / 3) * decay
        factor = np.linalg.cholesky(smooth + noise * np.eye(count))
        inverse = solve_triangular(factor, np.eye(count), lower=True)
        weights = inverse.T @ (inverse @ values)
        deviation = (x[:width] - _PRIOR_MEAN) / _PRIOR_SD
        total = 0.5 * values @ weights + np.log(np.diag(factor)).sum() + 0.5 * deviation @ deviation
        outer = 0.5 * (inverse.T @ inverse - np.outer(weights, weights))
        by_square = outer * (-5 / 6 * variance) * (1 + root) * decay  # d total / d (scaled squared distance)
        by_length = np.tensordot(by_square, squares, axes=2) * -2 * inverse_squares + deviation / _PRIOR_SD
        return float(total), np.array([*by_length, (outer * smooth).sum(), noise * np.trace(outer)])

    spread = np.log(start)
    bounds = [(-2.0, 6.0)] * width + [(spread - 7, spread + 4), (spread - 7, spread + 1)]
    found = minimize(
        loss,
        np.array([_PRIOR_MEAN] * width + [spread, spread - 2]),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _STEPS},
    )
    return found.x[:width], float(np.exp(found.x[width])), float(np.exp(found.x[width + 1]))


def _scaled_squares(left: Floats, right: Floats) -> Floats:
    """Return squared distances between rows: (left rows, right rows)."""
    total = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None] - 2 * left @ right.T
    return np.asarray(np.maximum(total, 0.0), dtype=np.float64)


def _matern(squares: Floats) -> Floats:
    """Return the Matérn 5/2 correlation of squared scaled distances."""
    root = np.sqrt(5 * squares)
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root), dtype=np.float64)
