"""Methods that ``search_quality`` compares: an algorithm, its options, and the rule that reads its answer.

``predicted`` is the network that MathNAS predicts to be best, which it never trains. ``hybrid`` answers with the
network that it recommends (``Result.recommended``); "most rewarded" is the one with the highest reward instead.

A method named "oracle" ranks five finalists by the judge itself, which no user has: it shows what better ranking could
gain, and no bar is held against it. On NAS-Bench-Macro, "top 5 twice more" trains the finalists with the two other
seeds, ten further trials, and takes the best mean of three; the judge is this mean. On NAS-Bench-201, "top 5 in full"
trains them for 200 epochs, five further trials; the published table has no validation of full trainings, so they are
ranked by the test. The finalists are hybrid's own; for other algorithms, the five most rewarded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from edgenas.search.problem import Result
from edgenas.search.space import Choice
from tools.bench.search_tasks import Asked


def found(asked: Asked, result: Result) -> Choice:
    return result.answer.choice


def most_rewarded(asked: Asked, result: Result) -> Choice:
    return result.best.choice


def oracle_of_five(asked: Asked, result: Result) -> Choice:
    if "front" in result.notes:
        point = next(p for p in result.notes["front"] if p["budget"] == asked.problem.budget)
        return max((asked.problem.space.parse(f["network"]) for f in point["finalists"]), key=asked.judge)
    fits = [trial for trial in result.trials if trial.cost <= asked.problem.budget]
    finalists = sorted(fits, key=lambda trial: -trial.accuracy)[:5]
    return max((trial.choice for trial in finalists), key=asked.judge)


def predicted(asked: Asked, result: Result) -> Choice:
    return asked.problem.space.parse(result.notes["predicted_best"]["network"])


@dataclass(frozen=True)
class Method:
    """Algorithm with its options. ``answer`` chooses the network from a result, ``more`` is the number of trainings
    that this needs, ``trials`` returns the trainings that the search is charged with.
    """

    name: str
    algorithm: str
    options: dict[str, Any] = field(default_factory=dict)
    most: int | None = None
    answer: Callable[[Asked, Result], Choice] = found
    more: int = 0
    trials: Callable[[Result], int] = lambda result: len(result.trials)


def at_most(*limits: int) -> list[Method]:
    """Return the baselines; random search and regularized evolution at several ``limits`` of trials."""
    return [
        *(Method(f"random, {n}", "random", {"samples": n}) for n in limits),
        *(Method(f"regularized evolution, {n}", "regularized_evolution", {"samples": n}) for n in limits),
        Method("REINFORCE, 100", "reinforce", {"samples": 100}),
        Method("OFA evolution, 100", "ofa_evolution", most=100),
        Method("NSGA-II, 100", "nsga2", most=100),
    ]


def hybrids(limit: int, finals: str = "in full", trainings: int = 1) -> list[Method]:
    """Return the hybrid's methods within ``limit`` trainings, with ``trainings`` for each finalist."""
    more = 5 * trainings
    return [
        Method(f"hybrid, {limit}", "hybrid", most=limit),
        Method(f"hybrid, {limit}, most rewarded", "hybrid", most=limit, answer=most_rewarded),
        Method(
            f"oracle: hybrid, {limit - more} + top 5 {finals}",
            "hybrid",
            most=limit - more,
            answer=oracle_of_five,
            more=more,
        ),
    ]


MATHNAS = [
    Method("MathNAS, predicted", "mathnas", answer=predicted, trials=lambda r: int(r.notes["estimated_from"])),
    Method("MathNAS, top 10", "mathnas", {"top": 10}),
    Method(
        "MathNAS power 0, predicted",
        "mathnas",
        {"power": 0.0},
        answer=predicted,
        trials=lambda r: int(r.notes["estimated_from"]),
    ),
    Method("MathNAS power 0, top 10", "mathnas", {"power": 0.0, "top": 10}),
]
SAMPLED = [
    Method("LayerNAS H=10", "layernas", {"buckets": 10}),  # 20 cells over all costs: these budgets span half of them
    Method("LayerNAS H=20", "layernas", {"buckets": 20}),
    Method("LayerNAS H=100", "layernas", {"buckets": 100}),
    Method("LayerNAS H=20, fill mid", "layernas", {"buckets": 20, "fill": "mid"}),
]
ON_MACRO = [
    *hybrids(50, "twice more", 2),
    *hybrids(100, "twice more", 2),
    Method("hybrid, no limit", "hybrid"),
]
TWICE_MORE = Method(
    "oracle: regularized evolution, 90 + top 5 twice more",
    "regularized_evolution",
    {"samples": 90},
    answer=oracle_of_five,
    more=10,
)
EVOLUTION = [Method(f"regularized evolution, {n}", "regularized_evolution", {"samples": n}) for n in (50, 100, 200)]
MACRO = [*at_most(50, 100, 200), TWICE_MORE, *SAMPLED, *MATHNAS, *ON_MACRO]
MERGED = [*EVOLUTION, *SAMPLED[:2], *MATHNAS[:2], *ON_MACRO]
FREE = [
    *at_most(100, 200),
    Method("LayerNAS H=20, 200", "layernas", {"buckets": 20}, 200),
    Method("LayerNAS H=100, 200", "layernas", {"buckets": 100}, 200),
    *hybrids(100),
    *hybrids(200),
]
PI4 = [
    *at_most(100, 200),
    Method("LayerNAS H=20, 100", "layernas", {"buckets": 20}, 100),
    *MATHNAS,
    *hybrids(50),
    *hybrids(100),
]
MADE = [*hybrids(50), *hybrids(100)]
