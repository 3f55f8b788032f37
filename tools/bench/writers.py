"""Measure how many variants of a block the writers export per second on one core, compared with independent exporters.

    python -m tools.bench.writers [--json [FILE]] [--repeats 5] [--limit 0]

The variants are the distinct blocks of the published MobileNets at 224 and of their inverted residuals with kernels 3,
5 and 7 and expansions 2 to 6. Weights are made before the clock starts. Rates are variants a second of CPU time:
median over repeats, and the slowest and fastest. litert-torch takes seconds a block, so it gets four of them and at
most three repeats.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy and torch read it

from rich.table import Table

from edgenas.blocks.reference import REFERENCE, make_divisible, reference
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.profiler.export import WRITERS, Writer
from tools.bench.command import not_installed, options, run, show

Item = TypeVar("Item")

#: exporters that need a package -> (module, extra)
PEERS = {"torch.onnx.export": ("torch", "oracle"), "litert-torch": ("litert_torch", "oracle")}


def variants() -> tuple[BlockSpec, ...]:
    """Return about 450 distinct blocks, in a fixed order."""
    blocks: dict[BlockSpec, None] = {}
    for name in REFERENCE:
        for block in reference(name).blocks:
            blocks[block] = None
            if block.kind == "ir":
                for kernel in (3, 5, 7):
                    for expand in (2, 3, 4, 5, 6):
                        blocks[replace(block, kernel=kernel, c_mid=make_divisible(block.c_in * expand))] = None
    return tuple(blocks)


def rates(work: Callable[[Item], Any], items: Sequence[Item], repeats: int) -> list[float]:
    """Return the items per second of CPU time of each repeat; the first item runs once before, as a warm-up."""
    work(items[0])
    measured = []
    for _ in range(repeats):
        start_ns = time.process_time_ns()
        for item in items:
            work(item)
        measured.append(len(items) / ((time.process_time_ns() - start_ns) / 1e9))
    return measured


def row(exporter: str, fmt: str, items: int, measured: Sequence[float]) -> dict[str, Any]:
    return {
        "exporter": exporter,
        "format": fmt,
        "variants": items,
        "repeats": len(measured),
        "per_s_median": statistics.median(measured),
        "per_s_min": min(measured),
        "per_s_max": max(measured),
    }


def writer_rows(blocks: Sequence[BlockSpec], repeats: int) -> list[dict[str, Any]]:
    """Return the rows of both direct writers, over the same blocks and weights."""
    work = [(block, random_weights(block, seed)) for seed, block in enumerate(blocks)]
    rows = []
    for fmt, write in WRITERS.items():

        def one(item: tuple[BlockSpec, dict[str, Any]], write: Writer = write) -> bytes:
            return write((item[0],), (item[1],))

        rows.append(row("edgenas", fmt, len(work), rates(one, work, repeats)))
    return rows


def oracle_rows(blocks: Sequence[BlockSpec], repeats: int) -> list[dict[str, Any]]:
    """Return the rows of the exporters that are installed; the modules are built before the time is measured."""
    absent = not_installed(PEERS)
    if "torch.onnx.export" in absent:
        return []
    import torch

    from edgenas.blocks.torch_modules import BlockModule
    from tools.bench.oracles import by_litert_torch, by_torch_onnx

    torch.set_num_threads(1)
    some = [BlockModule(block).eval() for block in blocks[:: max(1, len(blocks) // 20)]]
    rows = [row("torch.onnx.export", "onnx", len(some), rates(by_torch_onnx, some, repeats))]
    if "litert-torch" in absent:
        return rows
    few = some[:: max(1, len(some) // 4)][:4]
    return [*rows, row("litert-torch", "tflite", len(few), rates(by_litert_torch, few, min(repeats, 3)))]


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="how often each rate is measured")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="only the first N variants (0: all)")
    given = parser.parse_args(argv)
    blocks = variants()[: given.limit or None]
    rows, absent = writer_rows(blocks, given.repeats) + oracle_rows(blocks, given.repeats), not_installed(PEERS)
    table = Table(title=f"Variants a second of CPU time on one core, {given.repeats} repeats")
    for column in ("exporter", "format", "variants", "median", "slowest to fastest"):
        table.add_column(column, no_wrap=True, justify="left" if column in ("exporter", "format") else "right")
    for r in rows:
        spread = f"{r['per_s_min']:,.1f} to {r['per_s_max']:,.1f}"
        table.add_row(r["exporter"], r["format"], str(r["variants"]), f"{r['per_s_median']:,.1f}", spread)
    show({"rows": rows, "absent": absent}, [table], given.json, absent)
    return 0


if __name__ == "__main__":
    run(main)
