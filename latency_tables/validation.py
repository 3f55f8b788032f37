"""What a validation says: do sums of blocks predict whole networks on this device, by which estimate, and how sure.

Derived from the raw samples each time. Networks and their blocks were interleaved in the same processes, so that sums
and wholes met the same machine; how the table's own numbers compare with those of the same blocks now is told apart, as
``since``.
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

Floats = NDArray[np.float64]
HeldOutNetwork = Sequence[tuple[BlockSpec, float]]  #: its blocks, each with its ms
LEAST = 8  #: networks, below which nothing is proved
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Sums:
    """One way to estimate blocks, held against whole networks: sums as they are, calibrated with the network in
    question left out, the choice of terms included, and the same calibrations on the table's own numbers, where it has
    them all. Arrays hold a number a network; ``beside_ms`` is its time by the ratio of whole to sum within rounds."""

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
        """Plain JSON values."""
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
    """A validation that is complete: ``networks`` measured whole, in ``measured_ms``, each with its interval.

    ``noise`` is the mean absolute error that measuring alone would leave: from how far the processes of a network are
    apart in the ratio of the whole to its sum; nan with one process. ``since`` is the table's time of the same blocks
    over that measured now, with its interval over blocks: 1.04 where the device was 4 % slower when the table was
    measured.
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
        """The estimate to use: measured alone, unless its sums are further off than noise explains and another, which
        takes three times the measuring, is better by more than the standard error of the difference (the one of least
        effort within one standard error of the best: Breiman et al., CART, 1984, section 3.4.3)."""
        alone = self.sums[0]
        if alone.calibrated.mape <= self.noise:
            return alone
        best = min(self.sums, key=lambda s: s.calibrated.mape)
        return best if _above(self.errors(alone) - self.errors(best)) else alone

    @property
    def way(self) -> BlockEstimate:
        """That of ``chosen``."""
        return self.chosen.way

    def error_share(self, confidence: float = _CONFIDENCE) -> float:
        """What a calibrated prediction from the table may be off, up and down, as a share: the left-out errors'
        quantile at (n + 1) x confidence, which covers a further network of the space so often (split conformal
        prediction; Angelopoulos and Bates, arXiv 2107.07511, section 1); the largest where n is too small for it."""
        errors = np.sort(self.prediction_errors())
        place = math.ceil((len(errors) + 1) * confidence) - 1
        return float(errors[min(place, len(errors) - 1)])

    def prediction_errors(self) -> Floats:
        """Absolute, as a share of the calibrated prediction: from the table where it has all blocks."""
        measured, predicted = self.chosen.beside_ms, self.chosen.left_out_ms
        if self.chosen.table_ms is not None:
            measured, predicted = self.measured_ms, self.chosen.table_ms
        return np.asarray(np.abs(measured / predicted - 1), dtype=np.float64)

    def errors(self, sums: Sums) -> Floats:
        """Absolute, as a share of what was measured, of each network left out."""
        return np.asarray(np.abs(sums.left_out_ms / sums.beside_ms - 1), dtype=np.float64)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
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
    """Whether every network was measured in as many processes as it was to be, or could not be measured."""
    seen: dict[Piece, int] = {}
    for m in _own(table, held_out):
        seen[m.piece] = seen.get(m.piece, 0) + 1
    failed = {failure.piece for failure in table.failures}
    return all(network in failed or seen.get(network, 0) >= held_out.target for network in held_out.networks)


def validation(table: LatencyTable, held_out: HeldOut, statistic: str | None = None) -> Validation:
    """What ``held_out`` says of a statistic; of None, of the one that predicts best: the median, unless the minimum is
    better by more than its standard error, as on a machine without neighbours. InputError where fewer than LEAST of its
    networks were measured with all their blocks."""
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
            then = None
            if not table.missing([b for network in networks for b in network], way):
                then = [[(b, table.ms(b, statistic, way)) for b in network] for network in networks]
            ratios = [np.concatenate(group.log_ratios(network, way)) for network, group in found]
            beside = np.array([sum(ms for _, ms in one) for one in now]) * np.exp([float(np.median(r)) for r in ratios])
            sums.append(_sums(way, now, then, beside, measured))
    intervals = tuple(estimates.interval(group.processes(network), statistic) for network, group in found)
    return Validation(
        held_out, statistic, networks, measured, intervals, tuple(sums), _noise(found), _since(table, found, statistic)
    )


def latest(table: LatencyTable, statistic: str | None = None, space: str | None = None) -> Validation | None:
    """The last one that is complete and measured LEAST networks, on ``space`` where there is one; None without any."""
    own = [held_out for held_out in table.validations if held_out.space == space]
    others = [held_out for held_out in table.validations if held_out.space != space]
    for held_out in (*reversed(own), *reversed(others)):
        if complete(table, held_out) and len(_measured(table, held_out, estimates.DEFAULT)) >= LEAST:
            return validation(table, held_out, statistic)
    return None


def _clearly_worse(one: Validation, other: Validation) -> bool:
    """By more than the standard error of the difference, network by network."""
    a, b = one.prediction_errors(), other.prediction_errors()
    return len(a) == len(b) and _above(a - b)


def _above(difference: Floats) -> bool:
    """Whether the mean is above nothing by more than its standard error."""
    return bool(difference.mean() > difference.std(ddof=1) / math.sqrt(len(difference)))


def _measured(table: LatencyTable, held_out: HeldOut, statistic: str) -> list[tuple[Piece, Interleaved]]:
    """The networks that were measured with all their blocks, each with what was measured beside it."""
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
    """``now`` and ``then``: a network's blocks with their ms, measured beside it, and in the table. ``beside`` is the
    network as its sum ``now`` and their ratio in each round say, ``measured`` by itself."""
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
    """Mean over networks of sqrt(2 / pi) x the standard error of log(whole / sum) over processes: the mean absolute
    error of a normal deviate."""
    errors = []
    for network, group in found:
        medians = [float(np.median(logs)) for logs in group.log_ratios(network, "alone")]
        if len(medians) > 1:
            errors.append(float(np.std(medians, ddof=1)) / math.sqrt(len(medians)))
    return math.sqrt(2 / math.pi) * float(np.mean(errors)) if errors else math.nan


def _pieces(network: Piece) -> list[Piece]:
    """The network, then its blocks as often as it has them."""
    return [network, *((block,) for block in network if block.kind != "skip")]


def _since(
    table: LatencyTable, found: Sequence[tuple[Piece, Interleaved]], statistic: str
) -> tuple[float, float, float] | None:
    """Geometric mean over blocks of table / now, with its 95 % interval (normal, over blocks); None without any."""
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
