"""Targets of any kind and losses of one's own: what the arrays must be, and what is learned from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.training.data import TrainRecipe
from edgenas.training.losses import LOSSES, loss_of, value_of
from edgenas.training.target_training import check_fit, mean_loss, train_on_targets
from edgenas.training.targets import TargetData, held_out, normalised, scaling_of

RECIPE = TrainRecipe(epochs=4, batch=16, optimizer="adamw", lr=0.02, label_smoothing=0.0)
BLOCKS = ("conv-12x8x1-o8-k3-s2-relu", "ir-6x4x8-m16-o8-k3-s1-relu-res")


def network(outputs: int) -> Architecture:
    texts = (*BLOCKS, f"head-6x4x8-o{outputs}")
    return Architecture("tiny", tuple(BlockSpec.parse(text) for text in texts))


def pictures(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Pictures (n, 8, 12, 1) of one level with noise, and that level within 0..1."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0, 1, count)
    images = rng.normal(60 + 120 * level[:, None, None, None], 8, (count, 8, 12, 1))
    return np.clip(images, 0, 255).astype(np.uint8), level.astype(np.float32)


def data(targets: Any, images: Any) -> TargetData:
    most = len(images) * 3 // 4
    return TargetData(images[:most], targets[:most], images[most:], targets[most:], *scaling_of(images[:most]))


def test_regression_learns_the_level() -> None:
    images, level = pictures(400)
    loss = LOSSES["mse"]
    found = data(loss.prepared(level), images)
    done = train_on_targets(network(1), found, loss, RECIPE, 0)
    assert done.validation_loss < 0.25 * float(np.var(level)) and done.losses[-1] < done.losses[0]
    again = train_on_targets(network(1), found, loss, RECIPE, 0)
    assert again.losses == done.losses and again.validation_loss == done.validation_loss
    other = train_on_targets(network(1), found, loss, RECIPE, 1)
    assert other.losses != done.losses


def test_several_labels_are_learned_each() -> None:
    images, level = pictures(600)
    labels = np.stack([level > 0.5, level < 0.25], axis=1)
    loss = LOSSES["multi-label"]
    found = data(loss.prepared(labels), images)
    done = train_on_targets(network(2), found, loss, replace(RECIPE, epochs=8), 0)
    shown = torch.from_numpy(normalised(images[450:], found.mean, found.deviation).transpose(0, 3, 1, 2))
    with torch.no_grad():
        right = ((done.module(shown) > 0).numpy() == labels[450:]).mean(0)
    assert (right > 0.85).all()


def test_a_loss_of_ones_own_gets_outputs_and_targets() -> None:
    images, level = pictures(200)
    seen: list[tuple[Any, ...]] = []

    def pinball(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append((tuple(outputs.shape), outputs.dtype, tuple(targets.shape), targets.dtype))
        error = targets[:, None] - outputs
        quantiles = torch.tensor([0.1, 0.9])
        return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()

    loss = loss_of(pinball)
    assert loss.name.endswith("<locals>.pinball") and loss.outputs(level) is None
    done = train_on_targets(network(2), data(loss.prepared(level), images), loss, replace(RECIPE, epochs=12), 0)
    assert seen[0] == ((16, 2), torch.float32, (16,), torch.float32)
    shown = torch.from_numpy(normalised(images, *scaling_of(images[:150])).transpose(0, 3, 1, 2))
    with torch.no_grad():
        low, high = done.module(shown).numpy().T
    assert (low < high).mean() > 0.9 and ((low <= level) & (level <= high)).mean() > 0.5


def test_an_interrupted_training_continues_to_the_same_result(tmp_path: Path) -> None:
    images, level = pictures(96)
    loss = LOSSES["huber"]
    found = data(loss.prepared(level), images)
    whole = train_on_targets(network(1), found, loss, RECIPE, 0)

    class StoppedError(Exception):
        pass

    calls = 0

    def stops(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        if calls == 10:
            raise StoppedError
        return torch.nn.functional.huber_loss(outputs, targets)

    with pytest.raises(StoppedError):
        train_on_targets(network(1), found, replace(loss, function=stops), RECIPE, 0, checkpoint=tmp_path / "c.npz")
    assert calls == 10
    rest = train_on_targets(network(1), found, replace(loss, function=stops), RECIPE, 0, checkpoint=tmp_path / "c.npz")
    assert calls < 10 + len(whole.losses) and rest.losses == whole.losses
    assert rest.validation_loss == whole.validation_loss
    with pytest.raises(InputError, match="holds the training"):
        train_on_targets(network(1), found, LOSSES["l1"], RECIPE, 0, checkpoint=tmp_path / "c.npz")


@pytest.mark.parametrize(
    ("function", "error", "why"),
    [
        (lambda o, t: 0.5, InputError, "returned float; return one number as a tensor"),
        (lambda o, t: o, InputError, r"returned a tensor of shape \(16, 1\); return one number"),
        (lambda o, t: t.mean(), InputError, "does not depend on the outputs"),
        (lambda o, t: o.mean() / 0, OutcomeError, "diverged at step 1"),
    ],
)
def test_losses_that_cannot_be_used(function: Any, error: type[Exception], why: str) -> None:
    images, level = pictures(64)
    loss = loss_of(function)
    with pytest.raises(error, match=why):
        train_on_targets(network(1), data(loss.prepared(level), images), loss, RECIPE, 0)


@pytest.mark.parametrize(
    ("name", "targets", "why"),
    [
        ("mse", np.zeros((4, 2, 2)), r"not numbers of shape \(n,\) or \(n, outputs\)"),
        ("mse", np.array(["a"] * 4), "not numbers"),
        ("multi-label", np.zeros(4), "not 0 or 1 for each label"),
        ("multi-label", np.full((4, 2), 0.5), "not 0 or 1 for each label"),
        ("cross-entropy", np.zeros(4), "not class numbers from 0"),
        ("cross-entropy", np.array([-1, 0]), "not class numbers from 0"),
    ],
)
def test_targets_that_a_loss_does_not_take(name: str, targets: Any, why: str) -> None:
    with pytest.raises(InputError, match=why):
        LOSSES[name].prepared(targets)


def test_names_of_losses() -> None:
    with pytest.raises(InputError, match="no loss 'mes'"):
        loss_of("mes")
    with pytest.raises(InputError, match="neither the name of a loss"):
        loss_of(3)  # type: ignore[arg-type]  # that it is refused is the point


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_one_number_with_a_gradient(name: str) -> None:
    targets = {"multi-label": np.eye(3)[[0, 1, 2, 0]], "cross-entropy": np.array([0, 1, 2, 0])}
    given = LOSSES[name].prepared(targets.get(name, np.linspace(0, 1, 12).reshape(4, 3)))
    assert LOSSES[name].outputs(given) == 3
    outputs = torch.zeros(4, 3, requires_grad=True)
    value = value_of(LOSSES[name], outputs, torch.from_numpy(given))
    value.backward()  # type: ignore[no-untyped-call]  # torch's own
    assert value.shape == () and outputs.grad is not None and float(outputs.grad.abs().sum()) > 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"train_images": np.zeros((8, 8, 12), np.uint8)}, "both parts are"),
        ({"validation_images": np.zeros((4, 8, 8, 1), np.uint8)}, "both parts are"),
        ({"validation_images": np.zeros((0, 8, 12, 1), np.uint8)}, "both parts are"),
        ({"validation_targets": np.zeros((3, 1), np.float32)}, "give one for each of 4 pictures"),
        ({"validation_targets": np.zeros((4, 2), np.float32)}, "give one for each of 4 pictures"),
        ({"train_targets": np.full((8, 1), np.nan, np.float32)}, "targets hold values that are not finite"),
        ({"mean": ()}, "give 1 of both for uint8 images"),
        ({"deviation": (0.0,)}, "deviations above 0"),
    ],
)
def test_data_that_do_not_fit_together(change: dict[str, Any], why: str) -> None:
    good: dict[str, Any] = {
        "train_images": np.zeros((8, 8, 12, 1), np.uint8),
        "train_targets": np.zeros((8, 1), np.float32),
        "validation_images": np.zeros((4, 8, 12, 1), np.uint8),
        "validation_targets": np.zeros((4, 1), np.float32),
        "mean": (1.0,),
        "deviation": (2.0,),
    }
    TargetData(**good)
    with pytest.raises(InputError, match=why):
        TargetData(**{**good, **change})


def test_networks_that_do_not_fit() -> None:
    images, level = pictures(64)
    found = data(LOSSES["mse"].prepared(level), images)
    for blocks, why in (
        (
            ("conv-8x12x1-o8-k3-s2-relu", "head-4x6x8-o1"),
            "takes 8x12 pixels and 1 channels, but the pictures have 12x8",
        ),
        (("conv-12x8x3-o8-k3-s2-relu", "head-6x4x8-o1"), "takes 12x8 pixels and 3 channels"),
        (BLOCKS, "only a head can be trained"),
    ):
        other = Architecture("other", tuple(BlockSpec.parse(text) for text in blocks))
        with pytest.raises(InputError, match=why):
            check_fit(other, found, RECIPE)
    with pytest.raises(InputError, match="batch=64 is more than the 48 training images"):
        check_fit(network(1), found, replace(RECIPE, batch=64))


def test_the_mean_loss_weights_batches_by_their_length() -> None:
    from edgenas.training.feed import Feed

    images = np.zeros((300, 8, 12, 1), np.float32)
    targets = np.r_[np.zeros(256), np.ones(44)].astype(np.float32)[:, None]
    found = TargetData(images, targets, images, targets)
    feed = Feed(found, images, targets, 1, torch.device("cpu"))
    constant = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(96, 1))
    torch.nn.init.zeros_(constant[1].weight)  # type: ignore[arg-type]
    torch.nn.init.zeros_(constant[1].bias)  # type: ignore[arg-type]
    assert mean_loss(constant, LOSSES["mse"], feed) == pytest.approx(44 / 300)


def test_rows_held_out_are_none_of_the_others() -> None:
    train, kept = held_out(50, 0.1, 3)
    assert len(kept) == 5 and sorted([*train, *kept]) == list(range(50))
    assert not np.array_equal(kept, held_out(50, 0.1, 4)[1])
    for count, share in ((1, 0.1), (50, 0), (50, 1), (50, float("nan"))):
        with pytest.raises(InputError, match=r"give a share within 0\.\.1"):
            held_out(count, share, 0)
