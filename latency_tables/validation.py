"""Validation of a table: errors of sums of blocks against whole networks, and the estimate of blocks to use.

Results are computed from the raw samples each time. Networks and their blocks were interleaved in the same processes,
so that sums and whole networks were measured under the same conditions. The ratio of the table's own numbers to those
of the same blocks in the validation is reported separately, as ``since``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibration import Calibration, columns, fit
from edgenas.latency_tables.interleaved import Interleaved
from edgenas.latency_tables.records import HeldOut, Measurement, Piece
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.statistics.agreement import Agreement, agreement, known
from edgenas.latency_tables.table import WAYS, BlockEstimate, LatencyTable
from edgenas.latency_tables.table_times import table_times

Floats = NDArray[np.float64]
HeldOutNetwork = Sequence[tuple[BlockSpec, float]]  #: blocks of a network, each with its ms
LEAST = 8  #: fewest networks of a validation: fewer prove nothing
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums of blocks by one way to estimate them, compared with whole networks. Arrays hold one number per network.

    raw, raw_ms               uncalibrated sums
    calibrated, left_out_ms   sums calibrated on the other networks, the choice of terms included
    calibration               calibration on all networks
    beside_ms                 time of the network: its sum x the median ratio of whole to sum within rounds
    table, table_ms           the leave-one-out calibrations on the table's own numbers, predicted ones of a table with
                              a prior included; None where it lacks a block
    """

    way: BlockEstimate
    raw: Agreement
    calibrated: Agreement
    calibration: Calibration
    beside_ms: Floats
    left_out_ms: Floats
    raw_ms: Floats
    table: Agreement | None
    table_ms: Floats | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "way": self.way,
            "raw": self.raw.as_dict(),
            "calibrated": self.calibrated.as_dict(),
            "table": None if self.table is None else self.table.as_dict(),
            "calibration": asdict(self.calibration),
            "raw_ms": self.raw_ms.tolist(),
            "beside_ms": self.beside_ms.tolist(),
            "calibrated_ms": self.left_out_ms.tolist(),
            "table_ms": None if self.table_ms is None else self.table_ms.tolist(),
        }


@dataclass(frozen=True, repr=False)
class Validation:
    """A complete validation: ``networks`` measured whole, their times ``measured_ms``, each with its interval.

    ``noise`` is the mean absolute error, as a share, that measurement noise alone leaves, estimated from the spread
    between processes of the ratio of the whole network to its sum; nan with one process. ``since`` is the table's time
    of the same blocks over their time in the validation, with its interval over blocks: 1.04 where the device was 4 %
    slower when the table was measured.
    """

    held_out: HeldOut
    statistic: str
    networks: tuple[Piece, ...]
    measured_ms: Floats
    intervals_ms: tuple[tuple[float, float], ...]
    sums: tuple[Sums, ...]
    noise: float
    since: tuple[float, float, float] | None

    def __repr__(self) -> str:
        return (
            f"<Validation of {self.held_out.created} on {len(self.networks)} networks of {self.held_out.space}: "
            f"{self.statistic}, blocks {self.way}, mean error {self.chosen.calibrated.mape:.1%}>"
        )

    @cached_property
    def chosen(self) -> Sums:
        """The estimate to use: 'alone', unless the errors of its sums exceed the noise and another estimate, which
        takes three times the measurements, is better by more than the standard error of the difference (the
        one-standard-error rule: Breiman et al., CART, 1984, section 3.4.3)."""
        alone = self.sums[0]
        if alone.calibrated.mape <= self.noise:
            return alone
        best = min(self.sums, key=lambda s: s.calibrated.mape)
        return best if _above(self.errors(alone) - self.errors(best)) else alone

    @property
    def way(self) -> BlockEstimate:
        """Way to estimate blocks of the ``chosen`` sums."""
        return self.chosen.way

    @property
    def interval_text(self) -> str:
        """Half-width of the 95 % interval of a prediction, in percent of it: '±2.6 %'."""
        return f"±{100 * self.error_share():.1f} %"

    def error_share(self, confidence: float = _CONFIDENCE) -> float:
        """Return the relative half-width of the interval of a calibrated prediction from the table: the quantile at
        (n + 1) x ``confidence`` of the leave-one-out errors, which covers a further network of the space with that
        probability (split conformal prediction; Angelopoulos and Bates, arXiv 2107.07511, section 1); the largest error
        where n is too small for it."""
        errors = np.sort(self.prediction_errors())
        place = math.ceil((len(errors) + 1) * confidence) - 1
        return float(errors[min(place, len(errors) - 1)])

    def prediction_errors(self) -> Floats:
        """Return absolute errors of leave-one-out predictions, as shares of the prediction; from the table's own
        numbers where it has all blocks."""
        measured, predicted = self.chosen.beside_ms, self.chosen.left_out_ms
        if self.chosen.table_ms is not None:
            measured, predicted = self.measured_ms, self.chosen.table_ms
        return np.asarray(np.abs(measured / predicted - 1), dtype=np.float64)

    def errors(self, sums: Sums) -> Floats:
        """Return the absolute leave-one-out error of each network, as a share of the measured time."""
        return np.asarray(np.abs(sums.left_out_ms / sums.beside_ms - 1), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "id": self.held_out.id,
            "space": self.held_out.space,
            "created": self.held_out.created,
            "statistic": self.statistic,
            "networks": [[str(block) for block in network] for network in self.networks],
            "measured_ms": self.measured_ms.tolist(),
            "intervals_ms": [list(interval) for interval in self.intervals_ms],
            "sums": [sums.as_dict() for sums in self.sums],
            "way": self.way,
            "error_share": self.error_share(),
            "noise": known(self.noise),
            "since": None if self.since is None else list(self.since),
        }


