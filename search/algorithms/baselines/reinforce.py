"""REINFORCE with the absolute reward of TuNAS (Bender et al., arXiv 2008.06120).

    r = Q + beta |T / T0 - 1|,  beta = -0.10

with Q the accuracy (0..1), T the cost and T0 the budget. The policy is one categorical distribution per layer, whose
logits Adam moves along (r - baseline) d log p(network), as in NATS-Bench (Dong et al., arXiv 2009.00437;
github.com/D-X-Y/AutoDL-Projects, ``exps/NATS-algos/reinforce.py``): learning rate 0.01, the baseline an exponential
moving average of rewards with momentum 0.9, one network per step.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from edgenas.base.errors import InputError
from edgenas.search.algorithms.baselines.draws import TRIES, Draws
from edgenas.search.algorithms.options import check_counts, check_shares
from edgenas.search.graph import Floats
from edgenas.search.problem import Problem, Result, is_score
from edgenas.search.space import Choice, Space
from edgenas.search.trials import Trials, TrialsExhaustedError

BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  #: Adam (Kingma and Ba, arXiv 1412.6980, algorithm 1)
SPREAD = 1e-3  #: standard deviation of the initial logits


def reinforce(
    problem: Problem,
    trials: Trials,
    *,
    samples: int = 100,
    learning_rate: float = 0.01,
    momentum: float = 0.9,
    beta: float = -0.10,
) -> Result:
    """Search for the best network with cost <= ``problem.budget``.

    samples        number of distinct networks to judge (NATS-Bench stops by training time instead)
    learning_rate  learning rate of Adam
    momentum       momentum of the baseline
    beta           weight of the distance from the budget in the reward, at most 0; the paper's value is for accuracies
                   as shares of 1, so that a score on another scale needs another value

    Departures: TuNAS also trains networks above its target; here they are drawn again and never judged, so that every
    trial may be the answer, and the reward moves the policy towards the budget from below. A network drawn again moves
    the policy and is not trained again; ``TRIES`` steps in a row without a new network end the search. After the end of
    a stage the policy chooses only among options that end the stage, which is no choice. TuNAS shares weights between
    networks and returns the most likely network; this function returns the best judged one, as NATS-Bench does.
    """
    check_counts(samples=samples)
    check_shares(momentum=momentum)
    if not (math.isfinite(learning_rate) and learning_rate > 0):
        raise InputError(f"learning_rate {learning_rate!r} is not a positive number")
    if not (math.isfinite(beta) and beta <= 0):
        raise InputError(f"beta {beta!r} is above 0: it would reward networks for their distance from the budget")
    rng = random.Random(problem.seed)
    draws, policy = Draws(problem, rng), _Policy(problem.space, learning_rate, rng)
    whole = 1 if is_score(problem.accuracy) else 100  # TuNAS's quality is a share
    total = weight = 0.0  # sums of the moving average
    stale = 0
    with suppress(TrialsExhaustedError):
        while len(trials) < samples and stale < TRIES:
            choice, known = draws.weighted(policy.probabilities()), len(trials)
            quality = trials.rewards([choice])[0] / whole
            cost = problem.cost.total(problem.space.architecture(choice))
            reward = quality + beta * abs(cost / problem.budget - 1)
            total = momentum * total + (1 - momentum) * reward
            weight = momentum * weight + (1 - momentum)
            policy.step(choice, reward - (total / weight if weight else 0.0))
            stale = 0 if len(trials) > known else stale + 1
    notes = {"learning_rate": learning_rate, "EMA": momentum, "beta": beta, "samples": samples, "steps": policy.steps}
    return trials.result("reinforce", notes)


class _Policy:
    """The policy: logits of every option of every layer, and Adam's moments of them."""

    def __init__(self, space: Space, learning_rate: float, rng: random.Random) -> None:
        self.space = space
        self.learning_rate = learning_rate
        self.steps = 0
        self._logits = [np.array([rng.gauss(0, SPREAD) for _ in layer.options]) for layer in space.layers]
        self._first = [np.zeros(len(layer.options)) for layer in space.layers]
        self._second = [np.zeros(len(layer.options)) for layer in space.layers]

    def probabilities(self) -> list[Floats]:
        return [_softmax(logits) for logits in self._logits]

    def gradient(self, choice: Choice) -> list[Floats]:
        """Gradient d log p(choice) / d logits, with p over the options that are possible at each layer."""
        state, gradient = self.space.start, []
        for i, taken in enumerate(choice):
            edges = self.space.open_edges(i, state)
            options = [edge.option for edge in edges]
            row = np.zeros(len(self._logits[i]))
            row[options] = -_softmax(self._logits[i][options])
            row[taken] += 1
            gradient.append(row)
            state = next(edge.target for edge in edges if edge.option == taken)
        return gradient

    def step(self, choice: Choice, advantage: float) -> None:
        """Take one step of Adam along ``advantage`` x the gradient."""
        self.steps += 1
        for logits, first, second, row in zip(
            self._logits, self._first, self._second, self.gradient(choice), strict=True
        ):
            slope = advantage * row
            first += (1 - BETA_1) * (slope - first)
            second += (1 - BETA_2) * (slope**2 - second)
            unbiased = first / (1 - BETA_1**self.steps), second / (1 - BETA_2**self.steps)
            logits += self.learning_rate * unbiased[0] / (np.sqrt(unbiased[1]) + EPSILON)


def _softmax(logits: Floats | Sequence[float]) -> Floats:
    powers = np.exp(np.asarray(logits) - np.max(logits))
    return np.asarray(powers / powers.sum())
