"""Times of networks and their blocks that were measured interleaved, in the same processes of the same machine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import Measurement, Piece
from edgenas.latency_tables.statistics import estimates
from edgenas.latency_tables.table import BlockEstimate, terms

Floats = NDArray[np.float64]


class Interleaved:
    """Pieces measured in the same processes, with one statistic; times are milliseconds."""

    def __init__(self, measured: dict[Piece, list[Measurement]], statistic: str) -> None:
        self.times = {piece: {m.process: m.rounds_ms() for m in found} for piece, found in measured.items()}
        self.statistic = statistic
        self._ms: dict[Piece, float] = {}
        self._rounds: dict[Piece, dict[int, Floats]] = {}

    def has(self, network: Piece) -> bool:
        """Return whether the network and each of its blocks were measured."""
        return network in self.times and self.missing(network, "alone") is None

    def missing(self, network: Piece, way: BlockEstimate) -> Piece | None:
        """Return the first piece that the estimate of the network's blocks lacks; None if it lacks none."""
        return next((piece for piece, _ in network_terms(network, way) if piece not in self.times), None)

    def processes(self, piece: Piece) -> list[list[estimates.Times]]:
        """Return the samples of a piece, ms: process -> round -> samples."""
        return list(self.times[piece].values())

    def ms(self, piece: Piece) -> float:
        """Return the time of a piece measured as one model, ms, over all processes."""
        if piece not in self._ms:
            self._ms[piece] = estimates.estimate(self.processes(piece), self.statistic)
        return self._ms[piece]

    def block_ms(self, block: BlockSpec, way: BlockEstimate) -> float:
        """Return the time of a block by one way to estimate it, ms, at least 0."""
        if block.kind == "skip":
            return 0.0
        return max(0.0, sum(weight * self.ms(piece) for piece, weight in terms(block, way)))

    def log_ratios(self, network: Piece, way: BlockEstimate) -> list[Floats]:
        """Return log(whole network / sum of its blocks) for each round, one array per process. A disturbance of the
        machine that outlasts a round affects both alike, and cancels."""
        parts = network_terms(network, way)
        common = sorted(set.intersection(*(set(self.times[piece]) for piece in (network, *(p for p, _ in parts)))))
        found = []
        for process in common:
            whole = self.by_round(network)[process]
            rounds = min(len(whole), *(len(self.by_round(piece)[process]) for piece, _ in parts))
            total = sum(weight * self.by_round(piece)[process][:rounds] for piece, weight in parts)
            found.append(np.log(whole[:rounds] / np.maximum(total, 1e-9)))
        return found

    def by_round(self, piece: Piece) -> dict[int, Floats]:
        """Return the statistic of each round, ms, by process."""
        if piece not in self._rounds:
            compute = estimates.STATISTICS[self.statistic]
            self._rounds[piece] = {n: np.array([compute(t) for t in r]) for n, r in self.times[piece].items()}
        return self._rounds[piece]


def network_terms(network: Piece, way: BlockEstimate) -> list[tuple[Piece, float]]:
    """Return the pieces whose times add up to the network's, each with its weight."""
    return [term for block in network if block.kind != "skip" for term in terms(block, way)]