def complete(table: LatencyTable, held_out: HeldOut) -> bool:
    """Return whether every network was measured in its target number of processes, or failed."""
    seen: dict[Piece, int] = {}
    for m in _own(table, held_out):
        seen[m.piece] = seen.get(m.piece, 0) + 1
    failed = {failure.piece for failure in table.failures}
    return all(network in failed or seen.get(network, 0) >= held_out.target for network in held_out.networks)


def validation(table: LatencyTable, held_out: HeldOut, statistic: str | None = None) -> Validation:
    """Compute the result of a validation for ``statistic``; for None, for the one that predicts best: the median,
    unless the minimum is better by more than the standard error, as on a machine without other load. InputError where
    fewer than LEAST of its networks were measured with all their blocks."""
    if statistic is None:
        least, middle = (validation(table, held_out, name) for name in ("min", "median"))
        return least if _clearly_worse(middle, least) else middle
    found = _measured(table, held_out, statistic)
    if len(found) < LEAST:
        raise InputError(
            f"only {len(found)} networks of the validation {held_out.id} were measured with all their blocks, and "
            f"{LEAST} are the least that prove anything; validate again: edgenas table validate"
        )
    networks = tuple(network for network, _ in found)
    measured = np.array([group.ms(network) for network, group in found])
    sums = []
    for way in WAYS:
        if all(group.missing(network, way) is None for network, group in found):
            now = [[(b, group.block_ms(b, way)) for b in network] for network, group in found]
            then = table_times(table, networks, statistic, way)
            ratios = [np.concatenate(group.log_ratios(network, way)) for network, group in found]
            beside = np.array([sum(ms for _, ms in one) for one in now]) * np.exp([float(np.median(r)) for r in ratios])
            sums.append(_sums(way, now, then, beside, measured))
    intervals = tuple(estimates.interval(group.processes(network), statistic) for network, group in found)
    return Validation(
        held_out, statistic, networks, measured, intervals, tuple(sums), _noise(found), _since(table, found, statistic)
    )


def latest(table: LatencyTable, statistic: str | None = None, space: str | None = None) -> Validation | None:
    """Return the last validation that is complete and has LEAST networks, of those on ``space`` if there is any; None
    where there is none."""
    own = [held_out for held_out in table.validations if held_out.space == space]
    others = [held_out for held_out in table.validations if held_out.space != space]
    for held_out in (*reversed(own), *reversed(others)):
        if complete(table, held_out) and len(_measured(table, held_out, estimates.DEFAULT)) >= LEAST:
            return validation(table, held_out, statistic)
    return None


