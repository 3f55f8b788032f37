"""Agreement of predicted with measured times: errors, shares within 5 and 10 %, rank correlations with intervals."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of ``networks`` predictions with measurements.

    mape                  mean absolute error as a share of the measured time
    within_5, within_10   share of networks whose error is within 5 % and 10 % of the measured time
    rmse_ms               root mean square error, ms
    spearman, kendall     rank correlations: (estimate, low, high), with a 95 % interval by percentile bootstrap over
                          networks
    """

    networks: int
    mape: float
    within_5: float
    within_10: float
    rmse_ms: float
    spearman: tuple[float, float, float]  # estimate, low, high
    kendall: tuple[float, float, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values; None for a rank correlation that is undefined."""
        ranks = {name: [known(v) for v in getattr(self, name)] for name in ("spearman", "kendall")}
        return {**asdict(self), **ranks}


def known(value: float) -> float | None:
    """Return the number, or None for nan, which JSON does not have."""
    return None if np.isnan(value) else value


def agreement(predicted_ms: Floats, measured_ms: Floats) -> Agreement:
    """Compare predicted with measured times; both arrays hold one number per network, at least 3."""
    share = np.abs(predicted_ms / measured_ms - 1)
    return Agreement(
        len(share),
        float(share.mean()),
        float((share <= 0.05).mean()),
        float((share <= 0.10).mean()),
        float(np.sqrt(((predicted_ms - measured_ms) ** 2).mean())),
        _ranks(predicted_ms, measured_ms, "spearman"),
        _ranks(predicted_ms, measured_ms, "kendall"),
    )


def _ranks(x: Floats, y: Floats, method: str) -> tuple[float, float, float]:
    """Return a rank correlation and its 95 % interval by percentile bootstrap."""
    correlate = _spearman if method == "spearman" else _kendall
    draws = np.random.default_rng(0).integers(0, len(x), (_RESAMPLES, len(x)))
    resampled = correlate(x[draws], y[draws])
    known = resampled[~np.isnan(resampled)]
    low, high = np.percentile(known, [2.5, 97.5]) if len(known) else (np.nan, np.nan)
    return float(correlate(x[None], y[None])[0]), float(low), float(high)


def _spearman(x: Floats, y: Floats) -> Floats:
    """Return Spearman's rho of each row; nan where a row of ``x`` or ``y`` is constant."""
    from scipy.stats import rankdata

    a, b = (rankdata(rows, axis=1) - (x.shape[1] + 1) / 2 for rows in (x, y))
    return _ratio((a * b).sum(axis=1), (a**2).sum(axis=1) * (b**2).sum(axis=1))


def _kendall(x: Floats, y: Floats) -> Floats:
    """Return Kendall's tau b of each row."""
    i, j = np.triu_indices(x.shape[1], 1)
    a, b = np.sign(x[:, i] - x[:, j]), np.sign(y[:, i] - y[:, j])
    return _ratio((a * b).sum(axis=1), np.abs(a).sum(axis=1) * np.abs(b).sum(axis=1))


def _ratio(above: Floats, below_squared: Floats) -> Floats:
    """Return ``above`` / sqrt(``below_squared``); nan where both are 0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(above / np.sqrt(below_squared), dtype=np.float64)
