"""Searches on a person's own pictures, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.edgenas.test_cli import edgenas
from tests.support.picture_toys import write_class, write_classes

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")

SEARCH = ("search", "nas_bench_macro", "--in-size", "8", "--budget-macs", "1e6", "--algorithm", "random",
          "--max-trials", "2", "--workers", "0", "--json")  # fmt: skip


@pytest.mark.slow
def test_each_candidate_is_trained_on_the_pictures(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 20)
    (tmp_path / "photos" / "red" / "cut.png").write_bytes(b"no")
    args = (*SEARCH, "--accuracy", "train", "--images", "photos", "--set", "train.epochs=1", "--set", "train.batch=16")
    result = edgenas(*args, cwd=tmp_path)
    record = json.loads(result.stdout)
    assert record["accuracy"].startswith("training:photos-8:") and record["space"]["classes"] == 3
    assert "48 images to train on" in result.stderr and "1 broken image left out: red/cut.png" in result.stderr


@pytest.mark.slow
def test_one_supernet_judges_all_and_says_how_far_to_trust_it(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 20)
    settings = ("supernet.epochs=1", "supernet.batch=16", "supernet.calibration_images=16", "train.epochs=1",
                "train.batch=16", "train.flip=false")  # fmt: skip
    args = [*SEARCH, "--accuracy", "supernet", "--images", "photos", "--stand-alone", "5"]
    for setting in settings:
        args += ["--set", setting]
    record = json.loads(edgenas(*args, cwd=tmp_path).stdout)
    for tau in record["trust"]["judge"], record["trust"]["macs"]:
        assert tau["members"] == 5 and -1 <= tau["low"] <= tau["value"] <= tau["high"] <= 1
    assert (tmp_path / "search.supernet.npz").is_file()
    assert (tmp_path / "search.alone.trials.jsonl").read_text().count("\n") == 6
    again = json.loads(edgenas(*args, cwd=tmp_path).stdout)
    assert again["trust"] == record["trust"] and again["winner"]["newly_judged"] == 0


@pytest.mark.slow
def test_a_supernet_judges_some_and_a_model_predicts_all(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 20)
    args = [*SEARCH, "--accuracy", "estimate:supernet", "--images", "photos", "--stand-alone", "0"]
    for setting in ("supernet.epochs=1", "supernet.batch=16", "supernet.calibration_images=16", "estimate.networks=10"):
        args += ["--set", setting]
    record = json.loads(edgenas(*args, cwd=tmp_path).stdout)
    assert record["accuracy"].startswith("estimate:factors-10-seed0:supernet:") and record["trust"] is None
    assert record["estimate"]["networks"] == 10 and record["estimate"]["half_within"] >= 0
    again = json.loads(edgenas(*args, cwd=tmp_path).stdout)
    assert again["estimate"] == record["estimate"] and again["winner"]["newly_judged"] == 0


@pytest.mark.slow
def test_misuse_is_named(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 3)
    write_class(tmp_path / "photos" / "amber", "red", 0)
    base = ("search", "nas_bench_macro", "--budget-macs", "1e6", "--accuracy")
    for args, why in (
        (("train",), "add --images FOLDER"),
        (("digits", "--images", "photos"), "is for --accuracy train or supernet"),
        (
            ("train", "--images", "nowhere"),
            "nowhere: No such file or directory; name a folder with one folder of images",
        ),
        (("supernet", "--images", "photos"), "in amber; delete the folder"),
        (("train", "--images", "photos", "--set", "train.epoch=3"), "did you mean 'epochs'? It has epochs"),
        (("train", "--images", "photos", "--set", "train.flip=maybe"), "not true or false"),
    ):
        assert why in edgenas(*base, *args, cwd=tmp_path, check=2).stderr
