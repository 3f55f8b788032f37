"""Times that follow a law, for tests of what is learned from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.prediction.terms import work_amounts
from edgenas.latency_tables.statistics.estimates import DEFAULT
from tests.support.search_toys import noise


@dataclass(frozen=True)
class Known:
    """A table that holds one number a block."""

    of: Mapping[BlockSpec, float] = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        return tuple(self.of)

    def ms(self, block: BlockSpec, statistic: str = DEFAULT) -> float:
        if statistic != DEFAULT:
            raise InputError(f"no {statistic} here")
        return self.of[block]

    def interval(self, block: BlockSpec, statistic: str = DEFAULT, confidence: float = 0.95) -> tuple[float, float]:
        return self.of[block] * 0.99, self.of[block] * 1.01


def law_ms(block: BlockSpec, off: float = 0.0) -> float:
    """Additive work: MACs, values and calls, depthwise MACs dearer; times up to ``off`` more, by block."""
    amounts = work_amounts(block)
    ms = 0.002 * sum(n for name, n in amounts.items() if name.endswith("calls"))
    ms += sum(n * (0.08 if "depthwise" in name else 0.02) for name, n in amounts.items() if name.endswith("MACs/1"))
    ms += 0.1 * sum(n for name, n in amounts.items() if name.endswith(" values"))
    return ms * (1 + off * noise(str(block)))


def known(blocks: Iterable[BlockSpec], off: float = 0.0) -> Known:
    """A table of ``blocks`` by that law."""
    return Known({block: law_ms(block, off) for block in blocks})
