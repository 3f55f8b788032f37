"""Whole networks that a table of blocks was fitted to, and the error of that fit on networks left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgenas.latency_tables.records import Piece

LEAST = 8  #: fewest networks of a fit: fewer prove nothing


@dataclass(frozen=True, slots=True)
class WholeNetwork:
    """A network that was timed whole, given as its blocks without skips. ``ms`` is its time, ``sd_ms`` and ``count`` as
    those of a block; ``left_out_ms`` is the sum of its blocks by a fit to other networks."""

    blocks: Piece
    ms: float
    sd_ms: float | None
    count: int | None
    left_out_ms: float


def left_out_errors(networks: Sequence[WholeNetwork]) -> NDArray[np.float64]:
    """Return the absolute error of each network left out, as a share of the prediction."""
    return np.array([abs(network.ms / network.left_out_ms - 1) for network in networks])


def mean_error(networks: Sequence[WholeNetwork]) -> float:
    """Return the mean absolute error of networks left out, as a share of the measured time."""
    return float(np.mean([abs(network.left_out_ms / network.ms - 1) for network in networks]))


def error_share(networks: Sequence[WholeNetwork], confidence: float = 0.95) -> float:
    """Return the relative half-width of the interval of a prediction: the quantile at (n + 1) x ``confidence`` of the
    errors of networks left out (split conformal prediction; Angelopoulos and Bates, arXiv 2107.07511, section 1), the
    largest error where n is too small for it."""
    errors = np.sort(left_out_errors(networks))
    return float(errors[min(math.ceil((len(errors) + 1) * confidence) - 1, len(errors) - 1)])
