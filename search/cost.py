"""What a network may cost: milliseconds from a latency table, MACs, parameters, or bytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from edgenas.base.errors import InputError
from edgenas.blocks.counts import peak_bytes, weight_bytes
from edgenas.blocks.spec import BlockSpec
from edgenas.search.problem import Cost, Peak


class BlockLatencies(Protocol):
    """What a latency table answers by one statistic; ``edgenas.latency_tables.gate.Searchable`` is one."""

    def ms(self, block: BlockSpec) -> float:
        """Latency of a block in milliseconds; InputError for a block it lacks."""
        ...

    def missing(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Those of ``blocks`` it lacks."""
        ...


def latency_cost(
    table: BlockLatencies, blocks: Iterable[BlockSpec] = (), fixed_ms: float = 0.0, name: str = ""
) -> Cost:
    """Return milliseconds as ``table`` has them, whatever that proves: ``edgenas.search.table_cost`` asks for proof
    first.

    ``blocks``: those a search will ask for (``space.blocks()``); InputError at once when the table lacks any. A skip
    costs nothing. ``fixed_ms`` is what every network takes beside its blocks, ``name`` the device where there are
    several.
    """
    wanted = [block for block in blocks if block.kind != "skip"]
    lacking = list(table.missing(wanted))
    if lacking:
        raise InputError(
            f"the table lacks {len(lacking)} of {len(wanted)} blocks, such as {lacking[0]}: "
            f"profile them first (edgenas profile)"
        )

    def of(block: BlockSpec) -> float:
        return 0.0 if block.kind == "skip" else table.ms(block)

    return Cost("ms", of, fixed_ms, name=name)


def macs_cost() -> Cost:
    """Multiply-accumulates for one image; see ``edgenas.blocks.counts``."""
    return Cost("MACs", _macs)


def params_cost() -> Cost:
    """Trainable parameters; see ``edgenas.blocks.counts``."""
    return Cost("params", _params)


def size_cost() -> Cost:
    """MB (10^6 bytes) of weights and biases in single precision; see ``edgenas.blocks.counts``."""
    return Cost("MB", _megabytes, name="weights")


def peak_memory_cost() -> Peak:
    """MB of activations in single precision while the block runs that needs most; see ``edgenas.blocks.counts``."""
    return Peak("MB", _peak_megabytes, name="peak activations")


@lru_cache(maxsize=2**16)  # a search asks for the same blocks again and again
def _macs(block: BlockSpec) -> float:
    return float(block.macs)


@lru_cache(maxsize=2**16)
def _params(block: BlockSpec) -> float:
    return float(block.params)


@lru_cache(maxsize=2**16)
def _megabytes(block: BlockSpec) -> float:
    return weight_bytes(block) / 1e6


@lru_cache(maxsize=2**16)
def _peak_megabytes(block: BlockSpec) -> float:
    return peak_bytes(block) / 1e6
