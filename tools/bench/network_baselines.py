"""Methods that predict a network's latency without edgenas, for comparison with sums of blocks.

Whatever a method fits to networks, it fits to the other held-out networks (leave-one-out): none sees the network that
it predicts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibration import columns, fit
from edgenas.latency_tables.prediction.terms import amount_names, design
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.statistics.agreement import Agreement, agreement
from edgenas.latency_tables.table import BlockEstimate, LatencyTable
from edgenas.latency_tables.validation import Validation
from tools.bench.prediction_models import by_operator

Floats = NDArray[np.float64]
Network = Sequence[tuple[BlockSpec, float]]  #: the blocks of a network, each with its ms


def affine(amounts: Sequence[float], measured_ms: Floats) -> Floats:
    """Return ms of each network by a straight line through the others: least squares of relative errors on one amount
    of the network, such as its MACs."""
    x = np.column_stack([np.ones(len(measured_ms)), np.asarray(amounts, dtype=np.float64)])
    found = np.empty(len(measured_ms))
    for i in range(len(found)):
        others = np.arange(len(found)) != i
        line = np.linalg.lstsq(x[others] / measured_ms[others, None], np.ones(len(found) - 1), rcond=None)[0]
        found[i] = x[i] @ line
    return found


def macs(networks: Sequence[Piece], measured_ms: Floats) -> Floats:
    """Return ms of each network by a straight line on MACs."""
    return affine([sum(block.macs for block in network) for network in networks], measured_ms)


def params(networks: Sequence[Piece], measured_ms: Floats) -> Floats:
    """Return ms of each network by a straight line on parameters."""
    return affine([sum(block.params for block in network) for network in networks], measured_ms)


def operator_times(
    networks: Sequence[Piece], table: LatencyTable, statistic: str
) -> list[list[tuple[BlockSpec, float]]]:
    """Return the blocks of each network with their ms by per-operator regression, in the manner of nn-Meter (Zhang et
    al., MobiSys 2021): the time of a block is a sum over its operators of nonnegative terms in MACs, values, weights
    and calls, fitted to the blocks of the table. The network's own blocks are left out of the fit, except those that
    all networks have (stem, head)."""
    common = set(networks[0]).intersection(*networks)
    found = []
    for network in networks:
        rest = [block for block in table.blocks if block in common or block not in network]
        amounts = amount_names(rest)
        fitted = by_operator(design(rest, amounts), np.log([table.ms(block, statistic) for block in rest]))
        ms = np.exp(fitted(design(network, amounts))[0])
        found.append([(b, 0.0 if b.kind == "skip" else float(t)) for b, t in zip(network, ms, strict=True)])
    return found


def calibrated(networks: Sequence[Network], measured_ms: Floats) -> Floats:
    """Return ms of each network: the sum of its blocks, with edgenas's calibration fitted to the other networks."""
    x = columns(networks)
    found = np.empty(len(networks))
    for i in range(len(found)):
        others = np.arange(len(found)) != i
        found[i] = fit(x[others], measured_ms[others]).total_ms(networks[i])
    return found


def compared(table: LatencyTable, found: Validation, careless_ms: Mapping[BlockSpec, float]) -> dict[str, Agreement]:
    """Return the agreement of every method with the measured times of the held-out networks, by method.

    ``careless_ms`` are times of the blocks by careless measuring. The blocks of edgenas are those of ``table``, by the
    statistic and the estimate of a block that the validation ``found`` chose.
    """
    networks, measured = found.networks, found.measured_ms

    def times(of: Callable[[BlockSpec], float]) -> list[list[tuple[BlockSpec, float]]]:
        return [[(block, 0.0 if block.kind == "skip" else of(block)) for block in network] for network in networks]

    def raw(some: Sequence[Network]) -> Floats:
        return np.array([sum(ms for _, ms in network) for network in some])

    careless = times(careless_ms.__getitem__)
    by_operators = operator_times(networks, table, found.statistic)
    way: BlockEstimate = found.way if not table.missing([b for n in networks for b in n], found.way) else "alone"
    own = times(lambda block: table.ms(block, found.statistic, way))
    predictions = {
        "MACs": macs(networks, measured),
        "parameters": params(networks, measured),
        "per-operator regression": raw(by_operators),
        "per-operator regression, calibrated": calibrated(by_operators, measured),
        "careless means": raw(careless),
        "careless means, calibrated": calibrated(careless, measured),
        "edgenas, raw": raw(own),
        "edgenas, calibrated": calibrated(own, measured),
    }
    return {method: agreement(ms, measured) for method, ms in predictions.items()}
