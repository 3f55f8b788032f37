"""Measure how well a few measured blocks transfer a latency table to another device, runtime or number of threads.

    python -m tools.bench.transfer                      # pairs measured on this machine: three minutes, once
    python -m tools.bench.transfer --data shared/data   # published pairs as well

For each pair and k = 5, 10, 20, 40, edgenas chooses k blocks, takes their times of the new table, and predicts all
others from the old one (``edgenas profile --from``). The networks are those of the 5,000 published FBNet networks, or
1,000 random ones of the space. ``error`` is the mean absolute relative error of networks, ``rho`` Spearman's rank
correlation, ``inside`` the share of networks inside their 90 % intervals, ``width`` the mean half-width of these.
``one number`` is the old table times one number, the geometric mean of the ratios of the same k blocks, or of k random
blocks (mean over --seeds draws).

The variances of the model (``latency_tables/prediction/ratio_kernel.py``) were chosen with the pairs Pixel 3 ->
Raspberry Pi 4, FPGA and Eyeriss -> Raspberry Pi 4, Pixel 3 -> Eyeriss, ProxylessNAS and TuNAS, and the measured ones.
The bars judge Raspberry Pi 4 -> Pixel 3, which was looked at after that. Two things changed then: at
least one block of each kind is measured (2.8 % became 4.9 at 10 blocks), and the variance of a sum is of second order.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads would wait for each other

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.cli.terminal_listener import TERMINAL
from edgenas.latency_tables.prediction.choice import NetworkVariance, chosen
from edgenas.latency_tables.prediction.ratio_kernel import Floats, Ints
from edgenas.latency_tables.prediction.ratios import Observations, posterior
from edgenas.latency_tables.prediction.transfer import LEAST_SD
from tools.bench.command import Bar, bars_table, options, run, show
from tools.bench.transfer_pairs import Pair, fbnet_pair, measured_pairs, pixel1_pairs

FOLDER = Path("runs/bench-transfer")
COUNTS = (5, 10, 20, 40)
JUDGED = "raspi4 -> pixel3"
SAMPLE = 200  #: networks that blocks are chosen for, as ``edgenas profile --from`` does
#: number of blocks -> largest mean error of networks of JUDGED
BARS = {10: 0.08, 20: 0.05}
LEAST_INSIDE = 0.85
COLUMNS = ("pair", "blocks", "measured", "error %", "rho", "inside %", "width %", "one number %", "of random blocks %")


def measured_blocks(pair: Pair, count: int) -> Ints:
    """Return the blocks that edgenas chooses to measure."""
    order = np.random.default_rng(0).permutation(len(pair.counts))[:SAMPLE]
    design = NetworkVariance(pair.features, pair.counts[order], pair.old_ms)
    return np.array(chosen(design, pair.features.kinds, count), dtype=np.int64)


def row(pair: Pair, count: int, seeds: int) -> dict[str, Any]:
    """Return the errors of the prediction from ``count`` blocks."""
    from scipy.stats import spearmanr

    index, true_ms = measured_blocks(pair, count), pair.counts @ pair.new_ms
    observed = Observations.of_blocks(index, len(pair.old_ms), pair.new_ms[index], np.full(count, LEAST_SD))
    found = posterior(pair.features, pair.old_ms, observed)
    log_ms, sd = found.networks(pair.counts)
    half = found.quantile(0.9) * sd
    draws = [np.random.default_rng(seed).permutation(len(pair.old_ms))[:count] for seed in range(seeds)]
    return {
        "pair": pair.name,
        "blocks": len(pair.old_ms),
        "measured": count,
        "error": float(np.mean(np.abs(np.exp(log_ms) / true_ms - 1))),
        "rho": float(spearmanr(log_ms, true_ms).statistic),
        "inside": float(np.mean(np.abs(np.log(true_ms) - log_ms) <= half)),
        "width": float(np.mean(half)),
        "one_number": _one_number(pair, index, true_ms),
        "one_number_random": float(np.mean([_one_number(pair, drawn, true_ms) for drawn in draws])),
    }


def bars_of(rows: list[dict[str, Any]]) -> list[Bar]:
    """Return the requirements of JUDGED, where it is among the rows."""
    found = {each["measured"]: each for each in rows if each["pair"] == JUDGED}
    bars = []
    for count, most in BARS.items():
        if count in found:
            bars.append(Bar(f"{JUDGED}, {count} blocks: error of networks", found[count]["error"], most))
            inside = found[count]["inside"]
            bars.append(Bar(f"{JUDGED}, {count} blocks: inside 90 % intervals", inside, LEAST_INSIDE, at_least=True))
    return bars


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="folder with the published fbnet/ and pixel1/")
    parser.add_argument("--no-measuring", action="store_true", help="only the published pairs")
    parser.add_argument("--seeds", type=int, default=20, help="draws of random blocks")
    given = parser.parse_args(args)
    absent: dict[str, str] = {}
    pairs: list[Pair] = []
    if given.data is None:
        absent["published pairs"] = "name the folder of the data: --data FOLDER"
    else:
        files = (given.data / "fbnet" / "fbnet_lut_recovered.csv", given.data / "fbnet" / "fbnet_5000_latency.csv.gz")
        pairs += [fbnet_pair(*files, "raspi4", "pixel3"), fbnet_pair(*files, "pixel3", "raspi4")]
        pairs += pixel1_pairs(given.data / "pixel1")
    if not given.no_measuring:
        pairs += measured_pairs(FOLDER, TERMINAL)
    rows = [row(pair, k, given.seeds) for pair in pairs for k in COUNTS if 2 * k <= len(pair.old_ms)]
    bars = bars_of(rows)
    table = Table(*COLUMNS, title="a table carried over by a few measured blocks")
    for each in rows:
        table.add_row(*_texts(each))
    numbers = {"rows": rows, "bars": [bar.as_dict() for bar in bars], "absent": absent}
    show(numbers, [table, bars_table(bars)] if bars else [table], given.json, absent)
    return 0 if all(bar.met for bar in bars) else 1


def _one_number(pair: Pair, index: Ints, true_ms: Floats) -> float:
    """Return the mean error of networks by the old table times the geometric mean of the ratios of some blocks."""
    factor = np.exp(np.mean(np.log(pair.new_ms[index] / pair.old_ms[index])))
    return float(np.mean(np.abs(pair.counts @ pair.old_ms * factor / true_ms - 1)))


def _texts(each: Mapping[str, Any]) -> list[str]:
    shares = ("error", "rho", "inside", "width", "one_number", "one_number_random")
    values = [each[name] if name == "rho" else 100 * each[name] for name in shares]
    return [each["pair"], str(each["blocks"]), str(each["measured"]), *(f"{value:.3g}" for value in values)]


if __name__ == "__main__":
    run(main)
