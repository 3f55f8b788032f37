"""The loop under every training: cut and continued, averaged, fed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.search.accuracy.training import train
from edgenas.training.data import ImageData, TrainRecipe
from tests.support.listeners import Recorder
from tests.support.training_toys import MEMBERS, QUICK, TINY, bars

torch = pytest.importorskip("torch")

SGD = replace(QUICK, epochs=3, flip=True, shift=1, ema=0.9)
ADAMW = replace(QUICK, epochs=3, optimizer="adamw", lr=0.01)


class CutError(Exception):
    """What stands for a machine that is taken away."""


@pytest.mark.parametrize(
    ("recipe", "saved_every_s", "left"),
    [(SGD, 60.0, [13, 14, 15, 16, 17, 18]), (ADAMW, 60.0, [13, 14, 15, 16, 17, 18]), (SGD, 0.0, [15, 16, 17, 18])],
    ids=["sgd-ema", "adamw", "inside-an-epoch"],
)
def test_a_training_that_was_cut_goes_on_to_the_same_result(
    recipe: TrainRecipe, saved_every_s: float, left: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgenas.training.loop.SAVED_EVERY_S", saved_every_s)
    file = tmp_path / "state.npz"
    whole = train(MEMBERS[1], bars(), recipe, 3)

    def cut(done: int, steps: int | None) -> None:
        if done == 14:  # two steps into the third epoch
            raise CutError

    with pytest.raises(CutError):
        train(MEMBERS[1], bars(), recipe, 3, Recorder(cut), checkpoint=file)
    steps: list[int] = []
    again = train(MEMBERS[1], bars(), recipe, 3, Recorder(lambda done, _: steps.append(done)), checkpoint=file)
    assert steps == left
    assert again.losses == whole.losses and again.accuracy == whole.accuracy
    for name, value in whole.module.state_dict().items():
        assert torch.equal(value, again.module.state_dict()[name]), name
    finished = train(MEMBERS[1], bars(), recipe, 3, Recorder(lambda *_: pytest.fail("trained")), checkpoint=file)
    assert finished.accuracy == whole.accuracy and finished.losses == whole.losses


def test_a_checkpoint_of_another_training_or_of_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "state.npz"
    train(TINY, bars(), QUICK, 0, checkpoint=file)
    for other in ((MEMBERS[0], bars(), QUICK, 0), (TINY, bars(1), QUICK, 0), (TINY, bars(), replace(QUICK, lr=0.2), 0)):
        with pytest.raises(InputError, match=r"state\.npz holds the training .* delete it, or name another"):
            train(*other, checkpoint=file)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(InputError, match=r"state\.npz is no checkpoint"):
        train(TINY, bars(), QUICK, 0, checkpoint=file)


def test_the_mean_of_the_weights_is_what_is_judged() -> None:
    from edgenas.training.loop import _Mean

    module = torch.nn.Linear(2, 2, bias=False)
    mean, wanted = _Mean(module, 0.6), module.weight.detach().clone()
    for step in range(30):
        with torch.no_grad():
            module.weight += 1
        mean.update(step)
        decay = min(0.6, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * module.weight.detach()
    assert torch.allclose(mean.values["weight"], wanted)
    mean.take()
    assert torch.allclose(module.weight, wanted)


def test_stored_bytes_train_as_their_normalised_images_do() -> None:
    rng = np.random.default_rng(0)
    stored = rng.integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    labels = rng.integers(0, 3, 60)
    data = ImageData("bytes", 3, *(stored, labels) * 3, mean=(127.0,), deviation=(64.0,))  # type: ignore[misc, arg-type]
    floats = ImageData("floats", 3, *(data.normalised(stored), labels) * 3)  # type: ignore[misc, arg-type]
    one, other = (train(TINY, d, QUICK, 0) for d in (data, floats))
    assert np.allclose(one.losses, other.losses, atol=1e-4)
    assert data.digest != floats.digest != replace(data, mean=(1.0,)).digest


def test_shrinking_takes_the_mean_of_tiles() -> None:
    from edgenas.training.feed import Feed

    data = bars()
    images, labels = Feed(data, data.train_images, data.train_labels, 4, torch.device("cpu")).batch(np.array([5, 2]))
    wanted = data.train_images[[5, 2]].reshape(2, 2, 4, 2, 4).mean((2, 4))
    assert np.allclose(images[:, 0].numpy(), wanted, atol=1e-6)
    assert labels.tolist() == data.train_labels[[5, 2]].tolist()
    assert train(TINY, data, replace(QUICK, shrink=2), 0).losses != train(TINY, data, QUICK, 0).losses


def test_images_are_mirrored_and_moved_each_by_its_own_draw() -> None:
    from edgenas.training.augmentation import varied

    images = torch.arange(1.0, 65.0).view(1, 1, 8, 8).repeat(200, 1, 1, 1)
    flipped = varied(images, replace(QUICK, flip=True), np.random.default_rng(0))
    kinds = {
        "same" if torch.equal(x, images[0]) else "mirrored" if torch.equal(x, images[0].flip(2)) else "?"
        for x in flipped
    }
    assert kinds == {"same", "mirrored"}
    moved = varied(images, replace(QUICK, shift=2), np.random.default_rng(0))
    padded = torch.nn.functional.pad(images[0, 0], (2, 2, 2, 2))
    windows = [padded[r : r + 8, c : c + 8] for r in range(5) for c in range(5)]
    places = [next(i for i, window in enumerate(windows) if torch.equal(x[0], window)) for x in moved]
    assert set(places) == set(range(25))


def test_images_are_cropped_and_recoloured_each_by_its_own_draw() -> None:
    from edgenas.training.augmentation import cropped, recoloured

    ramp = torch.linspace(-1, 1, 64).expand(300, 2, 64, 64)  # a column's value is its place
    parts = cropped(ramp, 0.25, np.random.default_rng(0))
    widths = (parts[:, 0, 0, -1] - parts[:, 0, 0, 0]).numpy() / 2
    assert 0.43 <= widths.min() < 0.5 and 0.95 < widths.max() <= 1.0  # sqrt(0.25 * 3 / 4) and the whole image
    centres = parts[:, 0, 0].mean(1).numpy()
    assert centres.min() < -0.3 and centres.max() > 0.3
    assert torch.allclose(parts[:, :, 0], parts[:, :, -1], atol=1e-5)
    np.testing.assert_allclose(cropped(ramp, 1.0, np.random.default_rng(1)).mean((1, 2, 3)), 0, atol=0.15)
    images = torch.randn(300, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    changed = recoloured(images, 0.3, np.random.default_rng(0))
    moved = (changed.mean((1, 2, 3)) - images.mean((1, 2, 3))).numpy()
    assert -0.3 <= moved.min() < -0.25 and 0.25 < moved.max() <= 0.3
    grey = (changed.mean(1).std((1, 2)) / images.mean(1).std((1, 2))).numpy()
    assert 0.7 <= grey.min() < 0.75 and 1.25 < grey.max() <= 1.3001
    same = recoloured(images, 0.0, np.random.default_rng(0))
    assert torch.allclose(same, images, atol=1e-6)


def test_recipes_keep_their_digest_where_they_have_no_crops_and_colours() -> None:
    assert TrainRecipe(epochs=2).digest == "4bc2213d"
    assert len({TrainRecipe(epochs=2, **more).digest for more in ({}, {"crop": 0.5}, {"colour": 0.3})}) == 3


def test_devices_by_name() -> None:
    from edgenas.training.feed import device_named

    assert device_named("cpu").type == "cpu"
    for wrong in ("tpu", "mps"):
        with pytest.raises(InputError, match=f"'{wrong}'"):
            device_named(wrong)
    if not torch.cuda.is_available():
        assert device_named("auto").type == "cpu"
        with pytest.raises(InputError, match="finds no CUDA"):
            device_named("cuda")
