"""Compare the effect of the network on the accuracy of a short training on the digits with the effect of the seed.

    python -m tools.bench.digits_spread
    python -m tools.bench.digits_spread --members 16 --seeds 3 --long 12 --json spread.json

Random members are trained with the search's recipe from several seeds. ``sd between members`` is the standard deviation
of the members' means over seeds, ``sd between seeds`` the pooled one of a member's trainings: their ratio says how much
of a difference between two candidates is the network's. Kendall's tau compares one short training a member with one
of ``--long-epochs`` epochs from another seed, at full size, for the first ``--long`` members, with a 90 % interval from
resampled members. Defaults take about four minutes on two cores.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.table import Table
from scipy.stats import kendalltau

from edgenas.search.accuracy.training import ImageData, TrainingAccuracy, TrainRecipe
from edgenas.search.problem import Candidate
from edgenas.search.spaces.digits import digits as digits_space
from edgenas.training.digits import FULL_RECIPE, SEARCH_RECIPE, digits
from tools.bench.command import options, run, show

OTHER_SEED = 1000


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--long", type=int, default=10, help="members that are trained long too; 0 for none")
    parser.add_argument("--long-epochs", type=int, default=FULL_RECIPE.epochs)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args(argv)
    if arguments.members < 2 or arguments.seeds < 2 or arguments.long > arguments.members:
        parser.error("needs 2 members, 2 seeds, and no more long trainings than members")
    numbers = spread(arguments.members, arguments.seeds, arguments.long, arguments.long_epochs, arguments.workers)
    table = Table("figure", "value", title=f"digits: {arguments.members} random members x {arguments.seeds} seeds")
    for name, value in numbers.items():
        if not isinstance(value, list):
            table.add_row(name.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
    show(numbers, [table], arguments.json)
    return 0


def spread(members: int, seeds: int, long: int, long_epochs: int, workers: int) -> dict[str, Any]:
    """Return every number by name; accuracies in percent, wall time of a training in seconds, in one of ``workers``
    processes.
    """
    space, data = digits_space(), digits()
    rng = random.Random(0)
    choices = list(dict.fromkeys(space.sample(rng) for _ in range(members * 3)))[:members]
    candidates = [Candidate(choice, space.architecture(choice)) for choice in choices]
    begun = time.perf_counter()
    short = np.array([trained(candidates, data, SEARCH_RECIPE, seed, workers) for seed in range(seeds)])
    seconds = (time.perf_counter() - begun) * max(workers, 1) / short.size
    between_members = statistics.stdev(short.mean(axis=0))
    between_seeds = float(np.sqrt(short.var(axis=0, ddof=1).mean()))
    numbers: dict[str, Any] = {
        "networks": [space.key(choice) for choice in choices],
        "macs": [candidate.architecture.macs for candidate in candidates],
        "accuracies": short.round(2).tolist(),
        "accuracy_mean": float(short.mean()),
        "accuracy_lowest": float(short.min()),
        "accuracy_highest": float(short.max()),
        "sd_between_members": between_members,
        "sd_between_seeds": between_seeds,
        "ratio": between_members / between_seeds,
        "tau_between_seeds": tau_of_pairs(short),
        "seconds_a_training": seconds,
    }
    if long:
        recipe = replace(FULL_RECIPE, epochs=long_epochs)
        begun = time.perf_counter()
        judged = np.array(trained(candidates[:long], data, recipe, OTHER_SEED, workers))
        numbers["long_accuracies"] = judged.round(2).tolist()
        numbers["long_accuracy_lowest"], numbers["long_accuracy_highest"] = float(judged.min()), float(judged.max())
        numbers["long_seconds_a_training"] = (time.perf_counter() - begun) * max(workers, 1) / long
        taus = [kendalltau(row[:long], judged).statistic for row in short]
        numbers["tau_short_long"] = float(np.mean(taus))
        low, high = interval(short[:, :long], judged)
        numbers["tau_short_long_low"], numbers["tau_short_long_high"] = low, high
        macs = [candidate.architecture.macs for candidate in candidates[:long]]
        numbers["tau_macs_long"] = float(kendalltau(macs, judged).statistic)
    return numbers


def trained(
    candidates: Sequence[Candidate], data: ImageData, recipe: TrainRecipe, seed: int, workers: int
) -> list[float]:
    """Return the accuracies in the order of ``candidates``."""
    with TrainingAccuracy(data, recipe, seed, workers) as accuracy:
        return [percent for _, percent in sorted(accuracy.evaluate(candidates))]


def tau_of_pairs(rows: np.ndarray[Any, Any]) -> float:
    """Return the mean Kendall's tau over all pairs of rows."""
    pairs = [(a, b) for i, a in enumerate(rows) for b in rows[:i]]
    return float(np.mean([kendalltau(a, b).statistic for a, b in pairs]))


def interval(short: np.ndarray[Any, Any], judged: np.ndarray[Any, Any], repeats: int = 500) -> tuple[float, float]:
    """Return the 5th and 95th percentile of the mean tau when members are drawn again with replacement."""
    rng, taus = np.random.default_rng(0), []
    for _ in range(repeats):
        rows = rng.integers(len(judged), size=len(judged))
        if len(set(rows)) > 2:
            taus.append(np.mean([kendalltau(row[rows], judged[rows]).statistic for row in short]))
    low, high = np.nanpercentile(taus, [5, 95])
    return float(low), float(high)


if __name__ == "__main__":
    run(main)
