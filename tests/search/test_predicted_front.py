"""The predicted front: calibrated on judged networks, with an honest error, and never above what is possible."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.algorithms.mathnas import Prediction
from edgenas.search.algorithms.mathnas_blocks import BlockValues, block_values
from edgenas.search.cost import macs_cost
from edgenas.search.graph import layered_graph
from edgenas.search.predicted_front import LEAST, calibrate, predicted_front
from edgenas.search.record import front_points
from edgenas.search.space import Choice
from edgenas.search.trials import Trials
from tests.support.search_toys import plain_space, toy_problem

SPACE = plain_space()
BASE = min(SPACE.architecture(SPACE.sample(random.Random(n))).macs for n in range(50))


def saturating(network: object) -> float:
    """An accuracy that grows ever more slowly with MACs, so that sums of block values are far above it."""
    return 100 - 60 * math.exp(-1.2 * (network.macs / BASE - 1))  # type: ignore[attr-defined]


def judged(count: int, seed: int = 0) -> dict[Choice, float]:
    sampled = (SPACE.sample(random.Random(1000 * seed + n)) for n in range(4 * count))
    return {c: saturating(SPACE.architecture(c)) for c in list(dict.fromkeys(sampled))[:count]}


@pytest.fixture(scope="module")
def values() -> BlockValues:
    problem = toy_problem(SPACE, accuracy=CallableAccuracy(saturating, "saturating"))
    return block_values(problem, Trials(problem))


def test_raw_sums_exceed_what_is_possible_and_calibrated_ones_do_not(values: BlockValues) -> None:
    raw = front_points(SPACE, macs_cost(), values)
    found = predicted_front(SPACE, macs_cost(), values, judged(30))
    truth = [saturating(SPACE.architecture(SPACE.parse(p.key))) for p in found.points]
    before = {key: accuracy for _, accuracy, key in raw}
    off = [abs(before[p.key] - t) for p, t in zip(found.points, truth, strict=True)]
    now = [abs(p.accuracy - t) for p, t in zip(found.points, truth, strict=True)]
    assert found.doubt == "" and found.calibration is not None
    assert sum(now) < sum(off)
    assert all(0 <= p.low <= p.accuracy <= p.high <= 100 for p in found.points)  # type: ignore[operator]
    assert [p.cost for p in found.points] == sorted(p.cost for p in found.points)
    assert all(a.accuracy < b.accuracy for a, b in zip(found.points, found.points[1:], strict=False))


def test_the_error_is_that_of_each_network_under_the_line_through_the_others(values: BlockValues) -> None:
    known = judged(12)
    found = calibrate(SPACE, values, known, 100.0)
    assert found is not None
    prediction = Prediction.of(SPACE, layered_graph(SPACE, macs_cost()), values)
    used = {values.base, values.average}
    rest = [c for c in known if c not in used and sum(a != b for a, b in zip(c, values.average, strict=True)) > 1]
    assert len(rest) == found.networks
    errors = []
    for left in rest:
        others = [c for c in rest if c != left]
        line = np.polyfit([prediction.accuracy(c) for c in others], [known[c] for c in others], 1)
        errors.append(known[left] - float(np.polyval(line, prediction.accuracy(left))))
    assert found.error == pytest.approx(float(np.sqrt(np.mean(np.square(errors)))))
    assert found.quantile == pytest.approx(max(map(abs, errors)))  # of fewer than 19, the largest


def test_the_interval_covers_networks_that_were_not_judged(values: BlockValues) -> None:
    found = calibrate(SPACE, values, judged(40), 100.0)
    assert found is not None and found.tells
    prediction = Prediction.of(SPACE, layered_graph(SPACE, macs_cost()), values)
    new = judged(60, seed=7)
    inside = [low <= a <= high for c, a in new.items() for low, high in [found.interval(prediction.accuracy(c))]]
    assert sum(inside) >= 0.9 * len(inside)


def test_without_judged_networks_there_is_no_error_and_no_interval(values: BlockValues) -> None:
    found = predicted_front(SPACE, macs_cost(), values, judged(LEAST - 1))
    assert "its error is not known" in found.doubt and f"{LEAST} different ones" in found.doubt
    assert all(p.low is None and p.high is None and p.accuracy <= 100 for p in found.points)


def test_networks_that_gave_the_block_values_do_not_count(values: BlockValues) -> None:
    problem = toy_problem(SPACE, accuracy=CallableAccuracy(saturating, "saturating"))
    trials = Trials(problem)
    block_values(problem, trials)
    used = {trial.choice: trial.accuracy for trial in trials.log}
    assert len(used) >= LEAST and calibrate(SPACE, values, used, 100.0) is None


def test_predictions_that_tell_nothing_are_named(values: BlockValues) -> None:
    drawn = random.Random(3)
    noise = {choice: drawn.uniform(60, 70) for choice in judged(30)}
    found = predicted_front(SPACE, macs_cost(), values, noise)
    assert "does not tell networks apart" in found.doubt and all(p.low is None for p in found.points)


def test_scores_have_no_bound(values: BlockValues) -> None:
    scores = {choice: 3 * accuracy for choice, accuracy in judged(30).items()}
    found = predicted_front(SPACE, macs_cost(), values, scores, score=True)
    assert found.points[-1].accuracy > 100
