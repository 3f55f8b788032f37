"""The costs of a network: milliseconds from a latency table, MACs, parameters, or megabytes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Protocol

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.counts import peak_bytes, weight_bytes
from edgenas.blocks.spec import BlockSpec
from edgenas.search.problem import Cost, Peak


class BlockLatencies(Protocol):
    """Block latencies from a table, by one statistic; ``edgenas.latency_tables.gate.Searchable`` is one."""

    def ms(self, block: BlockSpec) -> float:
        """Latency of a block in milliseconds; InputError for a block that the table does not have."""
        ...

    def missing(self, blocks: Iterable[BlockSpec]) -> Sequence[BlockSpec]:
        """Return those of ``blocks`` that the table does not have."""
        ...


def latency_cost(
    table: BlockLatencies, blocks: Iterable[BlockSpec] = (), fixed_ms: float = 0.0, name: str = ""
) -> Cost:
    """Return the cost in milliseconds by ``table``, without a check of its validation; ``edgenas.search.table_cost``
    checks the validation first.

    ``blocks`` are those that the search will use (``space.blocks()``); InputError at once when the table lacks one of
    them. A skip costs 0 ms. ``fixed_ms`` is the time that every network takes in addition to its blocks, ``name`` the
    device where there are several.
    """
    wanted = [block for block in blocks if block.kind != "skip"]
    lacking = list(table.missing(wanted))
    if lacking:
        raise InputError(
            f"the table lacks {len(lacking)} of {counted(len(wanted), 'block')}, such as {lacking[0]}: "
            f"profile them first (edgenas profile)"
        )

    def of(block: BlockSpec) -> float:
        return 0.0 if block.kind == "skip" else table.ms(block)

    return Cost("ms", of, fixed_ms, name=name)


def macs_cost() -> Cost:
    """Return the cost in multiply-accumulates for one image; see ``edgenas.blocks.counts``."""
    return Cost("MACs", _macs)


def params_cost() -> Cost:
    """Return the cost in trainable parameters; see ``edgenas.blocks.counts``."""
    return Cost("params", _params)


def size_cost() -> Cost:
    """Return the cost in MB (10^6 bytes) of weights and biases in single precision; see ``edgenas.blocks.counts``."""
    return Cost("MB", _megabytes, name="weights")


def peak_memory_cost() -> Peak:
    """Return the peak of activations in single precision, in MB (10^6 bytes), over a network's blocks; see
    ``edgenas.blocks.counts``."""
    return Peak("MB", _peak_megabytes, name="peak activations")


@lru_cache(maxsize=2**16)  # a search needs the cost of the same blocks many times
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
