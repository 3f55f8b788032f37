"""``edgenas.train``: targets of one's own, up to files that compute the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
import torch

import edgenas
from edgenas.base.errors import InputError
from edgenas.profiler.export.run import run_model
from tests.edgenas.test_cli import edgenas as typed

NETWORK = "digits/3.3.3.3.3.3"
QUICK = {"epochs": 2, "batch": 16}


def spots(count: int, seed: int = 0) -> tuple[Any, Any]:
    """Pictures (n, 16, 24, 1) of one bright spot, and its place (x, y) within 0..1."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.2, 0.8, (count, 2))
    rows, columns = np.mgrid[:16, :24]
    away = (columns / 24 - place[:, :1, None]) ** 2 + (rows / 16 - place[:, 1:, None]) ** 2
    levels = 220 * np.exp(-away / 0.02) + rng.normal(20, 8, away.shape)
    return np.clip(levels, 0, 255).astype(np.uint8)[..., None], place.astype(np.float32)


@pytest.mark.slow
def test_a_place_is_learned_and_the_files_find_it(tmp_path: Path) -> None:
    images, place = spots(600)
    shown, where = spots(100, seed=1)
    done = edgenas.train(NETWORK, images, place, loss="mse", validation=(shown, where), options={"epochs": 10})
    assert done.network.architecture.c_out == 2 and done.validation_loss < 0.2 * float(where.var(0).mean())
    found = done.predict(shown)
    assert done.validation_loss == pytest.approx(float(((found - where) ** 2).mean()), rel=1e-3)
    files = done.export(tmp_path / "model").files
    for path in files.values():
        answers = run_model(path.read_bytes(), done.normalised(shown))
        assert np.allclose(answers, found, atol=1e-4)
    done.save(tmp_path / "weights.npz")
    again = edgenas.export(done.network, tmp_path / "again", weights=tmp_path / "weights.npz").files
    assert again["onnx"].read_bytes() == files["onnx"].read_bytes()


def test_labels_classes_and_numbers_set_the_outputs(tmp_path: Path) -> None:
    images, place = spots(40)
    for loss, targets, outputs in (
        ("multi-label", place > 0.5, 2),
        ("cross-entropy", (place[:, 0] > 0.5).astype(int), 2),
        ("huber", place[:, 0], 1),
        ("l1", np.c_[place, place], 4),
    ):
        done = edgenas.train(NETWORK, images, targets, loss=loss, options=QUICK)
        assert done.network.architecture.c_out == outputs and done.predict(images).shape == (40, outputs)
        assert len(done.losses) == 2 * (36 // 16) and np.isfinite(done.validation_loss)
        json.dumps(done.to_json())
    wider = edgenas.train(
        NETWORK, images, (place[:, 0] > 0.5).astype(int), loss="cross-entropy", outputs=5, options=QUICK
    )
    assert wider.predict(images).shape == (40, 5)
    assert f"{NETWORK}, 5 outputs, trained for 4 steps: cross-entropy" in repr(wider)


def test_a_function_as_loss_keeps_the_outputs_of_the_network(tmp_path: Path) -> None:
    images, place = spots(40)

    def both(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        label = torch.nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], (targets[:, 0] > 0.5).float())
        return label + torch.nn.functional.l1_loss(outputs[:, 1:], targets)

    one = edgenas.network("mobilenet_v3_small", "24x16", classes=3, channels=1)
    done = edgenas.train(one, images, place, loss=both, options=QUICK)
    assert done.network.architecture == one.architecture and done.predict(images).shape == (40, 3)
    changed = edgenas.train(one, images, place, loss=lambda o, t: o.square().mean(), outputs=7, options=QUICK)
    assert changed.predict(images).shape == (40, 7)
    files = done.export(tmp_path / "model", formats=["tflite"]).files
    assert np.allclose(
        run_model(files["tflite"].read_bytes(), done.normalised(images)), done.predict(images), atol=1e-4
    )


