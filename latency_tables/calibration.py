"""Calibration of sums of blocks to the time of a network: a scale and up to two more terms, chosen by cross-validation.

The time of a network is predicted as ``fixed_ms + sum over blocks of (scale x ms + block_ms + element_ms x elements +
weight_ms x weights)``. ``elements`` are those of a block's input and output feature maps, in millions: a block that is
run alone pays for boundaries that it does not have inside a network. ``weights`` are a block's parameters, in millions:
the weights of a whole network lie in a farther cache than those of one block. The terms are fitted to networks measured
whole, by least squares of relative errors, with a scale of at least 0: where the best scale is negative, it is held at
0, and the terms alone predict. The prediction stays a sum over blocks, so that exact solvers apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.size import pixels
from edgenas.blocks.spec import BlockSpec

Floats = NDArray[np.float64]
TERMS = ("fixed_ms", "block_ms", "element_ms", "weight_ms")  #: optional terms; the scale is always fitted
MOST_TERMS = 2
_CONDITION = 1e6  # largest condition number: beyond it, columns are too nearly collinear to be fitted


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scale and terms of a calibration; the default values leave sums unchanged."""

    scale: float = 1.0
    fixed_ms: float = 0.0
    block_ms: float = 0.0
    element_ms: float = 0.0
    weight_ms: float = 0.0

    def of(self, block: BlockSpec, ms: float) -> float:
        """Return the contribution to a network, ms, of a block that takes ``ms`` by itself: at least 0; 0 for a
        skip."""
        if block.kind == "skip":
            return 0.0
        return max(
            0.0, self.scale * ms + self.block_ms + self.element_ms * elements(block) + self.weight_ms * weights(block)
        )

    def total_ms(self, times: Iterable[tuple[BlockSpec, float]]) -> float:
        """Return the predicted time of a network, ms, from its blocks with the ms of each."""
        return self.fixed_ms + sum(self.of(block, ms) for block, ms in times)


def elements(block: BlockSpec) -> float:
    """Return the number of elements of a block's input and output feature maps, in millions."""
    return (pixels(block.in_size) * block.c_in + pixels(block.out_size) * block.c_out) / 1e6


def weights(block: BlockSpec) -> float:
    """Return the number of a block's parameters, in millions."""
    return block.params / 1e6


def columns(networks: Sequence[Sequence[tuple[BlockSpec, float]]]) -> Floats:
    """Return the design matrix (networks, 1 + terms): the sum of ms, then the multiplier of each of TERMS."""
    rows = []
    for network in networks:
        real = [(block, ms) for block, ms in network if block.kind != "skip"]
        amounts = (1.0, len(real), sum(elements(b) for b, _ in real), sum(weights(b) for b, _ in real))
        rows.append([sum(ms for _, ms in real), *amounts])
    return np.array(rows, dtype=np.float64).reshape(len(rows), 1 + len(TERMS))


def fit(x: Floats, measured_ms: Floats) -> Calibration:
    """Fit the calibration with the smallest leave-one-out error, by the one-standard-error rule: of those within a
    standard error of the smallest, the one with the fewest terms (Hastie et al., The Elements of Statistical Learning,
    section 7.10). ``x`` (networks, 1 + terms) is the result of ``columns``; ``measured_ms`` has one time per
    network."""
    found = [(terms, errors) for terms in _term_sets() if (errors := _left_out(x, measured_ms, terms)) is not None]
    if not found:
        return Calibration()
    best = min((errors for _, errors in found), key=lambda errors: float(errors.mean()))
    terms = next(t for t, errors in found if _hardly_worse(errors - best))
    solved = _solve(x, measured_ms, terms)
    assert solved is not None
    return Calibration(float(solved[0]), **{TERMS[t]: float(c) for t, c in zip(terms, solved[1:], strict=True)})


def predict(calibration: Calibration, networks: Sequence[Sequence[tuple[BlockSpec, float]]]) -> Floats:
    """Return the predicted time of each network, ms."""
    return np.array([calibration.total_ms(network) for network in networks])


def _hardly_worse(difference: Floats) -> bool:
    """Return whether the mean difference of errors is within one standard error of 0."""
    return bool(difference.mean() <= difference.std(ddof=1) / len(difference) ** 0.5)


def _term_sets() -> list[tuple[int, ...]]:
    """Return every set of at most MOST_TERMS term numbers, smallest sets first."""
    return [terms for size in range(MOST_TERMS + 1) for terms in combinations(range(len(TERMS)), size)]


def _design(x: Floats, measured_ms: Floats, terms: tuple[int, ...]) -> Floats | None:
    """Return the rows of scale and ``terms`` divided by the measured times; None where the columns are collinear or
    the networks too few."""
    a = x[:, [0, *(1 + t for t in terms)]] / measured_ms[:, None]
    scaled = a / np.maximum(np.linalg.norm(a, axis=0), 1e-300)
    return a if len(a) > a.shape[1] + 1 and np.linalg.cond(scaled) < _CONDITION else None


def _solve(x: Floats, measured_ms: Floats, terms: tuple[int, ...]) -> Floats | None:
    """Return scale and terms of the least-squares fit with scale >= 0; None where they cannot be fitted."""
    a = _design(x, measured_ms, terms)
    if a is None:
        return None
    free = _least_squares(a)
    # one bound and a convex problem: where the free fit breaks the bound, the best fit lies on it
    return free if free[0] >= 0 else np.concatenate([[0.0], _least_squares(a[:, 1:])])


def _left_out(x: Floats, measured_ms: Floats, terms: tuple[int, ...]) -> Floats | None:
    """Return the absolute relative error of each network under the fit to all others, from the hat matrix; None where
    the terms cannot be fitted."""
    a = _design(x, measured_ms, terms)
    if a is None:
        return None
    errors, scales = _each_left_out(a)
    if (scales < 0).any():
        held, _ = _each_left_out(a[:, 1:])
        errors = np.where(scales < 0, held, errors)
    return errors


def _each_left_out(a: Floats) -> tuple[Floats, Floats]:
    """Return, for each row, its error under the least-squares fit to the others, and the first coefficient of that
    fit."""
    q, r = np.linalg.qr(a)
    ones = np.ones(len(a))
    residual = ones - q @ (q.T @ ones)
    errors = residual / (1.0 - np.minimum((q**2).sum(axis=1), 1 - 1e-9))
    change = np.linalg.solve(r, q.T)[0]  # of the first coefficient, for each unit of a row's error
    return np.abs(errors), _least_squares(a)[0] - change * errors


def _least_squares(a: Floats) -> Floats:
    return np.asarray(np.linalg.lstsq(a, np.ones(len(a)), rcond=None)[0], dtype=np.float64)
