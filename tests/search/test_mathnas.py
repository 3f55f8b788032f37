"""MathNAS: its estimates are the paper's, its program is solved exactly, its prediction is exact where it may be."""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.search.algorithms.mathnas import Prediction, mathnas
from edgenas.search.algorithms.mathnas_blocks import (
    average_network,
    average_within,
    base_network,
    block_values,
    nearness,
    swapped,
)
from edgenas.search.cost import macs_cost
from edgenas.search.graph import layered_graph
from edgenas.search.problem import Problem
from edgenas.search.solvers import brute_force
from edgenas.search.space import Choice
from edgenas.search.spaces import space
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, BlockSumAccuracy, ends_space, plain_space, toy_problem, widths_space


def test_base_and_average_networks_of_nas_bench_macro() -> None:
    s = space("nas_bench_macro")
    assert s.key(base_network(s)) == "2.2.2.2.2.2.2.2"
    assert s.key(average_network(s)) == "1.1.1.1.1.1.1.1"  # MB3's FLOPs are nearest the mean of 0, 1 and 2.1 of them
    assert s.key(swapped(s, average_network(s), 3, 0)) == "1.1.0.1.1.1.1.1"


def test_the_single_sample_takes_the_papers_number_of_networks() -> None:
    problem = toy_problem(plain_space())
    trials = Trials(problem)
    values = block_values(problem, trials)
    m, n = 4, 3
    assert len(trials) == m * (n - 1) + 1 + 1
    s = problem.space
    accuracy = {trial.choice: trial.accuracy for trial in trials.log}
    for i, j in itertools.product(range(1, 5), range(3)):
        context = swapped(s, values.average, i, j)
        largest = swapped(s, values.average, i, values.base[i])
        assert values.loss[i][j] == accuracy[largest] - accuracy[context]
        assert values.mean_flops[i][j] == s.architecture(context).macs
    assert values.base_accuracy == accuracy[values.base]
    assert values.loss[0] == values.loss[5] == (0.0,)  # stem and head are no nodes


