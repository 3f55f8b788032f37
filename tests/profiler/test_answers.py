"""Files on labelled pictures on a device: the same answers by any way, in parts, with nothing left behind."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError, LostError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, network_random_weights
from edgenas.devices.base import Device
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.jobs import Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler import answers as parts
from edgenas.profiler.answers import answers
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.quantize import quantized
from edgenas.profiler.export.run import run_model
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.answers import parse_answers
from edgenas.profiler.runtimes.output import OutputError
from tests.support.listeners import Recorder

pytestmark = pytest.mark.slow  # real processes and files for each test

pytest.importorskip("ai_edge_quantizer")

BLOCKS = tuple(
    map(BlockSpec.parse, ("conv-12x3-o8-k3-s2-relu6", "ir-6x8-m24-o16-k5-s2-hswish", "head-3x16-m24-o5-relu6"))
)
WEIGHTS = network_random_weights(BLOCKS, 3)
BY_FORMAT = {"tflite": "litert", "onnx": "onnxruntime"}
QUICK = Wait(patience_s=20.0, poll_s=0.05)


def images(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal((count, 12, 12, 3), dtype=np.float32)


@pytest.fixture(scope="module")
def models() -> dict[str, bytes]:
    made = {}
    for fmt in WRITERS:
        made[f"model.{fmt}"] = WRITERS[fmt](BLOCKS, WEIGHTS)
        made[f"model-int8.{fmt}"] = quantized(made[f"model.{fmt}"], "int8", images(16))
    return made


def asked(device: Device, name: str, model: bytes, x: Array, **how: Any) -> Array:
    runtime = RUNTIMES[BY_FORMAT[name.rpartition(".")[2]]]
    return answers(device, runtime, model, x, program=sys.executable, wait=QUICK, **how).outputs


@pytest.mark.parametrize("name", ["model.tflite", "model-int8.tflite", "model.onnx", "model-int8.onnx"])
def test_a_device_answers_as_this_machine_does(
    name: str, models: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "PART_PICTURES", 30)  # 70 pictures are three parts, the last of ten
    x, recorder = images(70, 1), Recorder()
    here = run_model(models[name], x)
    for device in (LocalDevice(), FakeDevice("fake", tmp_path / "fake")):
        found = asked(device, name, models[name], x, listener=recorder)
        np.testing.assert_array_equal(found, here)
    assert recorder.counts == [(30, 70), (60, 70), (70, 70)] * 2
    assert not list((tmp_path / "fake" / "files").rglob("inputs.npy"))


def test_a_part_holds_no_more_than_a_device_has_room_for(
    models: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = models["model-int8.onnx"]
    monkeypatch.setattr(parts, "PART_BYTES", 1000)
    sent: list[int] = []
    device, push = FakeDevice("fake", tmp_path / "fake"), FakeDevice.push

    def watched(self: FakeDevice, local: Path, remote: str) -> None:
        sent.append((local / "inputs.npy").stat().st_size)
        push(self, local, remote)

    monkeypatch.setattr(FakeDevice, "push", watched)
    asked(device, "model-int8.onnx", model, images(200, 1))
    assert len(sent) > 1 and max(sent) <= len(model) + 200, "a header of .npy"


def test_a_connection_that_breaks_is_taken_up_again(models: dict[str, bytes], tmp_path: Path) -> None:
    device = FakeDevice("fake", tmp_path / "fake")
    device.link.faults.drop_after_bytes = 20_000  # in the middle of the first part
    x = images(40, 1)
    found = asked(device, "model-int8.tflite", models["model-int8.tflite"], x)
    np.testing.assert_array_equal(found, run_model(models["model-int8.tflite"], x))


def test_one_that_stays_away_is_lost_and_ctrl_c_leaves_nothing(
    models: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = FakeDevice("fake", tmp_path / "fake")
    model, runtime = models["model-int8.tflite"], RUNTIMES["litert"]
    monkeypatch.setattr(parts, "PART_PICTURES", 10)

    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(device, "model-int8.tflite", model, images(40), listener=Recorder(interrupt))
    assert not list((tmp_path / "fake" / "files").rglob("inputs.npy"))
    device.link.faults.unplugged = True
    device.link.drop()
    with pytest.raises(LostError, match="fake: "):
        answers(device, runtime, model, images(40), program=sys.executable, wait=Wait(patience_s=0.2, poll_s=0.05))


def test_what_cannot_run_says_why(models: dict[str, bytes], tmp_path: Path) -> None:
    device = FakeDevice("fake", tmp_path / "fake")
    broken = models["model.tflite"][:-400]
    with pytest.raises(InputError, match="fake runs files by benchmark_model, which takes no images and shows no"):
        answers(device, RUNTIMES["benchmark_model"], broken, images(2), program="benchmark_model")
    with pytest.raises(InputError, match=r"takes float32 images \(n, 12, 12, 3\)"):
        asked(device, "model.tflite", models["model.tflite"], images(2)[:, 1:])
    with pytest.raises(OutcomeError, match=r"fake: litert does not run the model on images: .*/nowhere/python3: not"):
        answers(device, RUNTIMES["litert"], models["model.tflite"], images(2), program="/nowhere/python3", wait=QUICK)
    assert not list((tmp_path / "fake" / "files").rglob("inputs.npy"))


# -- what a device prints is not to be believed


def printed(outputs: Array, **changed: Any) -> str:
    who = {"runtime": "litert", "package": "p", "version": "1", "python": "3", "notes": ""}
    line = {
        "kind": "outputs",
        "first": 0,
        "count": len(outputs),
        "dtype": outputs.dtype.name,
        "shape": list(outputs.shape[1:]),
        "data": base64.b64encode(outputs.tobytes()).decode(),
        **changed,
    }
    lines = [{"kind": "answers", **who}, line, {"kind": "end", "inputs": len(outputs)}]
    return "".join(json.dumps(each) + "\n" for each in lines)


OUTPUTS = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_what_the_runner_prints_is_read() -> None:
    found = parse_answers(printed(OUTPUTS), 2)
    np.testing.assert_array_equal(found.outputs, OUTPUTS)
    assert found.installed.version == "1"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "ends after 0 of 2"),
        (printed(OUTPUTS).rpartition('{"kind": "end"')[0], "ends after 2 of 2"),
        (printed(OUTPUTS)[:-1], "ends after 2 of 2"),
        (printed(OUTPUTS, first=1), "from input 1 on, after 0"),
        (printed(OUTPUTS, count=3), "24 bytes for 3 outputs"),
        (printed(OUTPUTS, shape=[4]), "24 bytes for 2 outputs"),
        (printed(OUTPUTS, shape=[-3]), "outside 1"),
        (printed(OUTPUTS, dtype="object"), "values of 'object'"),
        (printed(OUTPUTS, data="%%%"), "not base64"),
        (printed(OUTPUTS, data=7), "no text of base64"),
        (printed(OUTPUTS, more=1), "unknown field"),
        (printed(OUTPUTS * np.float32("nan")), "not finite"),
        (printed(OUTPUTS[:1]), "of 1 inputs, not of 2"),
        (printed(OUTPUTS) + printed(OUTPUTS), "is out of order"),
        (printed(OUTPUTS).partition("\n")[2], "is out of order"),
        ("{}\n", "has no kind"),
    ],
)
def test_what_no_runner_of_ours_prints_is_refused(text: str, why: str) -> None:
    with pytest.raises(OutputError, match=why):
        parse_answers(text, 2)


# -- accuracy, and where it was taken