def test_floats_of_any_channels_have_no_scaling() -> None:
    images = np.random.default_rng(0).normal(size=(40, 10, 49, 5))
    done = edgenas.train("mobilenet_v3_small", images, np.arange(40) % 3 / 2, loss="mse", options=QUICK)
    assert (done.mean, done.deviation) == ((), ()) and str(done.network.architecture.in_size) == "49x10"
    assert done.network.architecture.c_in == 5


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"loss": "mes"}, "no loss 'mes'; did you mean 'mse'"),
        ({"options": {"epoch": 3}}, "a training has no option epoch"),
        ({"options": {"label_smoothing": 0.1}}, "a training has no option label_smoothing"),
        ({"options": {"epochs": 0}}, "epochs=0 must be 1 or more"),
        ({"targets": np.zeros((39, 2))}, "one target for each picture"),
        ({"targets": [[1], [1, 2]]}, "targets are no array"),
        ({"targets": ["a"] * 40}, "targets are .*, not numbers"),
        ({"images": np.zeros((40, 16, 24), np.uint8)}, "give .n, height, width, channels."),
        ({"images": np.zeros((40, 16, 24, 1), np.uint16)}, "not uint8 levels 0..255 or float32"),
        ({"outputs": 3}, "outputs=3, but the targets of mse need 2; leave out outputs"),
        ({"outputs": 0}, "must be 1 or more"),
        ({"threads": 0}, "must be 1 or more"),
        ({"validation": 1.0}, "give a share within"),
        ({"mean": (1.0, 2.0)}, "give 1 of both"),
        ({"train_on": "tpu"}, "device 'tpu'"),
        ({"network": "mobilenet_v9"}, "names no network"),
    ],
)
def test_misuse_is_named(change: dict[str, Any], why: str) -> None:
    images, place = spots(40)
    given: dict[str, Any] = {"network": NETWORK, "images": images, "targets": place, "loss": "mse", "options": QUICK}
    with pytest.raises(InputError, match=why):
        edgenas.train(**{**given, **change})


def test_an_object_must_fit_the_pictures() -> None:
    images, place = spots(40)
    with pytest.raises(InputError, match="takes 32 pixels and 1 channels, but the pictures have 24x16 pixels"):
        edgenas.train(edgenas.network(NETWORK, 32), images, place, loss="mse", options=QUICK)


LOSS = """
import torch

half = 0.5


def limits(outputs, targets):
    error = targets[:, :1] - outputs
    quantiles = torch.tensor([0.1, 0.9])
    return torch.maximum(quantiles * error, (quantiles - 1) * error).mean()
"""


@pytest.mark.slow
def test_the_verb_trains_and_export_takes_what_it_wrote(tmp_path: Path) -> None:
    images, place = spots(40)
    shown, where = spots(20, seed=1)
    np.savez(tmp_path / "places.npz", images=images, targets=place, val_images=shown, val_targets=where)
    (tmp_path / "my_loss.py").write_text(LOSS)
    small = ("--set", "train.epochs=2", "--set", "train.batch=16")
    base = ("train", NETWORK, "--data", "places.npz")
    told = json.loads(typed(*base, "--loss", "mse", *small, "-o", "mine", "--json", cwd=tmp_path).stdout)
    done = edgenas.train(NETWORK, images, place, loss="mse", validation=(shown, where), options=QUICK)
    assert told["losses"] == list(done.losses) and told["validation_loss"] == done.validation_loss
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == ["arch.json", "weights.npz"]
    typed("export", "mine/arch.json", "--weights", "mine/weights.npz", "-o", "model", cwd=tmp_path)
    answers = run_model((tmp_path / "model" / "model.tflite").read_bytes(), done.normalised(shown))
    assert np.allclose(answers, done.predict(shown), atol=1e-4)
    own = typed(*base, "--loss", "my_loss.py:limits", "--outputs", "2", *small, "-o", "limits", cwd=tmp_path).stdout
    assert "next:" in own and "edgenas export limits/arch.json --weights limits/weights.npz" in own
    assert edgenas.network(tmp_path / "limits" / "arch.json").architecture.c_out == 2


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--data", "places.npz", "--loss", "mes"), "no loss 'mes'; did you mean 'mse'"),
        (("--data", "places.npz", "--loss", "my_loss.py:nothing"), "my_loss.py has no `nothing`"),
        (("--data", "places.npz", "--loss", "my_loss.py:half"), "is a float, not a loss: a function of"),
        (("--data", "other.npz", "--loss", "mse"), "other.npz holds pictures; name the arrays images and targets"),
        (("--data", "my_loss.py", "--loss", "mse"), "my_loss.py is no .npz of plain arrays"),
        (("--data", "places.npz", "--loss", "mse", "--set", "train.epoch=3"), "train has no option 'epoch'"),
        (("--data", "places.npz", "--loss", "mse", "--set", "epochs=3"), "such as train.epochs=20"),
        (("--data", "places.npz", "--loss", "mse", "--outputs", "3"), "the targets of mse need 2"),
    ],
)
def test_misuse_of_the_verb_writes_nothing(tmp_path: Path, args: tuple[str, ...], why: str) -> None:
    images, place = spots(40)
    np.savez(tmp_path / "places.npz", images=images, targets=place)
    np.savez(tmp_path / "other.npz", pictures=images)
    (tmp_path / "my_loss.py").write_text(LOSS)
    assert why in typed("train", NETWORK, *args, cwd=tmp_path, check=2).stderr
    assert not (tmp_path / "trained").exists()
