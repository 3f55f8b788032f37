"""``search --pretrained``: a supernet that begins from published weights, its record, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from tests.edgenas.test_cli import edgenas as verb
from tests.support.picture_toys import write_classes
from tests.support.published_names import random_tensors

LITE0 = "efficientnet_pytorch/efficientnet-lite0"


def weights(folder: Path, seed: int = 0) -> Path:
    path = folder / f"lite0-{seed}.npz"
    np.savez(path, **random_tensors(LITE0, seed))
    return path


@pytest.mark.slow
def test_the_supernet_begins_from_them_and_other_weights_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("PIL.Image")
    write_classes(tmp_path / "photos", 12)
    tiny = {"epochs": 1, "batch": 16, "calibration_images": 16, "drawn": 1}
    asked = {
        "accuracy": "supernet",
        "images": tmp_path / "photos",
        "in_size": 32,
        "budget_macs": 1e9,
        "max_trials": 2,
        "algorithms": "random",
        "workers": 1,
        "options": {"supernet": tiny},
        "out": tmp_path / "search.json",
    }
    found = edgenas.search("efficientnet_lite0", pretrained=weights(tmp_path), **asked)
    assert found.trust is None  # networks trained alone would begin with random weights
    saved = json.loads((tmp_path / "search.json").read_text())
    assert (saved["pretrained"]["name"], saved["pretrained"]["source"]) == (LITE0, "lite0-0.npz")
    assert f":from-{LITE0}:{saved['pretrained']['sha256'][:16]}" in saved["accuracy"]
    again = edgenas.search("efficientnet_lite0", pretrained=weights(tmp_path), **asked)
    assert again.best.accuracy == found.best.accuracy
    with pytest.raises(InputError, match="holds trials of accuracy"):
        edgenas.search("efficientnet_lite0", pretrained=weights(tmp_path, 1), **asked)
    with pytest.raises(InputError, match="holds trials of accuracy"):
        edgenas.search("efficientnet_lite0", **asked)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--accuracy", "digits", "--pretrained", "lite0-0.npz"], "--pretrained is for --accuracy supernet"),
        (["--accuracy", "digits", "--pretrained-as", LITE0], "add --pretrained"),
    ],
)
def test_what_cannot_begin_from_them_is_refused(options: list[str], why: str, tmp_path: Path) -> None:
    done = verb("search", "digits", "--budget-macs", "1e9", *options, cwd=tmp_path, check=2)
    assert why in done.stderr and len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
