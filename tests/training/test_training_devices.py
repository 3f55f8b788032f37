"""Training on other devices than this CPU: nothing waits for them, nothing is left behind, and on CUDA, where torch
finds it, the same is learned."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("torch")
import torch

from edgenas.search.problem import Candidate
from edgenas.training import loop
from edgenas.training.data import TrainRecipe
from tests.search.test_supernet import RECIPE as SUPERNET_RECIPE
from tests.search.test_supernet import SPACE
from tests.support.listeners import Recorder
from tests.support.training_toys import MEMBERS, QUICK, bars

VARIED = replace(QUICK, flip=True, shift=1, ema=0.9)
BUSY = replace(VARIED, epochs=3, batch=8)  # 12 steps an epoch
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA here")


class EnoughError(Exception):
    """Raised by what hears of progress, to end a training."""


def run_steps(device: str, which: str, recipe: TrainRecipe, count: int) -> None:
    """``count`` steps of the real loop on ``device``, where weights and images lie."""
    from edgenas.search.accuracy.shared_weights import SharedNetwork
    from edgenas.search.accuracy.supernet_torch import gradients as supernet_gradients
    from edgenas.training.arithmetic import Arithmetic
    from edgenas.training.feed import Feed
    from edgenas.training.loop import Fit
    from edgenas.training.network import fresh_network, gradients

    where, data = torch.device(device), bars()
    how = Arithmetic.of(where)
    feed = Feed(data, data.train_images, data.train_labels, recipe.shrink, where)
    if which == "supernet":
        network = SharedNetwork(SPACE, 0).to(where)
        step = supernet_gradients(network, replace(SUPERNET_RECIPE, training=recipe), 0, how)
    else:
        network = fresh_network(MEMBERS[1], 0).to(where)
        step = gradients(network, recipe, how)

    def enough(done: int, steps: int | None) -> None:
        if done == count:
            raise EnoughError

    with pytest.raises(EnoughError):
        Fit(which, network, feed, recipe, 0, step, listener=Recorder(enough)).run()
    assert {p.grad.device.type for p in network.parameters()} == {where.type}


@pytest.mark.slow
@pytest.mark.parametrize("which", ["train", "supernet"])
def test_no_step_reads_a_number_back_from_the_device(which: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors of torch's 'meta' device have no numbers: reading one fails, and so does mixing them with the CPU's."""

    def plain(module: torch.nn.Module, recipe: TrainRecipe) -> torch.optim.Optimizer:
        """Not fused: 'meta' has no such kernel."""
        return torch.optim.SGD(module.parameters(), lr=recipe.lr, momentum=0.9, nesterov=True)

    monkeypatch.setattr(loop, "optimizer_for", plain)
    run_steps("meta", which, BUSY, 10)


def test_memory_order_and_precision_change_how_and_not_what_is_computed() -> None:
    from edgenas.training.arithmetic import Arithmetic
    from edgenas.training.network import train

    recipe = replace(VARIED, epochs=1)
    usual, plain, half = (
        train(MEMBERS[1], bars(), recipe, 0, arithmetic=how)
        for how in (None, Arithmetic(channels_last=False), Arithmetic(bf16=True))
    )
    assert plain.losses == pytest.approx(usual.losses, abs=1e-3)
    assert half.losses == pytest.approx(usual.losses, abs=0.1) and half.losses != usual.losses
    assert {p.dtype for p in half.module.parameters()} == {torch.float32}


def test_repeatable_kernels_are_asked_for_while_it_trains_and_no_longer() -> None:
    from edgenas.training.network import train

    seen = []
    before = torch.backends.cudnn.deterministic
    train(MEMBERS[0], bars(), QUICK, 0, Recorder(lambda *_: seen.append(torch.backends.cudnn.deterministic)))
    assert set(seen) == {True} and torch.backends.cudnn.deterministic == before


@cuda
@pytest.mark.parametrize("which", ["train", "supernet"])
def test_no_step_makes_the_cpu_wait_for_the_gpu(which: str) -> None:
    run_steps("cuda", which, BUSY, 3)  # lets libraries set themselves up
    torch.cuda.set_sync_debug_mode("error")
    try:
        run_steps("cuda", which, BUSY, 10)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@cuda
def test_a_gpu_learns_what_the_cpu_does() -> None:
    from edgenas.training.arithmetic import Arithmetic
    from edgenas.training.network import train

    here, there = (
        train(MEMBERS[1], bars(), VARIED, 0, device=name, arithmetic=Arithmetic()) for name in ("cpu", "cuda")
    )
    assert there.losses[:3] == pytest.approx(here.losses[:3], abs=0.02)
    assert next(there.module.parameters()).device.type == "cpu" and there.accuracy > 60  # chance is 33


@cuda
def test_a_training_that_was_cut_goes_on_to_the_same_result_on_a_gpu(tmp_path: Path) -> None:
    from edgenas.training.network import train

    whole = train(MEMBERS[1], bars(), BUSY, 0, device="cuda")

    def cut(done: int, steps: int | None) -> None:
        if done == 30:
            raise EnoughError

    file = tmp_path / "state.npz"
    with pytest.raises(EnoughError):
        train(MEMBERS[1], bars(), BUSY, 0, Recorder(cut), device="cuda", checkpoint=file)
    again = train(MEMBERS[1], bars(), BUSY, 0, device="cuda", checkpoint=file)
    assert again.losses == whole.losses and again.accuracy == whole.accuracy


@cuda
def test_a_supernet_repeats_on_a_gpu() -> None:
    from edgenas.search.accuracy.supernet import SupernetAccuracy

    candidates = [Candidate(c, SPACE.architecture(c)) for c in ((0, 3, 0), (1, 1, 0))]
    one, two = (
        dict(SupernetAccuracy(SPACE, bars(), SUPERNET_RECIPE, device="cuda").evaluate(candidates)) for _ in range(2)
    )
    assert one == two