def _clearly_worse(one: Validation, other: Validation) -> bool:
    """Return whether the errors of ``one`` exceed those of ``other``, network by network, by more than the standard
    error of the difference."""
    a, b = one.prediction_errors(), other.prediction_errors()
    return len(a) == len(b) and _above(a - b)


def _above(difference: Floats) -> bool:
    """Return whether the mean difference is above 0 by more than its standard error."""
    return bool(difference.mean() > difference.std(ddof=1) / math.sqrt(len(difference)))


def _measured(table: LatencyTable, held_out: HeldOut, statistic: str) -> list[tuple[Piece, Interleaved]]:
    """Return the networks that were measured with all their blocks, each with the group measured in the same
    processes."""
    groups: dict[str, dict[Piece, list[Measurement]]] = {}
    for m in _own(table, held_out):
        groups.setdefault(m.batch.rpartition("/")[0], {}).setdefault(m.piece, []).append(m)
    measured = [Interleaved(group, statistic) for group in groups.values()]
    found = [(network, next((g for g in measured if g.has(network)), None)) for network in held_out.networks]
    return [(network, group) for network, group in found if group is not None]


def _own(table: LatencyTable, held_out: HeldOut) -> list[Measurement]:
    return [m for m in table.measurements if m.purpose == "validation" and m.batch.startswith(held_out.id + "/")]


def _sums(
    way: BlockEstimate,
    now: Sequence[HeldOutNetwork],
    then: Sequence[HeldOutNetwork] | None,
    beside: Floats,
    measured: Floats,
) -> Sums:
    """Compare the sums of one way with whole networks. ``now`` and ``then`` hold the blocks of each network with their
    ms: measured beside the network, and from the table. ``beside`` is the network's time by its sum ``now`` and their
    ratio in each round, ``measured`` its own estimate; both in ms."""
    x = columns(now)
    left_out, by_table = np.empty(len(measured)), np.empty(len(measured))
    for i in range(len(measured)):
        others = np.arange(len(measured)) != i
        calibration = fit(x[others], beside[others])
        left_out[i] = calibration.total_ms(now[i])
        if then is not None:
            by_table[i] = calibration.total_ms(then[i])
    return Sums(
        way,
        agreement(x[:, 0], beside),
        agreement(left_out, beside),
        fit(x, beside),
        beside,
        left_out,
        x[:, 0],
        None if then is None else agreement(by_table, measured),
        None if then is None else by_table,
    )


def _noise(found: Sequence[tuple[Piece, Interleaved]]) -> float:
    """Return the mean over networks of sqrt(2 / pi) x the standard error of log(whole / sum) over processes: the mean
    absolute value of a normal deviate. nan where no network has two processes."""
    errors = []
    for network, group in found:
        medians = [float(np.median(logs)) for logs in group.log_ratios(network, "alone")]
        if len(medians) > 1:
            errors.append(float(np.std(medians, ddof=1)) / math.sqrt(len(medians)))
    return math.sqrt(2 / math.pi) * float(np.mean(errors)) if errors else math.nan


def _pieces(network: Piece) -> list[Piece]:
    """Return the network, then each of its blocks as often as it occurs."""
    return [network, *((block,) for block in network if block.kind != "skip")]


def _since(
    table: LatencyTable, found: Sequence[tuple[Piece, Interleaved]], statistic: str
) -> tuple[float, float, float] | None:
    """Return the geometric mean over blocks of table / now, with its 95 % interval (normal, over blocks); None with
    fewer than 2 blocks."""
    logs: dict[Piece, float] = {}
    for network, group in found:
        for piece in _pieces(network)[1:]:
            if piece in table and piece not in logs:
                logs[piece] = math.log(table.piece_ms(piece, statistic) / group.ms(piece))
    if len(logs) < 2:
        return None
    mean = float(np.mean(list(logs.values())))
    half = 1.96 * float(np.std(list(logs.values()), ddof=1)) / math.sqrt(len(logs))
    return math.exp(mean), math.exp(mean - half), math.exp(mean + half)
