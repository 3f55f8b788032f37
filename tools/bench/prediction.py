"""Measure how well the times of blocks that were not measured are predicted, and how often the 90 % intervals contain
them.

    python -m tools.bench.prediction                                # measures first: ten minutes, once
    python -m tools.bench.prediction --table pixel_trim.yaml --table runs/bench-prediction/litert.jsonl --json

Blocks of a table are split into those measured and those held out, which are predicted from the others:

    50 %, 20 %, 10 %, 5 %   so much of the table measured, drawn at random (--seeds times)
    layers                  whole layers (input size, widths, stride) held out, a tenth of them at a time
    input size              all blocks of one input size held out: unlike what was measured, where nothing is promised

``predicted`` is the share of held-out blocks for which there is a prediction; MAPE, Spearman's rank correlation,
coverage and the median width of intervals, as a share of the prediction, are over those. ``chosen`` is what edgenas
does: on each table the model that is least wrong about layers left out. Held-out times are measurements themselves,
with their own noise: on a busy machine coverage includes it.
"""

from __future__ import annotations

import os

os.environ.setdefault(
    "OPENBLAS_NUM_THREADS", "1"
)  # small matrices: threads would wait for each other on a busy machine

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.latency_tables.prediction.intervals import group_folds
from edgenas.latency_tables.prediction.models import Model
from edgenas.latency_tables.prediction.predict import PredictedTime, predicted
from edgenas.latency_tables.prediction.terms import layer_of
from tools.bench.command import not_installed, options, run, show
from tools.bench.prediction_models import PEERS, compared
from tools.bench.prediction_table import RUNTIMES, Times, measured, times

FOLDER = Path("runs/bench-prediction")
SHARES = (0.5, 0.2, 0.1, 0.05)
COLUMNS = ("blocks", "model", "predicted", "MAPE %", "Spearman", "coverage %", "width %")


def splits(blocks: Sequence[BlockSpec], seeds: int) -> dict[str, list[set[BlockSpec]]]:
    """Return name -> the blocks held out, one or several sets."""
    found: dict[str, list[set[BlockSpec]]] = {}
    for share in SHARES:
        kept = max(1, round(share * len(blocks)))
        orders = [np.random.default_rng(seed).permutation(len(blocks)) for seed in range(seeds)]
        found[f"{share:.0%} measured"] = [{blocks[i] for i in order[kept:]} for order in orders]
    layers = [(block.kind, *layer_of(block)) for block in blocks]
    found["layers"] = [{blocks[i] for i in fold} for fold in group_folds(layers, 10)]
    sizes = sorted({block.in_size for block in blocks})
    found["input size"] = [{block for block in blocks if block.in_size == size} for size in sizes]
    return found


def predictions(
    known: Times, held_out: Sequence[set[BlockSpec]], models: Mapping[str, Model]
) -> Iterator[dict[BlockSpec, PredictedTime]]:
    """Yield the predictions of each set of held-out blocks from all other blocks; none where too few are left."""
    for held in held_out:
        try:
            learned = predicted(known.only(b for b in known.blocks if b not in held), models=models)
        except InputError:
            yield {}
            continue
        yield learned.predictions(sorted(held))


def row(known: Times, held_out: Sequence[set[BlockSpec]], models: Mapping[str, Model]) -> dict[str, Any]:
    """Return the errors of one model's predictions."""
    from scipy.stats import spearmanr

    pairs = [
        (known.ms(block), estimate)
        for found in predictions(known, held_out, models)
        for block, estimate in found.items()
    ]
    if not pairs:
        return {"predicted": 0.0, "mape": None, "spearman": None, "coverage": None, "width": None}
    true, ms = (np.array(v) for v in zip(*((true, estimate.ms) for true, estimate in pairs), strict=True))
    inside = [estimate.low_ms <= true <= estimate.high_ms for true, estimate in pairs]
    return {
        "predicted": len(pairs) / sum(map(len, held_out)),
        "mape": float(np.mean(np.abs(ms / true - 1))),
        "spearman": float(spearmanr(true, ms).statistic),
        "coverage": float(np.mean(inside)),
        "width": float(np.median([(e.high_ms - e.low_ms) / e.ms for _, e in pairs])),
    }


def compare(path: Path, seeds: int, names: Sequence[str]) -> dict[str, Any]:
    """Return the row of every split and model on one table."""
    known = times(path)
    every = compared()
    found: dict[str, dict[str, Any]] = {}
    for split, held in splits(known.blocks, seeds).items():
        print(f"{path.name}: {split}", file=sys.stderr)
        found[split] = {name: row(known, held, every[name]) for name in names}
    return {"table": path.name, "blocks": len(known.blocks), "splits": found}


def shown(record: Mapping[str, Any]) -> Table:
    table = Table(title=f"{record['table']}: {record['blocks']} blocks")
    for column in COLUMNS:
        table.add_column(column, no_wrap=True)
    for split, models in record["splits"].items():
        for name, r in models.items():
            cells = [f"{100 * r['predicted']:.0f} %"]
            for key, form in (("mape", "{:.1%}"), ("spearman", "{:.4f}"), ("coverage", "{:.1%}"), ("width", "{:.0%}")):
                cells.append("-" if r[key] is None else form.format(r[key]).rstrip("%"))
            table.add_row(split, name, *cells)
        table.add_section()
    return table


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument(
        "--table", type=Path, action="append", metavar="FILE", help="measured before, or published YAML"
    )
    parser.add_argument("--model", action="append", choices=list(compared()), help="only this; repeat for several")
    parser.add_argument("--seeds", type=int, default=1, help="random splits of each share")
    given = parser.parse_args(argv)
    with TERMINAL.task("profile", list(RUNTIMES)) as live:
        tables = given.table or [measured(FOLDER, name, live) for name in RUNTIMES]
    records = [compare(path, given.seeds, given.model or list(compared())) for path in tables]
    absent = {} if given.model else not_installed(PEERS)
    numbers = {"tables": records, "absent": absent}
    show(numbers, [shown(record) for record in records], given.json, absent)
    return 0


if __name__ == "__main__":
    run(main)
