"""Several limits at once: solvers against each other and every network, and errors that name active limits."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.search.cost import macs_cost, params_cost, peak_memory_cost, size_cost
from edgenas.search.feasible import check_feasible, checked_graph
from edgenas.search.graph import Graph, layered_graph
from edgenas.search.problem import BudgetError, Cost, Limit, Problem
from edgenas.search.solvers import brute_force, charnes_cooper, dinkelbach, limited, milp
from edgenas.search.solvers.completions import completions
from edgenas.search.solvers.undominated import undominated
from edgenas.search.spaces import space
from tests.support.search_toys import SPACES, BlockSumAccuracy, noise, plain_space, random_graph


def limited_graph(seed: int, kinds: int) -> tuple[Graph, float]:
    """A random graph with further limits, each within reach of some of its paths, and a budget."""
    graph, rng = random_graph(seed), np.random.default_rng(seed)
    whole = seed % 3 == 0
    also = [rng.integers(0, 5, (kinds, len(x))) * 1.0 if whole else rng.random((kinds, len(x))) for x in graph.layers]
    paths = brute_force.all_paths(graph)
    share = random.Random(seed).choice((0.2, 0.5, 0.9))
    if not len(paths.costs):
        return graph.with_limits(also, [1.0] * kinds), 1.0
    sums = [brute_force.sums(paths, [rows[kind] for rows in also]) for kind in range(kinds)]
    most = [float(np.quantile(found, share, method="higher")) for found in sums]
    return graph.with_limits(also, most), float(np.quantile(paths.costs, share, method="higher"))


@pytest.mark.slow
@pytest.mark.parametrize("kinds", [1, 2, 3])
def test_labels_highs_and_every_path_agree(kinds: int) -> None:
    fitted = 0
    for seed in range(40):
        graph, budget = limited_graph(seed, kinds)
        exact = brute_force.solve(graph, budget)
        found = limited.solve(graph, budget)
        highs = milp.solve(graph, budget)
        assert (exact is None) == (found is None) == (highs is None)
        if exact is None or found is None or highs is None:
            continue
        fitted += 1
        assert (found.value, found.cost) == pytest.approx((exact.value, exact.cost))
        assert graph.keeps(graph.path(found.choice)) and found.cost <= budget
        assert highs.value == pytest.approx(exact.value, abs=1e-5)
        assert limited.solve(graph, budget, most_labels=0) is not None  # by HiGHS
    assert 15 < fitted < 40


def test_the_fraction_agrees_too() -> None:
    for seed in range(12):
        graph, budget = limited_graph(seed, 2)
        rng = np.random.default_rng(seed)
        loss, size = ([rng.random(len(x)) + 0.1 for x in graph.layers] for _ in range(2))
        paths = brute_force.all_paths(graph)
        fits = brute_force.fitting(graph, paths, budget)
        one, other = dinkelbach.solve(graph, budget, loss, size), charnes_cooper.solve(graph, budget, loss, size)
        assert (one is None) == (other is None) == (not fits.any())
        if one is not None and other is not None:
            least = float((brute_force.sums(paths, loss) / brute_force.sums(paths, size))[fits].min())
            assert (one.ratio, other.ratio) == pytest.approx((least, least), abs=1e-5)


def test_undominated_is_what_pairs_say() -> None:
    rng = np.random.default_rng(0)
    for count in (0, 1, 7, 700):
        weights, value = rng.integers(0, 6, (count, 3)) * 1.0, rng.integers(0, 9, count) * 1.0
        kept = undominated(weights, value)
        rows = {tuple(row) for row in np.column_stack([weights, value])[kept].tolist()}
        assert len(rows) == len(kept)
        better = [
            any(
                (w <= weights[i]).all() and v >= value[i] and ((w < weights[i]).any() or v > value[i])
                for w, v in zip(weights, value, strict=True)
            )
            for i in range(count)
        ]
        assert rows == {(*weights[i], value[i]) for i in range(count) if not better[i]}


def test_a_large_graph_is_answered_by_labels_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """24 layers of 30 options with two further limits; a bound by prices leaves few labels."""
    rng = np.random.default_rng(1)
    graph = layered_graph(space("proxylessnas"), macs_cost())
    graph = graph.with_values([layer.cost**0.5 * rng.uniform(0.5, 1.5, len(layer)) for layer in graph.layers])
    also = [layer.cost * rng.uniform(0.5, 1.5, (2, len(layer))) for layer in graph.layers]
    middle = sum(float(np.mean(layer.cost)) for layer in graph.layers)
    graph = graph.with_limits(also, [0.9 * middle, middle])
    exact = milp.solve(graph, middle)
    monkeypatch.setattr(milp, "solve", None)
    found = limited.solve(graph, middle)
    assert found is not None and exact is not None and found.value >= exact.value * (1 - 1e-6)


@pytest.mark.parametrize("toy", SPACES)
def test_endings_keep_all_limits(toy: str) -> None:
    limits = (Limit(params_cost(), 4000.0), Limit(peak_memory_cost(), 0.012))
    graph = layered_graph(SPACES[toy](), macs_cost(), limits)
    values = [np.array([noise(f"{i} {e}") for e in range(len(x))]) for i, x in enumerate(graph.layers)]
    graph = graph.with_values(values)
    budget = float(np.median(brute_force.all_paths(graph).costs))
    exact, ends = brute_force.solve(graph, budget), completions(graph, budget)
    index = ends.best(0, 0, budget, 0.0, np.zeros(2))
    assert (exact is None) == (index < 0)
    if exact is not None:
        assert ends.options(0, 0, index) == exact.choice
        below = ends.best(0, 0, budget, 0.0, np.zeros(2), below=index)
        assert below < index and (below < 0 or graph.keeps(graph.path(ends.options(0, 0, below))))


def units(name: str) -> Cost:
    """Additive costs unlike MACs: a block that is cheap by one is dear by another."""
    sign = -1 if name == "b" else 1
    return Cost(
        name,
        lambda block: 0.0 if block.kind == "skip" else 1.5 + sign * noise(str(block)) + noise(name + str(block)) / 9,
    )


def asked(budget: float, *limits: Limit) -> Problem:
    return Problem(plain_space(), units("a"), BlockSumAccuracy(), budget, limits=limits)


def extremes(cost: Cost) -> tuple[float, float]:
    costs = brute_force.all_paths(layered_graph(plain_space(), cost)).costs
    return float(costs.min()), float(costs.max())


def test_an_error_names_what_binds_and_what_is_reachable() -> None:
    (least_a, most_a), (least_b, _) = extremes(units("a")), extremes(units("b"))
    roomy = Limit(units("c"), 1e6)
    alone = asked(most_a, roomy, Limit(units("b"), least_b * 0.9))
    with pytest.raises(BudgetError, match=r"no network of toy_plain fits [0-9.]+ b: the smallest reachable is") as one:
        checked_graph(alone)
    assert one.value.smallest == pytest.approx(least_b) and [r.unit for r in one.value.active_limits] == ["b"]
    together = asked(least_a, roomy, Limit(units("b"), least_b))
    with pytest.raises(BudgetError, match=r"keeps [0-9.]+ a and [0-9.]+ b at once; the smallest") as both:
        checked_graph(together)
    assert [r.unit for r in both.value.active_limits] == ["a", "b"]
    for index, other in ((0, 1), (1, 0)):  # reached within the other, and nothing less is
        active = both.value.active_limits
        eased = {other: active[other].most, index: active[index].smallest}
        checked_graph(asked(eased[0], roomy, Limit(units("b"), eased[1])))
        eased[index] = math.nextafter(eased[index], 0)
        with pytest.raises(BudgetError):
            checked_graph(asked(eased[0], roomy, Limit(units("b"), eased[1])))


def test_a_peak_names_the_least_peak_there_is() -> None:
    cost = peak_memory_cost()
    s = plain_space()
    peaks = sorted(cost.total(s.architecture(s.parse(".".join(map(str, c))))) for c in np.ndindex(3, 3, 3, 3))
    with pytest.raises(BudgetError, match="MB of peak activations: the smallest reachable") as caught:
        checked_graph(asked(1e6, Limit(cost, math.nextafter(peaks[0], 0))))
    assert caught.value.smallest == peaks[0]
    graph = checked_graph(asked(1e6, Limit(cost, peaks[0])))
    paths = brute_force.all_paths(graph)
    kept = int(brute_force.fitting(graph, paths, 1e6).sum())
    assert kept == sum(peak == peaks[0] for peak in peaks) < 81
    with pytest.raises(InputError, match="can be a limit, but the cost with the budget must be a sum"):
        replace(asked(1e6), cost=cost)
    with pytest.raises(InputError, match="a limit of nan is not a number of MACs above 0"):
        Limit(macs_cost(), math.nan)


def test_peaks_and_sizes_of_blocks() -> None:
    """By hand: a 1x1 expansion of 8x8x8 to 48 channels, kernel 3 on 8x8x48, back to 8 and added to what came in."""
    block = BlockSpec.parse("ir-8x8-m48-o8-k3-s1-relu-res")
    value = 4 / 1e6
    assert peak_memory_cost().of(block) == pytest.approx(value * 64 * (48 + 48 + 8))  # depthwise beside the input
    assert size_cost().of(block) == pytest.approx(value * (8 * 48 + 48 + 9 * 48 + 48 + 48 * 8 + 8))
    squeezed = BlockSpec.parse("ir-8x8-m48-o16-k3-s2-se8-relu")
    assert peak_memory_cost().of(squeezed) == pytest.approx(value * (64 * 48 + 16 * 48))  # depthwise, no residual
    scaled = BlockSpec.parse("ir-8x8-m48-o8-k3-s1-se8-relu-res")  # excite: both 48 wide, their scale, what came in
    assert peak_memory_cost().of(scaled) == pytest.approx(value * (64 * (48 + 48 + 8) + 48))
    assert peak_memory_cost().of(BlockSpec.parse("skip-8x8")) == 0


def test_check_feasible_takes_a_graph() -> None:
    problem = asked(1e6)
    check_feasible(layered_graph(problem.space, problem.cost), problem)
