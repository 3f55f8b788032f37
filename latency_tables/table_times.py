"""The times that a table itself gives the blocks of networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.estimated import EstimatedTable
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.table import BlockEstimate, LatencyTable


def table_times(
    table: LatencyTable, networks: Sequence[Piece], statistic: str, way: BlockEstimate
) -> list[list[tuple[BlockSpec, float]]] | None:
    """Return the blocks of each network with their times, ms: measured in this ``way``, or predicted where the table
    has a prior. None where it lacks one."""
    own = EstimatedTable(table, way)
    every = [block for network in networks for block in network]
    ms: Callable[[BlockSpec], float] = lambda block: own.ms(block, statistic)  # noqa: E731
    if own.missing(every):
        if table.prior is None or not own.blocks:
            return None
        from edgenas.latency_tables.prediction.transfer import transferred

        predicting = transferred(own, table.prior, statistic)
        if predicting.missing(every):
            return None
        ms = predicting.ms
    return [[(block, ms(block)) for block in network] for network in networks]
