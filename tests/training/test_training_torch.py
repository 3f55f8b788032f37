"""The torch underneath training: what it computes, and that what ships is what was trained."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import check_weights
from edgenas.search.accuracy.training import train
from tests.support.training_toys import MEMBERS, QUICK, bars

torch = pytest.importorskip("torch")


def test_the_trained_module_gives_the_writers_what_computes_the_same() -> None:
    from edgenas.blocks.torch_modules import network_folded_weights, predict
    from edgenas.profiler.export.run import run_model
    from edgenas.profiler.export.tflite import write_tflite

    data = bars()
    trained = train(MEMBERS[1], data, QUICK, seed=0)
    model = write_tflite(MEMBERS[1].blocks, network_folded_weights(trained.module))
    expected = predict(trained.module, data.test_images)
    assert np.abs(run_model(model, data.test_images) - expected).max() < 1e-4 * np.abs(expected).max()


def test_weight_decay_spares_batch_norm_and_biases() -> None:
    from edgenas.training.loop import optimizer_for
    from edgenas.training.network import fresh_network

    module = fresh_network(MEMBERS[1], 0)
    decayed, spared = (group["params"] for group in optimizer_for(module, QUICK).param_groups)
    assert len(decayed) + len(spared) == len(list(module.parameters()))
    names = {id(p): name for name, p in module.named_parameters()}
    assert all(names[id(p)].endswith(".weight") and ".bn." not in names[id(p)] for p in decayed)
    assert all(".bn." in names[id(p)] or names[id(p)].endswith(".bias") for p in spared)


def test_fresh_pointwise_convolutions_compute_what_torch_does() -> None:
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.training.network import fresh_network

    ours, plain = fresh_network(MEMBERS[1], 3), NetworkModule(MEMBERS[1])
    plain.load_state_dict(ours.state_dict())
    x = torch.randn(5, 1, 8, 8)
    assert torch.allclose(ours(x), plain(x), atol=1e-5)


@pytest.mark.parametrize("size", [7, 8])
@pytest.mark.parametrize("text", ["conv-{}x4-o6-k1-s2-relu", "conv-{}x4-o6-k1-s1-relu", "conv-{}x4-o6-k3-s2-relu"])
def test_quick_convolutions_have_the_gradients_of_torchs_own(text: str, size: int) -> None:
    from edgenas.blocks.torch_modules import BlockModule
    from edgenas.training.network import quick

    block = BlockSpec.parse(text.format(size))
    plain, ours = BlockModule(block), quick(BlockModule(block))
    ours.load_state_dict(plain.state_dict())
    x = torch.randn(3, 4, size, size)
    gradients = []
    for module in (plain, ours):
        given = x.clone().requires_grad_()
        y = module(given)
        y.square().sum().backward()
        gradients.append([y, given.grad, *(p.grad for p in module.parameters())])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_schedule_warms_up_then_falls_to_nothing() -> None:
    from edgenas.training.loop import schedule

    factors = [schedule(step, 100, 10) for step in range(100)]
    assert factors[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert factors[10] == 1 and factors[-1] < 0.01 and factors[9:] == sorted(factors[9:], reverse=True)
    assert schedule(0, 100, 0) == 1


@pytest.mark.parametrize("text", ["ir-8x4-m8-o6-k1-s1-hswish", "ir-8x4-m8-o4-k3-s1-relu-res", "sep-8x4-o6-k1-s1-relu"])
def test_a_fresh_network_is_the_network_that_ships(text: str) -> None:
    """Quicker layers for training must leave shapes and values as the writers know them."""
    from edgenas.blocks.torch_modules import NetworkModule, network_folded_weights
    from edgenas.training.network import fresh_network

    blocks = (BlockSpec.parse(text), BlockSpec("head", 8, BlockSpec.parse(text).c_out, c_out=3))
    network = fresh_network(Architecture("one", blocks), seed=0).eval()
    plain = NetworkModule(Architecture("one", blocks)).eval()
    plain.load_state_dict(network.state_dict())
    x = torch.randn(2, 4, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(network(x), plain(x))
    for block, weights in zip(blocks, network_folded_weights(network), strict=True):
        check_weights(block, weights)
