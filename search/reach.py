"""Which spaces reach a latency budget on a device, estimated from a dozen measured blocks.

The time of a block is modelled as  a + b * MACs + c * values,  where values are those that its operations read and
write, and a, b, c are not negative (relative least squares). A network costs the sum over its blocks. The error of the
model is measured by leaving out one block at a time; it is one of single blocks, and of networks it is usually smaller.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgenas.base.errors import OutcomeError
from edgenas.blocks.counts import bytes_moved, weight_bytes
from edgenas.blocks.spec import BlockSpec
from edgenas.search.spaces.facts import NetworkFacts, SpaceFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROBED = 12  #: blocks that a probe measures
LEAST = 6  #: fewest blocks that the model is fitted to


@dataclass(frozen=True, slots=True)
class LatencyModel:
    """Latency of networks from their counts: ms a block, ms a million MACs, ms a million values. ``error`` is the
    median relative error of a block that was left out; ``blocks`` is the number of measured blocks."""

    block_ms: float
    macs_ms: float
    values_ms: float
    error: float
    blocks: int

    def ms(self, network: NetworkFacts) -> float:
        """Return the estimated latency of a network, ms."""
        return (
            self.block_ms * network.blocks + self.macs_ms * network.macs / 1e6 + self.values_ms * network.values / 1e6
        )


@dataclass(frozen=True, slots=True)
class Reach:
    """What a space reaches at one size of images: estimated latency of its networks with the fewest and the most MACs,
    ms, and whether all, some or none of its networks are inside the budget; 'unclear' within the error of the model."""

    size: int
    least_ms: float
    most_ms: float
    inside: str


def probe_blocks(blocks: Sequence[BlockSpec], count: int = PROBED) -> list[BlockSpec]:
    """Return ``count`` of ``blocks``, from the fewest to the most MACs in equal steps."""
    ordered = sorted(blocks, key=lambda block: (block.macs, str(block)))
    if len(ordered) <= count:
        return ordered
    return [ordered[round(i * (len(ordered) - 1) / (count - 1))] for i in range(count)]


def fit_model(times_ms: Mapping[BlockSpec, float]) -> LatencyModel:
    """Return the model fitted to measured blocks; OutcomeError for fewer than LEAST."""
    import numpy as np

    if len(times_ms) < LEAST:
        raise OutcomeError(f"{len(times_ms)} measured blocks are too few to estimate others from: {LEAST} or more")
    ms = np.array(list(times_ms.values()))
    terms = np.array([_terms(block) for block in times_ms])
    rates = _fitted(terms, ms)
    errors = []
    for left_out in range(len(ms)):
        rest = np.arange(len(ms)) != left_out
        predicted = float(terms[left_out] @ _fitted(terms[rest], ms[rest]))
        errors.append(abs(predicted / ms[left_out] - 1))
    a, b, c = map(float, rates)
    return LatencyModel(a, b, c, float(np.median(errors)), len(ms))


def reach(facts: SpaceFacts, model: LatencyModel, budget_ms: float) -> list[Reach]:
    """Return what a space reaches at each size that is known, smallest first."""
    found = []
    for size, (least, most) in facts.sizes.items():
        low, high = model.ms(least), model.ms(most)
        if high * (1 + model.error) <= budget_ms:
            inside = "all"
        elif low * (1 + model.error) <= budget_ms:
            inside = "some"
        elif low * (1 - model.error) <= budget_ms:
            inside = "unclear"
        else:
            inside = "none"
        found.append(Reach(size, low, high, inside))
    return found


def _terms(block: BlockSpec) -> tuple[float, float, float]:
    return 1.0, block.macs / 1e6, (bytes_moved(block, 1) - weight_bytes(block, 1)) / 1e6


def _fitted(terms: NDArray[np.float64], ms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rates, not negative, that predict ``ms`` with the least sum of squared relative errors."""
    import numpy as np
    from scipy.optimize import nnls

    relative = terms / ms[:, None]
    scale = np.linalg.norm(relative, axis=0)
    scale[scale == 0] = 1.0
    rates: NDArray[np.float64] = nnls(relative / scale, np.ones(len(relative)))[0] / scale
    return rates
