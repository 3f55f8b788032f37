"""A search's answer is explained by numbers that hold: checked against every network of small spaces."""

from __future__ import annotations

import pytest

from edgenas.cli.explanation import print_explained
from edgenas.runs.forms import plain
from edgenas.runs.from_search import saved_explanation
from edgenas.search.cost import peak_memory_cost, size_cost
from edgenas.search.explain import WORTH, explain
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Limit, Problem
from edgenas.search.record import SearchRecord, run_searches
from edgenas.search.solvers import brute_force
from edgenas.search.trials import Trials
from tests.support.search_toys import BlockSumAccuracy, plain_space, toy_cost

SPACE, COST = plain_space(), toy_cost()
CHOICES = [
    layered_graph(SPACE, COST).solution(p).choice
    for p in brute_force.all_paths(layered_graph(SPACE, COST)).edges.tolist()
]


def searched(budgets: list[float], limits: tuple[Limit, ...], algorithm: str, **options: float) -> SearchRecord:
    accuracy = BlockSumAccuracy(seed=1)
    cache = TrialCache(SPACE, accuracy)
    return run_searches(
        lambda budget: Problem(SPACE, COST, accuracy, budget, limits=limits),
        budgets,
        {algorithm: options},
        cache,
        error_share=0.05,
    )


def limits() -> tuple[Limit, Limit]:
    """Half of the networks keep the first, nearly all the second."""
    sizes = sorted(size_cost().total(SPACE.architecture(choice)) for choice in CHOICES)
    peaks = sorted(peak_memory_cost().total(SPACE.architecture(choice)) for choice in CHOICES)
    return Limit(size_cost(), sizes[40]), Limit(peak_memory_cost(), peaks[60])


def test_what_raising_a_limit_buys_is_the_next_network_of_all() -> None:
    """Accuracy is additive, so that what block values predict is true."""
    costs = sorted(COST.total(SPACE.architecture(choice)) for choice in CHOICES)
    asked = limits()
    record = searched([costs[30], costs[60]], asked, "mathnas", power=0.0)
    explained = explain(record)
    worth = dict(zip(CHOICES, Trials(explained.winner.problem).rewards(CHOICES), strict=True))
    every = (Limit(COST, costs[30]), *asked)
    best = max(worth[c] for c in CHOICES if all(limit.keeps(SPACE.architecture(c)) for limit in every))
    assert explained.winner.result.best.accuracy == pytest.approx(best)
    assert len(explained.bounds) == 3
    active = 0
    for number, bound in enumerate(explained.bounds):
        others = [limit for other, limit in enumerate(every) if other != number]
        better = [
            every[number].cost.total(SPACE.architecture(c))
            for c in CHOICES
            if worth[c] >= best + WORTH and all(limit.keeps(SPACE.architecture(c)) for limit in others)
        ]
        assert bound.active is bool(better)
        if better:
            active += 1
            more = next(more for more in bound.more if more.source == "predicted")
            assert more.most == pytest.approx(min(better))
            assert more.extra == pytest.approx(min(better) - every[number].most) and more.extra > 0
            assert WORTH <= more.gained == pytest.approx(worth[SPACE.parse(more.key)] - best)
            assert more.gained_per_percent == pytest.approx(more.gained / (100 * more.extra / every[number].most))
    assert active > 0


def test_where_only_judged_networks_are_known_nothing_else_is_said() -> None:
    costs = sorted(COST.total(SPACE.architecture(choice)) for choice in CHOICES)
    record = searched([costs[30], costs[60]], (), "random", samples=15)
    explained = explain(record)
    (bound,) = explained.bounds
    judged = {t.choice: t for run in record.runs for t in run.result.trials}
    best = explained.winner.result.best
    over = [t.cost for t in judged.values() if t.accuracy >= best.accuracy + WORTH and t.cost > costs[30]]
    assert [more.source for more in bound.more] == ["judged"] and bound.more[0].most == min(over)
    alone = explain(searched([costs[-1]], (), "random", samples=81))
    assert alone.bounds[0].more == () and alone.bounds[0].active is None  # nothing is known above it
    everything = explain(searched([costs[-1]], (), "mathnas"))
    assert everything.bounds[0].active is False  # predicted: no network is better


def test_the_whole_explanation_of_a_toy(capsys: pytest.CaptureFixture[str]) -> None:
    """Golden: numbers as they were captured, checked by the tests above."""
    record = searched([40.0, 48.0, 40.0], limits(), "mathnas", power=0.0, average="space")
    explained = explain(record)
    data = plain(saved_explanation(record, explained))
    assert [point["budget"] for point in data["front"]] == [40.0, 48.0]
    assert [p["interval"] for p in data["front"]] == [[0.95 * p["cost"], 1.05 * p["cost"]] for p in data["front"]]
    assert data["trials"] == sum(len(run.result.trials) for run in record.runs)
    assert data["trials"] - data["cache_hits"] == len({t.choice for run in record.runs for t in run.result.trials})
    assert data["seconds"] == pytest.approx(sum(run.seconds for run in record.runs))
    costs = [spent["cost"] for spent in data["dearest_blocks"]]
    assert costs == sorted(costs, reverse=True) and len(costs) == 5
    golden = {
        "dearest": [(spent["layer"], spent["cost"], round(spent["share"], 4)) for spent in data["dearest_blocks"]],
        "more": [
            (m["key"], m["most"], round(m["gained"], 3))
            for b in data["limits"]
            for m in b["more"]
            if m["source"] == "predicted"
        ],
        "limits": [(b["name"], b["unit"], b["active"], round(b["slack_share"], 4)) for b in data["limits"]],
    }
    assert golden == GOLDEN
    print_explained(record, explained)
    shown = capsys.readouterr().out
    for text in ("95 % interval", "most expensive blocks of " + SPACE.key(explained.winner.result.best.choice),
                 "MB of peak activations", "the gain of raising it alone", "best network at each budget"):  # fmt: skip
        assert text in shown


GOLDEN = {
    "dearest": [
        ("l0", 13.0, 0.3333),
        ("stem", 7.0, 0.1795),
        ("l1", 7.0, 0.1795),
        ("l2", 7.0, 0.1795),
        ("l3", 4.0, 0.1026),
    ],
    "limits": [("", "units", True, 0.025), ("weights", "MB", False, 0.3595), ("peak activations", "MB", False, 0.4444)],
    "more": [("0.0.1.1", 42.0, 1.446)],
}
