"""Training: that it learns, that it repeats, and what its name tells apart."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from edgenas.search.accuracy.training import TrainingAccuracy, TrainRecipe, train
from edgenas.search.spaces.digits import digits as digits_space
from edgenas.training.digits import SEARCH_RECIPE, digits
from tests.support.listeners import Recorder
from tests.support.training_toys import MEMBERS, QUICK, TINY, bars

torch = pytest.importorskip("torch")


def test_learning_happens_on_easy_images() -> None:
    trained = train(MEMBERS[0], bars(), replace(QUICK, epochs=8), seed=0)
    assert trained.accuracy > 70  # chance is 33
    assert np.mean(trained.losses[-5:]) < 0.7 * np.mean(trained.losses[:5])
    assert len(trained.losses) == 8 * (96 // 16)
    assert not trained.module.training


def test_learning_happens_on_digits() -> None:
    space = digits_space(16)
    data = digits(16, train_copies=4, judge_copies=1)
    recipe = replace(SEARCH_RECIPE, shrink=1, batch=32)
    assert train(space.architecture(space.parse("5.0.5.0.5.0")), data, recipe, seed=0).accuracy > 40  # chance is 10


@pytest.mark.slow
def test_members_reach_useful_accuracies_on_digits() -> None:
    space, data = digits_space(), digits()
    accuracies = [
        train(space.architecture(space.parse(key)), data, SEARCH_RECIPE, 0).accuracy
        for key in ("0.0.0.0.0.0", "4.3.4.3.4.3")
    ]
    assert accuracies[0] + 10 < accuracies[1] > 75


def test_a_seed_repeats_and_another_differs() -> None:
    first, again, other = (train(MEMBERS[1], bars(), QUICK, seed) for seed in (5, 5, 6))
    assert first.losses == again.losses and first.accuracy == again.accuracy
    for key, value in first.module.state_dict().items():
        assert torch.equal(value, again.module.state_dict()[key]), key
    assert first.losses != other.losses


def test_training_leaves_torch_as_it_was() -> None:
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(TINY, bars(), QUICK, seed=0)
    assert torch.equal(state, torch.get_rng_state()) and torch.get_num_threads() == threads


def test_progress_counts_steps() -> None:
    told: list[tuple[int, int | None]] = []
    train(TINY, bars(), QUICK, 0, Recorder(counts=told))
    assert told == [(i + 1, 12) for i in range(12)]


def test_names_tell_everything_apart_that_matters() -> None:
    base = TrainingAccuracy(bars(), QUICK, seed=0, workers=0).name
    assert base == TrainingAccuracy(bars(), QUICK, seed=0, workers=2).name
    other = {"epochs": 3, "batch": 8, "optimizer": "adamw", "lr": 0.2, "weight_decay": 0.1, "warm_up": 0.2,
             "label_smoothing": 0.2, "shrink": 2, "flip": True, "shift": 1, "ema": 0.9,
             "crop": 0.5, "colour": 0.3}  # fmt: skip
    assert set(other) == {field.name for field in fields(TrainRecipe)}
    names = [TrainingAccuracy(bars(), replace(QUICK, **{k: v}), 0).name for k, v in other.items()]  # type: ignore[arg-type]
    names += [TrainingAccuracy(bars(), QUICK, 1).name, TrainingAccuracy(bars(1), QUICK, 0).name]
    names += [TrainingAccuracy(bars(name="stripes"), QUICK, 0).name]
    assert len({base, *names}) == 1 + len(names)
