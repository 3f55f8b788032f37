"""How well times of whole networks give a latency table of blocks.

    python -m tools.bench.whole_networks --data shared/data

N of the 5,000 published FBNet networks are chosen as ``edgenas profile --whole`` chooses them, from 600; the table is
fitted to their times, and predicts the other 4,400. ``silver_4210r`` (a Xeon) and ``samsung_a50`` (in whole ms) were
measured as whole networks; ``raspi4`` and ``pixel3`` are sums of a table, to which 1 % of noise is added. The prior is
what blocks compute, or the table of the Pixel 3 or the Raspberry Pi 4. ``error`` is the mean absolute relative error of
the other networks, ``left out`` the error that cross-validation on the N networks gives, ``inside`` the share of the
others inside the interval that is meant for 95 %, ``blocks inside`` the share of blocks inside their 90 % intervals
where their times are known, ``one number`` the error of the prior times one number.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: threads would wait for each other

import csv
import gzip
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.latency_tables.prediction.ratio_kernel import Floats
from edgenas.latency_tables.prediction.ratios import Observations
from edgenas.latency_tables.prediction.whole import (
    LEAST_NOISE,
    MORE_NOISE,
    cross_validated,
    fitted,
    fitted_ms,
    networks_to_measure,
)
from tools.bench.command import options, run, show
from tools.bench.transfer_pairs import Pair, fbnet_pair

DEVICES = ("silver_4210r", "samsung_a50", "raspi4", "pixel3")
SUMS = ("raspi4", "pixel3")
COUNTS = (20, 50, 100)
POOL = 600
COLUMNS = ("device", "prior", "networks", "error %", "left out %", "inside %", "blocks inside %", "rho", "one number %")


def row(pair: Pair, device: str, prior: str, times: Floats, count: int) -> dict[str, Any]:
    """How good the table is that is fitted to ``count`` networks."""
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    order = rng.permutation(len(times))
    pool, others = order[:POOL], order[POOL:]
    index = pool[networks_to_measure(pair.features, pair.old_ms, pair.counts[pool], count)]
    noise = np.exp(0.01 * rng.normal(size=count)) if device in SUMS else np.ones(count)
    observed = Observations(pair.counts[index], times[index] * noise, np.full(count, LEAST_NOISE), MORE_NOISE)
    left_out = cross_validated(lambda some: fitted_ms(pair.features, pair.old_ms, some), observed)
    errors = np.sort(np.abs(observed.ms / left_out - 1))
    half = errors[min(math.ceil((count + 1) * 0.95) - 1, count - 1)]
    found = fitted(pair.features, pair.old_ms, observed)
    sums = pair.counts[others] @ found.ms
    covered = (found.low_ms <= pair.new_ms) & (pair.new_ms <= found.high_ms)
    true_ms, plain = times[others], pair.counts @ pair.old_ms
    one = plain[others] * np.exp(np.mean(np.log(observed.ms / plain[index])))
    return {
        "device": device,
        "prior": prior,
        "networks": count,
        "error": float(np.mean(np.abs(sums / true_ms - 1))),
        "left_out": float(np.mean(np.abs(left_out / observed.ms - 1))),
        "inside": float(np.mean(np.abs(true_ms / sums - 1) <= half)),
        "blocks_inside": float(np.mean(covered)) if device in SUMS else None,
        "rho": float(spearmanr(sums, true_ms).statistic),
        "one_number": float(np.mean(np.abs(one / true_ms - 1))),
    }


def main(args: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="folder with the published fbnet/")
    given = parser.parse_args(args)
    files = (given.data / "fbnet" / "fbnet_lut_recovered.csv", given.data / "fbnet" / "fbnet_5000_latency.csv.gz")
    with gzip.open(files[1], "rt", newline="") as file:
        published = list(csv.DictReader(file))
    rows = []
    for device in DEVICES:
        times = np.array([float(each[f"lat_{device}"]) for each in published])
        other = "raspi4" if device == "pixel3" else "pixel3"
        table = fbnet_pair(*files, other, device if device in SUMS else "raspi4")
        priors = {f"table of {other}": table, "work": by_work(table)}
        rows += [row(pair, device, prior, times, count) for prior, pair in priors.items() for count in COUNTS]
    shown = Table(*COLUMNS, title="a table fitted to whole networks")
    for each in rows:
        shown.add_row(*_texts(each))
    show({"rows": rows}, [shown], given.json)
    return 0


def by_work(pair: Pair) -> Pair:
    """The pair with the MACs of blocks as its prior: FBNet's options with groups have no block in edgenas, so that
    bytes and calls are not known. The block of a network of skips has the mean of the others."""
    log_macs = pair.columns[:, 0]
    work = np.exp(log_macs) / 1e7
    features = type(pair.features).standardised(pair.columns, work, pair.features.kinds)
    return replace(pair, features=features, old_ms=work)


def _texts(each: Mapping[str, Any]) -> list[str]:
    shares = ("error", "left_out", "inside", "blocks_inside", "rho", "one_number")
    values = [each[name] if name == "rho" or each[name] is None else 100 * each[name] for name in shares]
    shown = ("-" if value is None else f"{value:.3g}" for value in values)
    return [each["device"], each["prior"], str(each["networks"]), *shown]


if __name__ == "__main__":
    run(main)
