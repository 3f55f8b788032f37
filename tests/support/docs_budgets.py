"""Budgets for the stories of the pages: one that fits and one that does not, from what the commands before left."""

from __future__ import annotations

import json
import random
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.store.journal import read_table
from edgenas.search.spaces import space

#: in a page's comment: a budget in ms that fits, computed from the table of the command
FITS = "FITS"
#: how far a single measurement of a network on a busy machine may be from the sum of its blocks, as a factor
FAR = 50


@dataclass(frozen=True, slots=True)
class Budgets:
    """Budgets for one command, in ms: ``fits``, and ``refused``, which nothing can keep."""

    fits: float
    refused: float


def budgets_for(words: Sequence[str], folder: Path) -> Budgets:
    """Return the budgets for ``words``, a command ``search`` or ``verify`` with --table.

    search: half of the networks of the space are slower than the budget that fits; the other is a fifth of the fastest,
    because a search calibrates sums.
    verify: FAR times above and below what the table says of the network.
    """
    table = read_table(folder / _value(words, "--table"))

    def ms(blocks: Sequence[BlockSpec]) -> float:
        return sum(table.ms(block, "min") for block in blocks if block.kind != "skip")

    if words[0] == "verify":
        estimate = ms(_chosen(folder / _value(words, "--network")))
        return Budgets(estimate * FAR, estimate / FAR)
    size = _value(words, "--in-size") if "--in-size" in words else ""
    asked = space(words[1], int(size)) if size else space(words[1])
    rng = random.Random(0)
    costs = [ms(asked.architecture(asked.sample(rng)).blocks) for _ in range(200)]
    fastest = sum(min(ms(edge.blocks) for edge in edges) for edges in asked.edges)
    assert fastest < statistics.median(costs) / 2, f"all networks take about as long: {costs}"
    return Budgets(statistics.median(costs), fastest / 5)


def check_inside(words: Sequence[str], folder: Path, budget_ms: float, printed: str) -> None:
    """Check that the answer of a command is inside its budget: its own numbers, and for a search the table's too."""
    if words[0] == "verify":
        intervals = re.findall(r"([\d.e-]+) \.\. ([\d.e-]+)", printed)
        assert intervals and all(0 < float(low) < float(high) <= budget_ms for low, high in intervals), printed
        assert re.search(r"inside budget: 1 of 1\b", printed), printed
        return
    table, found = read_table(folder / _value(words, "--table")), _out(words, folder)
    (point,) = json.loads(found.read_text())["explanation"]["front"]
    summed = sum(table.ms(block, "min") for block in _chosen(found) if block.kind != "skip")
    assert 0 < point["predicted_cost"] <= point["cost"] <= budget_ms, point
    assert summed / 3 < point["cost"] < 3 * summed, "calibrated, but of that size"
    assert point["budget"] == budget_ms


def left_by(words: Sequence[str], folder: Path) -> bytes | None:
    """The file that a search writes, None where there is none."""
    path = _out(words, folder)
    return path.read_bytes() if words[0] == "search" and path.is_file() else None


def _out(words: Sequence[str], folder: Path) -> Path:
    return folder / (_value(words, "-o") if "-o" in words else "search.json")


def _value(words: Sequence[str], option: str) -> str:
    return words[words.index(option) + 1]


def _chosen(path: Path) -> list[BlockSpec]:
    """The blocks of the network that a search found."""
    (point,) = json.loads(path.read_text())["explanation"]["front"]
    return [BlockSpec.parse(text) for text in point["network"]["blocks"]]
