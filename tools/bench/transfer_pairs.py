"""Pairs of latency tables for ``tools.bench.transfer``: published ones, and tables measured on this machine."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from edgenas.api.profile import profile
from edgenas.base.listener import Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.importers.fbnet import CONSTANT, LAYERS
from edgenas.latency_tables.importers.positions import SKIP
from edgenas.latency_tables.prediction.choice import counts_of
from edgenas.latency_tables.prediction.ratio_kernel import Features, Floats, shape_columns
from edgenas.latency_tables.store.journal import read_table
from edgenas.search.space import Space
from edgenas.search.spaces import space
from edgenas.tables.published import import_table

OPS = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", SKIP)  #: op0 .. op21 of a network
GROUPED = "_g2"  #: ending of an option whose 1x1 convolutions have two groups
NETWORKS = 1000  #: drawn where no networks are published
SPACE, SIZE = "mobilenet_v3_small", 96  #: of the tables measured here
#: name of a measured table -> runtime and threads
MEASURED = {
    "LiteRT, 1 thread": ("litert", 1),
    "LiteRT, 2 threads": ("litert", 2),
    "ONNX Runtime, 1 thread": ("onnxruntime", 1),
    "ONNX Runtime, 2 threads": ("onnxruntime", 2),
}
MEASURED_PAIRS = (
    ("LiteRT, 1 thread", "ONNX Runtime, 1 thread"),
    ("LiteRT, 1 thread", "LiteRT, 2 threads"),
    ("ONNX Runtime, 1 thread", "ONNX Runtime, 2 threads"),
)


class Times(Protocol):
    """Blocks and their ms."""

    @property
    def blocks(self) -> Sequence[BlockSpec]: ...
    def ms(self, block: BlockSpec, statistic: str) -> float: ...


@dataclass(frozen=True, eq=False)
class Pair:
    """Two tables of the same blocks. ``columns`` are their shapes (``shape_columns``), ``features`` these with their
    ``old_ms``; ``counts`` (networks, blocks) says how often each network has each block."""

    name: str
    columns: Floats
    features: Features
    old_ms: Floats
    new_ms: Floats
    counts: Floats


def fbnet_pair(table: Path, networks: Path, old: str, new: str) -> Pair:
    """Return the pair of two devices of the recovered FBNet table, with its published networks. Options with two groups
    are blocks of their own, with fewer MACs; the time of a network of skips is one more block, of a kind of its own."""
    ms = _columns(table)
    own = space("fbnet")
    blocks = [{o.key: e.block for o, e in zip(own.layers[n + 1].options, own.edges[n + 1], strict=True)}
              for n in range(LAYERS)]  # fmt: skip
    cells: dict[tuple[str, bool], tuple[BlockSpec, int, str]] = {}
    for layer in range(LAYERS):
        for op in OPS[:-1]:
            block = blocks[layer][op.removesuffix(GROUPED)]
            cells.setdefault((str(block), op.endswith(GROUPED)), (block, layer, op))
    number = {key: index for index, key in enumerate(cells)}
    rows = [_grouped(block, op.endswith(GROUPED)) for block, _, op in cells.values()]
    columns = np.array([*rows, np.mean(rows, axis=0)])
    old_ms, new_ms = (
        np.array([ms[device, layer, op] for _, layer, op in cells.values()] + [ms[device, -1, CONSTANT]])
        for device in (old, new)
    )
    chosen = _published(networks)
    counts = np.zeros((len(chosen), len(columns)))
    counts[:, -1] = 1
    for row, options in zip(counts, chosen, strict=True):
        for layer, option in enumerate(options):
            if OPS[option] != SKIP:
                block = blocks[layer][OPS[option].removesuffix(GROUPED)]
                row[number[str(block), OPS[option].endswith(GROUPED)]] += 1
    kinds = np.array([0] * len(rows) + [1])
    return Pair(f"{old} -> {new}", columns, Features.standardised(columns, old_ms, kinds), old_ms, new_ms, counts)


def pixel1_pairs(folder: Path) -> list[Pair]:
    """Return ProxylessNAS's table and TuNAS's of the same blocks on a Pixel 1, both ways. TuNAS gives differences,
    which are times only where a layer may be skipped: blocks with a residual."""
    own = space("proxylessnas")
    tables = {
        "ProxylessNAS": import_table(folder / "proxylessnas_pixel_trim.yaml", "proxylessnas").table,
        "TuNAS": import_table(folder / "tunas_proxylessnas_pixel1_linear.json", "tunas").table,
    }
    (one, first), (other, second) = tables.items()
    shared = [b for b in own.blocks() if b.residual and _time(first, b) > 0 and _time(second, b) > 0]
    return [
        pair(f"Pixel 1: {one} -> {other}", first, second, own, shared),
        pair(f"Pixel 1: {other} -> {one}", second, first, own, shared),
    ]


def measured_pairs(folder: Path, listener: Listener) -> list[Pair]:
    """Return the pairs measured on this machine; tables that ``folder`` holds already are not measured again."""
    folder.mkdir(parents=True, exist_ok=True)
    own, tables = space(SPACE, SIZE), {}
    for name, (runtime, threads) in MEASURED.items():
        path = folder / f"{runtime}-{threads}.jsonl"
        profile(own, runtime=runtime, threads=threads, rounds=5, processes=2, most_processes=2, out=path, force=True,
                listener=listener).check()  # fmt: skip
        tables[name] = read_table(path)
    return [pair(f"{old} -> {new}", tables[old], tables[new], own, own.blocks()) for old, new in MEASURED_PAIRS]


def pair(name: str, old: Times, new: Times, own: Space, blocks: Sequence[BlockSpec]) -> Pair:
    """Return the pair of two tables over ``blocks``, with random networks of a space; other blocks of the networks are
    left out."""
    old_ms, new_ms = (np.array([_time(table, block) for block in blocks]) for table in (old, new))
    rng = random.Random(0)
    counts = counts_of([own.architecture(own.sample(rng)).blocks for _ in range(NETWORKS)], blocks)
    columns = np.array([shape_columns(block) for block in blocks])
    return Pair(name, columns, Features.of(blocks, old_ms), old_ms, new_ms, counts[counts.any(axis=1)])


def _time(table: Times, block: BlockSpec) -> float:
    """Return the time of a block, ms; 0 where the table lacks it."""
    statistic = "mean" if isinstance(table, ImportedTable) else "median"
    return table.ms(block, statistic) if block in table.blocks else 0.0


def _grouped(block: BlockSpec, grouped: bool) -> list[float]:
    columns = shape_columns(block)
    if grouped:
        pointwise = block.in_size**2 * block.c_in * block.c_mid + block.out_size**2 * block.c_mid * block.c_out
        columns[0] = float(np.log(block.macs - pointwise / 2))
    return [*columns, float(grouped)]


def _columns(table: Path) -> dict[tuple[str, int, str], float]:
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {(row["device"], int(row["layer"]), row["op"]): float(row["ms_minus_skip"]) for row in rows}


def _published(networks: Path) -> list[list[int]]:
    with gzip.open(networks, "rt", newline="") as file:
        return [[int(row[f"op{layer}"]) for layer in range(LAYERS)] for row in csv.DictReader(file)]
