"""Measured tables with which predictions are compared: measured once on this machine, stored, and read again."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edgenas.base.listener import Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.importers.proxylessnas import read
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.fill import TableJob, fill
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.workers import runtime_named
from edgenas.search.spaces import space

RUNTIMES = ("litert", "onnxruntime")
DRAWN = 300  #: blocks of tunas_v3, besides its stems, first blocks and heads


@dataclass(frozen=True)
class Times:
    """Milliseconds by block, as input of predictions."""

    of: dict[BlockSpec, float]

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        return tuple(self.of)

    def ms(self, block: BlockSpec, statistic: str = DEFAULT) -> float:
        return self.of[block]

    def interval(self, block: BlockSpec, statistic: str = DEFAULT, confidence: float = 0.95) -> tuple[float, float]:
        return self.of[block], self.of[block]

    def only(self, blocks: Iterable[BlockSpec]) -> Times:
        return Times({block: self.of[block] for block in blocks})


def chosen() -> tuple[BlockSpec, ...]:
    """Return all blocks of two spaces, and of tunas_v3 the blocks that are no inverted residuals and DRAWN of all."""
    many = space("tunas_v3").blocks()
    drawn = random.Random(0).sample(many, DRAWN)
    few = [block for block in many if block.kind != "ir"]
    return tuple(dict.fromkeys([*space("mobilenet_v3_small").blocks(), *space("proxylessnas").blocks(), *drawn, *few]))


def measured(folder: Path, runtime: str, listener: Listener) -> Path:
    """Return the table of ``runtime`` in ``folder``; measure the blocks that it lacks first, three processes each."""
    path = folder / f"{runtime}.jsonl"
    if path.exists() and not read_table(path).missing(chosen()):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    local = TableJob([Entry("local", "local", sys.executable)], runtime_named(runtime), path, Plan())
    ended = fill(
        {runtime: local},
        chosen(),
        StoppingRule.exactly(3),
        True,
        listener,
    )[runtime]
    if isinstance(ended, Exception):
        raise ended
    return path


def times(path: Path) -> Times:
    """Return the times of a table of edgenas, or of ProxylessNAS's published YAML."""
    if path.suffix in (".yaml", ".yml"):
        return Times({entry.block: entry.value.mean_ms for entry in read(path.read_text()).entries})
    table = read_table(path)
    return Times({block: table.ms(block) for block in table.blocks})
