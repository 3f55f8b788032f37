"""How well models that are fitted to a few judged networks rank the others, and what hybrid finds with such a model.

    python -m tools.bench.estimates --accel accel_nasbench.csv.gz
    python -m tools.bench.estimates --accel FILE --macro nas-bench-macro_cifar10.json --cells nasbench201.csv.gz

Each model is fitted to networks drawn at random, and ranks 1,000 others: the mean Spearman correlation over draws, and
the lowest. "MACs" and "params" are the counts alone, which cost nothing. On Accel-NASBench, networks are drawn from the
half that no model was developed on. Then hybrid, random search and regularized evolution search mnasnet
(``tools/bench/estimate_tasks.py``): regret is the accuracy of the best network within the budget less that of the
network found. The last table holds every bar; one that is not met makes the exit status 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from edgenas.search.accuracy.estimate_models import FITS
from edgenas.search.cost import macs_cost, params_cost
from edgenas.search.graph import Floats
from tools.bench.command import Bar, bars_table, not_installed, options, run, show
from tools.bench.estimate_tasks import Accel, Judged, Surrogate, cells, macro
from tools.bench.search_methods import Method
from tools.bench.search_quality import measured, shown

NETWORKS = (25, 50, 100, 200)
RANKED = 1000
ACCEL_BARS = {25: 0.83, 50: 0.88, 100: 0.93, 200: 0.95}
MACRO_BARS = {50: 0.966}
SEARCHES = [
    Method("random, 100", "random", {"samples": 100}),
    Method("regularized evolution, 100", "regularized_evolution", {"samples": 100}),
    Method("hybrid, 50", "hybrid", most=50),
]


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--accel", type=Path, metavar="FILE", help="networks of Accel-NASBench, CSV")
    parser.add_argument("--macro", type=Path, metavar="FILE", help="NAS-Bench-Macro as published, JSON")
    parser.add_argument("--cells", type=Path, metavar="FILE", help="NAS-Bench-201 joined with latencies, CSV")
    parser.add_argument("--draws", type=int, default=10, help="of fitted networks")
    parser.add_argument("--seeds", type=int, default=10, help="of the searches; 0 for none")
    arguments = parser.parse_args(argv)
    accel = None if arguments.accel is None else Accel(arguments.accel)
    judged = [] if accel is None else [accel.held_out()]
    judged += [macro(arguments.macro, 0)] if arguments.macro else []
    judged += [cells(arguments.cells, data) for data in ("cifar10", "cifar100")] if arguments.cells else []
    if not judged or arguments.draws < 1:
        parser.error("name --accel FILE, --macro FILE, --cells FILE or several of them, and draw at least once")
    ranks = [row for each in judged for row in ranked(each, arguments.draws)]
    tables, searches = [ranks_table(ranks, arguments.draws)], list[dict[str, Any]]()
    absent = not_installed({"searches in mnasnet": ("sklearn", "train")})
    if accel is not None and arguments.seeds and not absent:
        task = Surrogate(accel)
        searches = measured(task, SEARCHES, arguments.seeds)
        tables.append(shown(task.name, searches, arguments.seeds))
    bars = [*rank_bars(ranks), *search_bars(searches)]
    numbers = {"ranks": ranks, "searches": searches, "bars": [bar.as_dict() for bar in bars]}
    show(numbers, [*tables, bars_table(bars)], arguments.json, absent)
    return 0 if all(bar.met for bar in bars) else 1


def ranked(data: Judged, draws: int) -> list[dict[str, Any]]:
    """One row for each model and number of networks, and one for each count."""
    architectures = [data.space.architecture(choice) for choice in data.choices]
    counts = {c.unit: np.array([c.total(each) for each in architectures]) for c in (macs_cost(), params_cost())}
    found: dict[tuple[str, int], list[float]] = {}
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(data.choices))
        others = order[max(NETWORKS) :][:RANKED]
        for name, count in counts.items():
            found.setdefault((name, 0), []).append(spearman(count[others], data.judged[others]))
        for networks in NETWORKS:
            some = order[:networks]
            for name, fit in FITS.items():
                fitted = fit(data.space, [data.choices[i] for i in some], data.seen[some].tolist(), 100.0)
                said = np.array([fitted.predict(data.choices[i]) for i in others])
                found.setdefault((name, networks), []).append(spearman(said, data.judged[others]))
    return [
        {"data": data.name, "model": model, "networks": networks, "mean": float(np.mean(each)), "lowest": min(each)}
        for (model, networks), each in sorted(found.items())
    ]


def spearman(said: Floats, judged: Floats) -> float:
    """Spearman's correlation; 0 where all values are equal."""
    from scipy.stats import spearmanr

    return float(spearmanr(said, judged)[0]) if np.ptp(said) > 0 else 0.0


def ranks_table(rows: list[dict[str, Any]], draws: int) -> Table:
    table = Table("data", "model", "networks", "Spearman", "lowest", title=f"{RANKED:,} other networks, {draws} draws")
    for row in rows:
        networks = str(row["networks"] or "-")
        table.add_row(row["data"], row["model"], networks, f"{row['mean']:.3f}", f"{row['lowest']:.3f}")
    return table


def rank_bars(rows: list[dict[str, Any]]) -> list[Bar]:
    found = {(row["data"], row["model"], row["networks"]): row["mean"] for row in rows}
    bars = []
    for data, asked in (("Accel-NASBench", ACCEL_BARS), ("NAS-Bench-Macro", MACRO_BARS)):
        for networks, least in asked.items():
            if (data, "factors", networks) in found:
                what = f"{data}, {networks} networks: Spearman"
                bars.append(Bar(what, found[data, "factors", networks], least, at_least=True))
    for data in dict.fromkeys(row["data"] for row in rows):
        free = max(found[data, "MACs", 0], found[data, "params", 0])
        for networks in NETWORKS:
            what = f"{data}, {networks} networks: not below the better of MACs and params"
            bars.append(Bar(what, found[data, "factors", networks], free, at_least=True))
    return bars


def search_bars(rows: list[dict[str, Any]]) -> list[Bar]:
    regret = {row["method"]: row["regret"] for row in rows}
    if not regret:
        return []
    random, evolution, hybrid = (regret[method.name] for method in SEARCHES)
    return [
        Bar("mnasnet: regret of hybrid, 50, below half of random, 100", hybrid, random / 2),
        Bar("mnasnet: regret of hybrid, 50, below regularized evolution, 100", hybrid, evolution),
    ]


if __name__ == "__main__":
    run(main)
