"""Models of the time of a block, fitted to measured blocks of one kind. Times are logarithms of milliseconds: an error
is a share of the time, whether the block takes microseconds or seconds.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgenas.latency_tables.prediction.terms import Design, Floats

#: rows -> the logarithm of milliseconds, and how far off it may be, relative to other rows
Fitted = Callable[[Design], tuple[Floats, Floats]]
#: rows and the logarithms of their milliseconds -> a model fitted to them
Model = Callable[[Design, Floats], Fitted]

_REWEIGHTINGS = 3


def additive(rows: Design, log_ms: Floats) -> Fitted:
    """Time = sum of amounts of work x what each takes, none below 0 (Lawson and Hanson's NNLS), at the least sum of
    (model - time)^2 / (model x time), which is nearly that of squared log ratios."""
    from scipy.optimize import nnls

    times = np.exp(log_ms)
    unit = np.maximum(rows.work.max(axis=0), 1e-12)
    weight = 1 / times
    for _ in range(_REWEIGHTINGS):
        takes, _residual = nnls(rows.work / unit * weight[:, None], times * weight)
        weight = 1 / np.sqrt(times * np.maximum(rows.work @ (takes / unit), 1e-3 * times))
    least = float(times.min()) / 10  # where nothing of a block was worth a time

    def predict(asked: Design) -> tuple[Floats, Floats]:
        return np.log(np.maximum(asked.work @ (takes / unit), least)), np.ones(len(asked))

    return predict


def smoothed(rows: Design, log_ms: Floats) -> Fitted:
    """``additive``, times what a Gaussian process learns from the shapes of the blocks it is wrong about."""
    from edgenas.latency_tables.prediction.gaussian_process import fitted

    base = additive(rows, log_ms)
    process = fitted(rows.shape, log_ms - base(rows)[0])

    def predict(asked: Design) -> tuple[Floats, Floats]:
        more, deviation = process.predict(asked.shape)
        return base(asked)[0] + more, deviation

    return predict


#: what is compared on the table at hand, by leaving out whole layers; of equals the first
MODELS: dict[str, Model] = {"additive": additive, "additive + process": smoothed}
