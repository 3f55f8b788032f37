"""A Gaussian process: what is left of a time when the work is accounted for, learned from blocks of similar shape.

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006): prediction by algorithm 2.1, kernel Matérn 5/2
(equation 4.17) with a length a feature (section 5.1), lengths and variances at the largest posterior by its gradient
(equation 5.9).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgenas.latency_tables.prediction.terms import Floats

MOST_FOR_LENGTHS = 150  # rows that lengths are learned from: time grows with the cube of rows
_STEPS = 12
# of the logarithm of a length in standard deviations of its feature: weak, and towards features that matter little
_PRIOR_MEAN, _PRIOR_SD = 1.0, 2.0


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    """Fitted to rows; see ``fitted``."""

    mean: Floats
    scale: Floats
    lengths: Floats  # infinite for features that were all alike
    variance: float
    noise: float
    rows: Floats  # scaled
    weights: Floats
    inverse: Floats  # of the Cholesky factor of the covariance

    def predict(self, features: Floats) -> tuple[Floats, Floats]:
        """Mean, and standard deviation of a new observation, for each row."""
        across = self.variance * _matern(_scaled_squares((features - self.mean) / self.scale / self.lengths, self.rows))
        explained = np.square(across @ self.inverse.T).sum(axis=1)
        return across @ self.weights, np.sqrt(np.maximum(self.variance + self.noise - explained, self.noise))


def fitted(features: Floats, values: Floats, seed: int = 0) -> GaussianProcess:
    """The process of ``values`` (of mean about 0) over ``features`` (rows x features)."""
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
    """Logarithms of lengths, variance and noise at the largest posterior that a few steps find."""
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
        off = (x[:width] - _PRIOR_MEAN) / _PRIOR_SD
        total = 0.5 * values @ weights + np.log(np.diag(factor)).sum() + 0.5 * off @ off
        outer = 0.5 * (inverse.T @ inverse - np.outer(weights, weights))
        by_square = outer * (-5 / 6 * variance) * (1 + root) * decay  # d total / d (scaled squared distance)
        by_length = np.tensordot(by_square, squares, axes=2) * -2 * inverse_squares + off / _PRIOR_SD
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
    """Squared distances between rows: (left rows, right rows)."""
    total = np.square(left).sum(axis=1)[:, None] + np.square(right).sum(axis=1)[None] - 2 * left @ right.T
    return np.asarray(np.maximum(total, 0.0), dtype=np.float64)


def _matern(squares: Floats) -> Floats:
    root = np.sqrt(5 * squares)
    return np.asarray((1 + root + root**2 / 3) * np.exp(-root), dtype=np.float64)
