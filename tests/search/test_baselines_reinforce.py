"""REINFORCE: its gradient, its optimizer and its reward."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import numpy as np
import pytest

from edgenas.search.algorithms.baselines.draws import Draws
from edgenas.search.algorithms.baselines.reinforce import _Policy
from edgenas.search.algorithms.by_name import search
from edgenas.search.problem import Problem
from edgenas.search.space import Choice, State
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, BlockSumAccuracy, plain_space, toy_problem


def log_probability(policy: _Policy, choice: Choice) -> float:
    """Of drawing ``choice``: in each layer among the options open there."""
    state, total = State(policy.space.c_in, policy.space.in_size), 0.0
    for i, taken in enumerate(choice):
        edges = policy.space.open_edges(i, state)
        logits = policy._logits[i]
        total += logits[taken] - math.log(sum(math.exp(logits[edge.option]) for edge in edges))
        state = next(edge.target for edge in edges if edge.option == taken)
    return float(total)


@pytest.mark.parametrize("toy", SPACES)
def test_the_gradient_is_that_of_the_log_probability(toy: str) -> None:
    rng = random.Random(3)
    policy = _Policy(SPACES[toy](), 0.01, rng)
    for logits in policy._logits:
        logits += [rng.gauss(0, 1) for _ in logits]
    for _ in range(5):
        choice = policy.space.sample(rng)
        gradient = policy.gradient(choice)
        for logits, row in zip(policy._logits, gradient, strict=True):
            for option in range(len(logits)):
                at = []
                for step in (1e-5, -2e-5):
                    logits[option] += step
                    at.append(log_probability(policy, choice))
                logits[option] += 1e-5
                assert row[option] == pytest.approx((at[0] - at[1]) / 2e-5, abs=1e-7)


@pytest.mark.slow
def test_the_optimizer_is_adam() -> None:
    torch = pytest.importorskip("torch")
    policy = _Policy(plain_space(), 0.01, random.Random(0))
    theirs = [torch.tensor(logits, requires_grad=True) for logits in policy._logits]
    adam = torch.optim.Adam(theirs, lr=0.01)
    rng = random.Random(1)
    for _ in range(20):
        choice, advantage = policy.space.sample(rng), rng.gauss(0, 0.1)
        loss = -advantage * sum(torch.log_softmax(row, 0)[option] for row, option in zip(theirs, choice, strict=True))
        adam.zero_grad()
        loss.backward()
        adam.step()
        policy.step(choice, advantage)
    for ours, row in zip(policy._logits, theirs, strict=True):
        np.testing.assert_allclose(ours, row.detach().numpy(), rtol=1e-9, atol=1e-12)


def test_networks_are_drawn_by_the_policy() -> None:
    problem = toy_problem(plain_space(), 1.0)
    draws = Draws(problem, random.Random(0))
    weights = [np.array([0.7, 0.2, 0.1])[: len(layer.options)] for layer in problem.space.layers]
    drawn = [draws.weighted(weights) for _ in range(1000)]
    assert [np.mean([choice[2] == option for choice in drawn]) for option in range(3)] == pytest.approx(
        [0.7, 0.2, 0.1], abs=0.06
    )


def test_the_reward_draws_the_policy_to_the_budget() -> None:
    """A heavy beta makes later networks dearer than the first, where accuracy says nothing."""

    class Same(BlockSumAccuracy):
        def block_value(self, block: object) -> float:
            return 0.0

    problem = toy_problem(SPACES["widths"](), 1.0, Same())
    shares = []
    for beta in (0.0, -100.0):
        costs = []
        for seed in range(4):
            asked: Problem = replace(problem, seed=seed)
            trials = search("reinforce", asked, Trials(asked), beta=beta, learning_rate=0.2, samples=60).trials
            costs += [trial.cost / asked.budget for trial in trials[30:]]
        shares.append(sum(costs) / len(costs))
    assert shares[1] > shares[0] + 0.05


@pytest.mark.slow
def test_the_reward_draws_the_policy_to_accuracy() -> None:
    problem = toy_problem(SPACES["widths"](), 1.0, BlockSumAccuracy(seed=8))
    means = []
    for learning_rate in (1e-9, 0.2):
        trials = [
            trial
            for asked in (replace(problem, seed=seed) for seed in range(4))
            for trial in search(
                "reinforce", asked, Trials(asked), beta=0.0, learning_rate=learning_rate, samples=60
            ).trials[30:]
        ]
        means.append(sum(trial.accuracy for trial in trials) / len(trials))
    assert means[1] > means[0] + 1