@pytest.mark.parametrize("toy", ["plain", "ends"])
@pytest.mark.parametrize("fraction", [None, 1.0])
def test_an_additive_accuracy_is_predicted_exactly(toy: str, fraction: float | None) -> None:
    accuracy = BlockSumAccuracy(seed=1)
    problem = toy_problem(SPACES[toy](), accuracy=accuracy)
    graph = layered_graph(problem.space, problem.cost)
    prediction = Prediction.of(problem.space, graph, block_values(problem, Trials(problem), fraction))
    paths = brute_force.all_paths(graph)
    for edges in paths.edges[:: max(1, len(paths.costs) // 60)].tolist():
        choice = graph.solution(edges).choice
        judged = Trials(problem).rewards([choice])[0]
        assert prediction.accuracy(choice) == pytest.approx(judged)
    front = prediction.front()
    assert front.best(problem.budget) is not None
    exact = brute_force.solve(graph.with_values([-loss for loss in prediction.loss]), problem.budget)
    assert exact is not None and front.best(problem.budget).value == exact.value  # type: ignore[union-attr]


def test_ending_a_stage_takes_its_later_layers_with_it() -> None:
    s = ends_space()
    average = average_network(s)
    assert 2 not in average  # of full depth
    assert swapped(s, average, 2, 2)[1:4] == (average[1], 2, 2)
    assert swapped(s, average, 2, 2)[4:] == average[4:]
    problem = toy_problem(s)
    values = block_values(problem, Trials(problem))
    graph = layered_graph(s, problem.cost)
    loss = Prediction.of(s, graph, values).loss
    ended = [graph.path((0, 0, 2, 2, 0, 0, 0, 0))[i] for i in (2, 3)]
    assert loss[2][ended[0]] == values.loss[2][2]
    assert loss[3][ended[1]] == values.loss[3][average[3]] == values.ended[3]


@pytest.mark.parametrize("power", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("toy", SPACES)
def test_the_program_is_solved_exactly(toy: str, power: float) -> None:
    problem = toy_problem(SPACES[toy](), 0.6, BlockSumAccuracy(jitter=4))
    graph = layered_graph(problem.space, problem.cost)
    prediction = Prediction.of(problem.space, graph, block_values(problem, Trials(problem)), power)
    paths = brute_force.all_paths(graph)
    fits = paths.edges[paths.costs <= problem.budget].tolist()
    want = sorted((prediction.accuracy(graph.solution(edges).choice) for edges in fits), reverse=True)[:6]
    got = [prediction.accuracy(s.choice) for s in itertools.islice(prediction.ranked(problem.budget), 6)]
    assert got == pytest.approx(want, rel=1e-12)
    highs = next(prediction.ranked(problem.budget, "milp"))
    assert prediction.accuracy(highs.choice) == pytest.approx(want[0], abs=1e-5)
    result = mathnas(problem, Trials(problem), power=power)
    assert result.notes["predicted_best"]["accuracy"] == pytest.approx(want[0])
    assert result.notes["predicted_best"]["gap"] == 0
    assert result.predicted == pytest.approx(prediction.accuracy(result.best.choice))


def test_the_random_average_is_a_difference_of_means() -> None:
    accuracy = BlockSumAccuracy(jitter=2)
    problem = toy_problem(plain_space(), accuracy=accuracy)
    trials = Trials(problem)
    values = block_values(problem, trials, fraction=1.0)
    assert len(trials) == 81
    for i, j in itertools.product(range(1, 5), range(3)):
        largest = np.mean([t.accuracy for t in trials.log if t.choice[i] == values.base[i]])
        other = np.mean([t.accuracy for t in trials.log if t.choice[i] == j])
        assert values.loss[i][j] == pytest.approx(largest - other)
    few = Trials(problem)
    partly = block_values(problem, few, fraction=0.05)  # 5 networks, and one more for each block they lack
    assert 5 <= len(few) <= 5 + 4 * 3
    assert partly != block_values(
        Problem(problem.space, problem.cost, accuracy, problem.budget, seed=1),
        Trials(Problem(problem.space, problem.cost, accuracy, problem.budget, seed=1)),
        fraction=0.05,
    )
    with pytest.raises(InputError, match="use the single sample"):
        big = Problem(space("proxylessnas"), macs_cost(), accuracy, 1e9)
        block_values(big, Trials(big), fraction=0.05)


def test_top_judges_that_many_new_networks() -> None:
    problem = toy_problem(widths_space(), 0.6, BlockSumAccuracy(jitter=5))
    counts = []
    for top in (1, 10):
        result = mathnas(problem, Trials(problem), top=top)
        counts.append(len(result.trials) - result.notes["estimated_from"])
    assert counts == [1, 10]


def test_the_front_needs_an_additive_prediction() -> None:
    problem = toy_problem(plain_space())
    values = block_values(problem, Trials(problem))
    graph = layered_graph(problem.space, problem.cost)
    with pytest.raises(InputError, match="exact for power 0"):
        Prediction.of(problem.space, graph, values, power=1.0).front()


def test_a_space_with_widths_of_its_own_is_estimated() -> None:
    s = space("tunas_v3")
    base, average = base_network(s), average_network(s)
    assert [s.layers[i].options[o].key for i, o in enumerate(base) if i in (0, 2, 3, 23)] == [
        "o32k5",
        "o32k7e6se",
        "k7e6se",
        "m2048",
    ]
    assert s.architecture(average).macs < s.architecture(base).macs
    rng = random.Random(0)
    for _ in range(20):
        layer = rng.randrange(len(s.layers))
        option = rng.randrange(len(s.layers[layer].options))
        choice = swapped(s, average, layer, option)
        assert choice[layer] == option
        assert [i for i in range(len(choice)) if choice[i] != average[i]] in ([], [layer])


@pytest.mark.parametrize("toy", SPACES)
@pytest.mark.parametrize("most", [1, 2, 7])
def test_mathnas_has_an_answer_however_few_trials_it_may_have(toy: str, most: int) -> None:
    for share in (0.0, 0.2, 0.5):
        problem = toy_problem(SPACES[toy](), share)
        result = mathnas(problem, Trials(problem, max_trials=most))
        assert len(result.trials) <= most and result.best.cost <= problem.budget


def test_the_average_network_is_inside_a_tight_budget() -> None:
    problem = toy_problem(plain_space(), 0.1)
    average = average_network(problem.space)
    assert not problem.fits(average)
    inside = average_within(problem)
    assert problem.fits(inside)
    values = nearness(problem.space)

    def near(choice: Choice) -> float:
        graph = layered_graph(problem.space, problem.cost)
        return sum(float(row[edge]) for row, edge in zip(values, graph.path(choice), strict=True))

    every = itertools.product(*(range(len(layer.options)) for layer in problem.space.layers))
    assert near(inside) == pytest.approx(max(near(choice) for choice in every if problem.fits(choice)))
    results = [mathnas(problem, Trials(problem), average=average) for average in ("budget", "space")]
    named = [result.notes["N_avg"] for result in results]
    assert named == [problem.space.key(inside), problem.space.key(average)]
    assert average_within(toy_problem(plain_space(), 0.9)) == average
    with pytest.raises(InputError, match="average 'mean' is not one of budget, space"):
        mathnas(problem, Trials(problem), average="mean")  # type: ignore[arg-type]
