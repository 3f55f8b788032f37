"""Training: what is refused before or during it, and what the error says."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError, MissingExtraError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.accuracy.training import TrainingAccuracy, train
from tests.support.training_toys import CANDIDATES, QUICK, TINY, bars, network

pytest.importorskip("torch")


def test_networks_that_do_not_fit_the_images_are_refused() -> None:
    for wrong, why in (
        (network(size=16), "takes 16x1 images"),
        (network(classes=4), "ends in 4 classes"),
        (Architecture("open", (BlockSpec.parse("conv-8x1-o3-k3-s2"),)), "only a head"),
    ):
        with pytest.raises(InputError, match=why):
            train(wrong, bars(), QUICK, 0)
    with pytest.raises(InputError, match="do not shrink by 3"):
        train(TINY, bars(), replace(QUICK, shrink=3), 0)
    with pytest.raises(InputError, match="batch=97"):
        train(TINY, bars(), replace(QUICK, batch=97), 0)


def test_a_training_that_diverges_says_so() -> None:
    with (
        TrainingAccuracy(bars(), replace(QUICK, lr=1e30), workers=0) as accuracy,
        pytest.raises(
            OutcomeError, match=r"network a could not be trained: .*diverged at step .*lower the learning rate"
        ),
    ):
        list(accuracy.evaluate(CANDIDATES))


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch": 1},
        {"optimizer": "adam"},
        {"lr": 0.0},
        {"weight_decay": -1.0},
        {"warm_up": 1.0},
        {"label_smoothing": 1.0},
        {"shrink": 0},
        {"shift": -1},
        {"ema": 1.0},
    ],
)
def test_recipes_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        replace(QUICK, **change)  # type: ignore[arg-type]


def test_images_that_do_not_fit_together_are_refused() -> None:
    data = bars()
    for change, why in (
        ({"test_images": data.test_images[:, :4, :4]}, "test: images are"),
        ({"train_labels": data.train_labels[1:]}, "train: 96 images need as many labels"),
        ({"validation_labels": data.validation_labels + 1}, r"validation: 48 images .* within 0..2"),
        ({"test_images": (data.test_images > 0).astype(np.uint8)}, "uint8 with 0 means"),
        ({"mean": (1.0,), "deviation": (1.0,)}, "float32 with 1 means"),
    ):
        with pytest.raises(InputError, match=why):
            replace(data, **change)


def test_workers_below_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="workers=-1"):
        TrainingAccuracy(bars(), QUICK, workers=-1)


def test_without_torch_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[train\]'"):
        list(TrainingAccuracy(bars(), QUICK).evaluate(CANDIDATES))
