"""Training that begins from published weights: the head by regression, frozen batch norms, the recipe by validation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edgenas.base.listener import Listener
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.training.data import ImageData, TrainRecipe

torch = pytest.importorskip("torch")

BLOCKS = ("conv-8x3-o8-k3-s2-relu6-same", "ir-4x8-m16-o8-k3-s1-relu6-res", "conv-4x8-o24-k1-s1-relu6", "head-4x24-o3")
NETWORK = Architecture("toy", tuple(map(BlockSpec.parse, BLOCKS)))
RECIPE = TrainRecipe(epochs=2, batch=8, lr=0.01)


class Messages(Listener):
    """A listener that keeps all messages."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def message(self, text: str) -> None:
        self.told.append(text)


def data(noise: float = 20.0, count: int = 48) -> ImageData:
    """Images of three classes that differ in their colour."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    colours = np.array([[200, 90, 90], [90, 200, 90], [90, 90, 200]])
    images = np.clip(colours[labels][:, None, None, :] + noise * rng.standard_normal((count, 8, 8, 3)), 0, 255)
    order = [rng.permutation(len(images)) for _ in range(3)]
    levels = images.astype(np.uint8)
    (x, y), (vx, vy), (tx, ty) = [(levels[o], labels[o].astype(np.int64)) for o in order]
    return ImageData("colours", 3, x, y, vx, vy, tx, ty, mean=(127.0,) * 3, deviation=(128.0,) * 3)


def start(exact: bool = True) -> object:
    from edgenas.blocks.torch_modules import NetworkModule, randomize_batch_norm
    from edgenas.training.fine_tuning import Start

    torch.manual_seed(3)
    module = NetworkModule(NETWORK)
    randomize_batch_norm(module, 1)
    tensors = tuple(
        {
            n: v.numpy().copy()
            for n, v in block.state_dict().items()
            if not n.endswith("num_batches_tracked") and not n.startswith("classifier")
        }
        for block in module
    )
    return Start(tensors, 1e-3, "toy", exact)


def trained(folder: Path | None = None, **options: bool) -> tuple[object, str, list[str]]:
    from edgenas.training.fine_tuning import Start, trained_from

    messages, begin = Messages(), start(**options)
    assert isinstance(begin, Start)
    checkpoint = None if folder is None else folder / "winner.npz"
    found, recipe = trained_from(begin, NETWORK, data(), RECIPE, 0, messages, checkpoint=checkpoint)
    return found, recipe, messages.told


def test_the_network_begins_as_published_and_keeps_its_statistics() -> None:
    from edgenas.training.fine_tuning import Start, started
    from edgenas.training.network import Trained

    begin = start()
    assert isinstance(begin, Start)
    module = started(begin, NETWORK)
    state = module.state_dict()
    for i, block in enumerate(begin.tensors):
        assert all(np.array_equal(state[f"{i}.{name}"].numpy(), array) for name, array in block.items())
    assert {layer.eps for layer in module.modules() if isinstance(layer, torch.nn.BatchNorm2d)} == {1e-3}
    found, _, told = trained()
    assert isinstance(found, Trained) and len(told) == 3 and "head by regression" in told[0]
    means = [layer.running_mean for layer in found.module.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    own = [block[name] for block in begin.tensors for name in block if name.endswith("running_mean")]
    assert all(np.array_equal(a.numpy(), b) for a, b in zip(means, own, strict=True))
    assert found.accuracy > 90


def test_a_member_that_was_cut_out_gets_statistics_of_the_images() -> None:
    from edgenas.training.feed import Feed
    from edgenas.training.fine_tuning import Start, recalibrated, started
    from edgenas.training.network import Trained

    begin, images = start(exact=False), data()
    assert isinstance(begin, Start)
    module = started(begin, NETWORK)
    recalibrated(module, Feed(images, images.train_images, images.train_labels, 1, torch.device("cpu")))
    norm = module[0].get_submodule("conv.bn")
    x = torch.from_numpy(images.normalised(images.train_images)).permute(0, 3, 1, 2)
    with torch.no_grad():
        padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
        values = torch.nn.functional.conv2d(padded, module[0].get_submodule("conv.conv").weight, stride=2)
    variance = np.maximum(values.var((0, 2, 3), unbiased=True).numpy(), 0.1 * begin.tensors[0]["conv.bn.running_var"])
    np.testing.assert_allclose(norm.running_var.numpy(), variance, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(norm.running_mean.numpy(), values.mean((0, 2, 3)).numpy(), rtol=1e-3, atol=1e-4)
    found, _, _ = trained(exact=False)
    assert isinstance(found, Trained) and found.accuracy > 90


def test_a_training_continues_from_its_checkpoints(tmp_path: Path) -> None:
    from edgenas.training.network import Trained

    first, recipe, _ = trained(tmp_path)
    assert len(list(tmp_path.glob("winner-*.npz"))) == 2
    again, same, _ = trained(tmp_path)
    plain, _, _ = trained()
    assert isinstance(first, Trained) and isinstance(again, Trained) and isinstance(plain, Trained)
    assert recipe == same and first.accuracy == again.accuracy == plain.accuracy
    for a, b, c in zip(*(f.module.state_dict().values() for f in (first, again, plain)), strict=True):
        assert torch.equal(a, b) and torch.equal(a, c)


def test_the_gentle_recipe_neither_crops_nor_recolours() -> None:
    from edgenas.training.fine_tuning import described, recipes

    strong, gentle = recipes(TrainRecipe(epochs=8, lr=0.002, crop=0.35, colour=0.3, flip=True))
    assert gentle == TrainRecipe(epochs=4, lr=0.0005, flip=True)
    assert described(strong) == (
        "fine-tuned, 8 epochs, learning rate 0.002, random parts of at least 35 % of an image, random colours, 0.3, "
        "batch norm statistics frozen"
    )
    assert described(gentle) == "fine-tuned, 4 epochs, learning rate 0.0005, batch norm statistics frozen"
    assert recipes(TrainRecipe(epochs=1))[1].epochs == 1


def test_the_regression_separates_what_can_be_separated() -> None:
    from edgenas.training.head_regression import regression

    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = 5.0 + 100.0 * np.eye(3)[labels] + rng.standard_normal((60, 3))
    weight, bias = regression(torch.tensor(features, dtype=torch.float32), torch.from_numpy(labels), 3)
    scores = torch.tensor(features, dtype=torch.float32) @ weight.T + bias
    assert (scores.argmax(1).numpy() == labels).all()


def test_batch_norms_keep_their_statistics_while_all_weights_train() -> None:
    from edgenas.training.fine_tuning import FrozenNorms, Start, started

    begin = start()
    assert isinstance(begin, Start)
    module = FrozenNorms(started(begin, NETWORK)).train()
    assert module.training and module.network.training
    before = {name: value.clone() for name, value in module.state_dict().items()}
    loss = module(torch.randn(6, 3, 8, 8)).square().sum() + sum(p.square().sum() for p in module.parameters())
    loss.backward()
    assert all(p.grad is not None and float(p.grad.abs().max()) > 0 for p in module.parameters() if p.abs().max() > 0)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
