"""Models of the time of a block, fitted to measured blocks of one kind.

Times are logarithms of milliseconds: an error is then a share of the time, for blocks of microseconds and of seconds
alike.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgenas.latency_tables.prediction.terms import Design, Floats

#: rows -> (logarithm of milliseconds, its expected deviation relative to other rows)
Fitted = Callable[[Design], tuple[Floats, Floats]]
#: rows and the logarithms of their milliseconds -> a model fitted to them
Model = Callable[[Design, Floats], Fitted]

_REWEIGHTINGS = 3


def additive(rows: Design, log_ms: Floats) -> Fitted:
    """Fit time = sum of (amount of work x time per amount), no term below 0, by non-negative least squares (Lawson and
    Hanson's NNLS). It minimises the sum of (model - time)^2 / (model x time), nearly that of squared log ratios."""
    from scipy.optimize import nnls

    times = np.exp(log_ms)
    unit = np.maximum(rows.work.max(axis=0), 1e-12)
    weight = 1 / times
    for _ in range(_REWEIGHTINGS):
        takes, _residual = nnls(rows.work / unit * weight[:, None], times * weight)
        weight = 1 / np.sqrt(times * np.maximum(rows.work @ (takes / unit), 1e-3 * times))
    least = float(times.min()) / 10  # lower bound, for a block none of whose amounts has a coefficient above 0

    def predict(new: Design) -> tuple[Floats, Floats]:
        return np.log(np.maximum(new.work @ (takes / unit), least)), np.ones(len(new))

    return predict


def smoothed(rows: Design, log_ms: Floats) -> Fitted:
    """Fit ``additive``, times a factor that a Gaussian process learns from its errors and the shapes of the blocks."""
    from edgenas.latency_tables.prediction.gaussian_process import fitted

    base = additive(rows, log_ms)
    process = fitted(rows.shape, log_ms - base(rows)[0])

    def predict(new: Design) -> tuple[Floats, Floats]:
        correction, deviation = process.predict(new.shape)
        return base(new)[0] + correction, deviation

    return predict


#: models compared on the table itself, by leaving out whole layers; the first of equals is chosen
MODELS: dict[str, Model] = {"additive": additive, "additive + process": smoothed}
