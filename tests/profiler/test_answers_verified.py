"""Accuracy of files measured on a device: its interval, its place, and the command that measures it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import DeviceError, InputError, LostError
from edgenas.blocks.architecture import Architecture
from edgenas.devices.inventory import Entry, find, load_inventory
from edgenas.devices.transports.fake import FakeDevice
from edgenas.profiler import answers as parts
from edgenas.profiler.export.run import run_model
from edgenas.profiler.target import Target, this_machine
from edgenas.ship import device_accuracy
from edgenas.ship.accuracy import prove
from edgenas.ship.device_accuracy import answered, outputs_on, wilson
from edgenas.training.pictures import Pictures
from tests.edgenas.test_cli import edgenas
from tests.profiler.test_answers import BLOCKS, images, models
from tests.support.listeners import Recorder
from tests.support.picture_toys import write_classes

pytestmark = pytest.mark.slow  # real processes and files for each test

__all__ = ["models"]  # fixtures

#: options of an export on the pictures of ``exported``
LABELLED = ("--calibrate", "photos", "--labels", "labels.txt", "--mean", "120", "--deviation", "60")


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Entry:
    """An entry of the inventory that opens a fake device, whose cpuinfo is of a Haswell."""
    entry = replace(find(load_inventory(None), "local"), name="pi4", kind="ssh")
    monkeypatch.setattr(Entry, "open", lambda self: FakeDevice("pi4", tmp_path / "fake"))
    monkeypatch.setattr(device_accuracy, "target_on", lambda device: Target(device.name, "sse4.1 avx2"))
    return entry


def file(folder: Path, name: str, models: dict[str, bytes]) -> Path:
    (folder / name).write_bytes(models[name])
    return folder / name


def test_accuracy_has_an_interval_and_a_place(fake: Entry, models: dict[str, bytes], tmp_path: Path) -> None:
    path = file(tmp_path, "model-int8.onnx", models)
    x = images(50, 2)
    labels = run_model(models[path.name], x).argmax(1)
    labels[:5] = (labels[:5] + 1) % 5
    found = answered(fake, path, Pictures(x, labels))
    assert (found.correct, found.pictures, found.accuracy, found.agreement) == (45, 50, 90.0, 1.0)
    assert found.on == Target("pi4", "sse4.1 avx2") and found.this_machine == this_machine()
    assert (found.low, found.high) == pytest.approx((78.64, 95.65), abs=0.01)
    told = found.as_dict()
    assert told["accuracy_on"] == {"device": "pi4", "int8_isa": "sse4.1 avx2"}
    assert told["weight_bits"] == 8 and told["runtime"].startswith("onnxruntime ")
    with pytest.raises(InputError, match="labels reach from 0 to 5"):
        answered(fake, path, Pictures(x[:6], np.arange(6)))
    with pytest.raises(InputError, match="accuracy needs labels"):
        answered(fake, path, Pictures(x, None))


def test_an_interval_of_all_or_none_has_a_width() -> None:
    """Wilson's of 10 of 10: 1 / (1 + z^2 / 10), z the 97.5 % quantile of the normal."""
    assert wilson(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)


def test_int8_is_proved_on_the_device_and_float_here(fake: Entry, models: dict[str, bytes], tmp_path: Path) -> None:
    x = images(20, 2)
    recorder = Recorder()
    said = recorder.messages

    def proved(name: str, entry: Entry) -> Target | None:
        labels = run_model(models[name], x).argmax(1)
        precision = "int8" if "int8" in name else "fp32"
        proof = prove(file(tmp_path, name, models), precision, Pictures(x, labels), labels, entry, listener=recorder)
        assert proof.accuracy == 100 and proof.agreement == 1
        assert proof.as_dict()["accuracy_on"] == (None if proof.on is None else proof.on.as_dict())
        return proof.on

    assert proved("model-int8.tflite", fake) == proved("model-int8.onnx", fake) == Target("pi4", "sse4.1 avx2")
    assert proved("model.onnx", fake) == this_machine()
    assert said == []
    phone = replace(fake, python="")
    assert proved("model-int8.tflite", phone) == this_machine()
    assert len(said) == 1
    assert said[0].startswith("the accuracy of model-int8.tflite is measured on this machine: pi4 has no Python")
    with pytest.raises(InputError, match="pi4 has no Python"):
        outputs_on(phone, tmp_path / "model.tflite", x)


def test_a_device_that_is_lost_is_no_reason_to_measure_elsewhere(
    fake: Entry, models: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*args: Any, **how: Any) -> Any:
        raise LostError("pi4: the connection broke")

    monkeypatch.setattr(parts, "run_kept", lost)
    path = file(tmp_path, "model-int8.onnx", models)
    with pytest.raises(DeviceError, match="connection broke"):
        prove(path, "int8", Pictures(images(4), np.zeros(4, np.int64)), None, fake)


# -- the command


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("answers")
    network = Architecture("small", BLOCKS)
    (folder / "arch.json").write_text(json.dumps(network.to_json()))
    write_classes(folder / "photos", 4)
    (folder / "labels.txt").write_text("blue\ngreen\nred\nsort 1\nsort 2\n")
    edgenas(
        "export",
        "arch.json",
        "--precision",
        "int8",
        *LABELLED,
        "--reduce-range",
        cwd=folder,
    )
    return folder


@pytest.mark.slow
def test_verify_tells_how_many_pictures_a_file_gets_right_there(exported: Path) -> None:
    files = ("model/model-int8.tflite", "model/model-int8.onnx")
    told = json.loads(edgenas("verify", *files, "--images", "photos", "--json", cwd=exported).stdout)
    assert [t["file"] for t in told] == list(files)
    assert [(t["pictures"], t["weight_bits"], t["this_machine"]["agreement"]) for t in told] == [
        (12, 8, 1.0),
        (12, 7, 1.0),
    ]
    assert all(t["low"] <= t["accuracy"] == t["this_machine"]["accuracy"] <= t["high"] for t in told)
    assert told[0]["accuracy_on"] == this_machine().as_dict()
    shown = edgenas("verify", *files, "--images", "photos", cwd=exported).stdout
    assert "7 bits" in shown and str(this_machine()) in shown and "12" in shown


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--budget-ms", "5"), "--images measures no latency: leave out --budget-ms"),
        (("--sustained", "10m"), "--images measures no latency: leave out --sustained"),
        (("--mean", "1"), "give the same number of both"),
        (("--device", "pi9"), "pi9"),
    ],
)
def test_misuse_with_images(exported: Path, args: tuple[str, ...], why: str) -> None:
    done = edgenas("verify", "model/model-int8.onnx", "--images", "photos", *args, cwd=exported, check=2)
    assert why in done.stderr


def test_more_misuse_with_images(exported: Path) -> None:
    said: Callable[..., str] = lambda *args: edgenas("verify", *args, cwd=exported, check=2).stderr  # noqa: E731
    assert "model is a folder; name the files" in said("model", "--images", "photos")
    assert "photos/red has no labels" in said("model/model-int8.onnx", "--images", "photos/red")
    assert "nowhere.onnx: No such file" in said("model/nowhere.onnx", "--images", "photos")
    assert "scale the images of --images" in said("model/model-int8.onnx", "--mean", "1")
