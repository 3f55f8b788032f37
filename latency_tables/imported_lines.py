"""Lines of the file of an imported table: its blocks, and the networks that it was fitted to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from edgenas.base.sealing import unsealed
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.published import PublishedValue
from edgenas.latency_tables.store.fields import Fields
from edgenas.latency_tables.whole import WholeNetwork

_MOST_RUNS = 10**9
_MOST_BLOCKS = 1000  # of a network


def imported_records(
    values: Mapping[BlockSpec, PublishedValue], networks: Sequence[WholeNetwork]
) -> Iterator[dict[str, Any]]:
    """Yield the records behind the header, without their seals."""
    for block, v in values.items():
        low, high = (None, None) if v.interval_ms is None else v.interval_ms
        ends = {"low_ms": low, "high_ms": high}
        yield {"block": str(block), "mean_ms": v.mean_ms, "sd_ms": v.sd_ms, "count": v.count, **ends}
    for network in networks:
        texts = [str(block) for block in network.blocks]
        times = {"ms": network.ms, "sd_ms": network.sd_ms, "count": network.count, "left_out_ms": network.left_out_ms}
        yield {"network": texts, **times}


def block_record(record: dict[str, Any], version: int) -> tuple[BlockSpec, PublishedValue]:
    """Return the block of a line, and its value; ValueError names the fault."""
    take = Fields(unsealed(record))
    block, mean_ms = BlockSpec.parse(take.text("block")), take.number("mean_ms")
    sd_ms, count = _spread(take)
    interval = None
    if version >= 3:
        low, high = _optional(take, "low_ms"), _optional(take, "high_ms")
        interval = None if low is None or high is None else (low, high)
        if (low is None) != (high is None) or (interval is not None and not 0 <= interval[0] <= interval[1]):
            raise ValueError(f"low_ms is {low} and high_ms {high}, which are no interval of 0 or more")
    take.done()
    if mean_ms < 0:
        raise ValueError(f"mean_ms is {mean_ms:g}, which may not be below 0")
    return block, PublishedValue(mean_ms, sd_ms, count, interval)


def network_record(record: dict[str, Any]) -> WholeNetwork:
    """Return the network of a line; ValueError names the fault."""
    take = Fields(unsealed(record))
    texts = take.list("network", _MOST_BLOCKS)
    if not texts or not all(isinstance(text, str) for text in texts):
        raise ValueError("network is not a list of blocks")
    sd_ms, count = _spread(take)
    found = WholeNetwork(
        tuple(map(BlockSpec.parse, texts)), take.number("ms"), sd_ms, count, take.number("left_out_ms")
    )
    take.done()
    if found.ms <= 0 or found.left_out_ms <= 0:
        raise ValueError(f"ms is {found.ms:g} and left_out_ms {found.left_out_ms:g}, which must be above 0")
    return found


def _spread(take: Fields) -> tuple[float | None, int | None]:
    """Return ``sd_ms`` and ``count`` of a line."""
    sd_ms, count = _optional(take, "sd_ms"), take.any("count")
    if sd_ms is not None and sd_ms < 0:
        raise ValueError(f"sd_ms is {sd_ms:g}, which may not be below 0")
    return sd_ms, None if count is None else Fields({"count": count}).whole("count", 1, _MOST_RUNS)


def _optional(take: Fields, name: str) -> float | None:
    value = take.any(name)
    return None if value is None else Fields({name: value}).number(name)
