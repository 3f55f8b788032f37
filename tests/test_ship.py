"""From pictures to files inside a budget, in one command, as typed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from edgenas.bundling import MANIFEST
from edgenas.preprocessing import PREDICT
from tests.picture_toys import write_class, write_classes
from tests.report_toys import write_tables
from tests.test_cli import edgenas

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")

_QUICK = (
    "--in-size 8 --held-out 12 --workers 0 --train 2 --max-trials 8 --algorithm random --force "
    "--set supernet.epochs=1 --set supernet.batch=16 --set supernet.calibration_images=16 "
    "--set winner.epochs=2 --set winner.batch=16"
)
QUICK = _QUICK.split()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_one_command_goes_from_pictures_to_an_int8_file_inside_its_budget(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_quantizer")
    write_classes(tmp_path / "photos", 40)
    args = ("ship", "nas_bench_macro", "--images", "photos", "--budget-ms", "50", "--precision", "int8", "--precision",
            "fp32", "--precision", "fp16", *QUICK, "-o", "run", "--json")  # fmt: skip
    told = json.loads(edgenas(*args, cwd=tmp_path, timeout=580).stdout)
    bundle = tmp_path / "run" / "bundle"
    models = ["model-int8.tflite", "model.tflite", "model-fp16.tflite", "model-int8.onnx", "model.onnx"]
    assert list(told["files"]) == models and told["within_budget"] is True
    assert told["tables"]["litert"]["precision"] == "int8"
    first, *others = told["verdicts"]
    assert first["file"] == models[0] and first["high_ms"] <= 50 and first["setting"]["precision"] == "int8"
    assert {v["file"] for v in others} == set(models[1:]) and all(v["budget_ms"] is None for v in others)
    assert {f["pictures"] for f in told["files"].values()} == {12}
    assert told["files"]["model.tflite"]["agreement"] == 1.0 and told["parity_max_rel"] < 1e-3
    assert told["files"]["model-int8.tflite"]["fallbacks"] == []
    assert {each.name for each in bundle.iterdir()} >= {*models, PREDICT, MANIFEST, "card.md", "report.html"}
    assert (bundle / "labels.txt").read_text().split() == ["blue", "green", "red"]
    trained = sorted((tmp_path / "run").glob("winner-*.checkpoint.npz"))
    assert len(trained) == 2  # the best of both shipped
    picture = sorted((tmp_path / "photos" / "red").iterdir())[0]
    _says_what_the_card_says(bundle, picture)

    again = edgenas(*args, cwd=tmp_path, timeout=580)
    assert json.loads(again.stdout)["winner"] == told["winner"]
    assert "networks are known already" in again.stderr or "blocks of the space" in again.stderr
    assert sorted((tmp_path / "run").glob("winner-*.checkpoint.npz")) == trained


def _says_what_the_card_says(bundle: Path, picture: Path) -> None:
    import sys

    argv = [sys.executable, "-I", bundle / PREDICT, "--model", "model-int8.tflite", picture]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout
    assert told.split("\t")[1] in ("blue", "green", "red")
    assert "| model-int8.tflite | int8 |" in (bundle / "card.md").read_text()


@pytest.mark.slow
def test_misuse_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 20)
    write_class(tmp_path / "few" / "red", "red", 3)
    write_tables(tmp_path)
    base = ("ship", "nas_bench_macro", "--budget-ms", "1", "--images")
    for args, why in (
        (("nowhere",), "nowhere is no folder"),
        (("few",), "has 1 classes: red"),
        (("photos", "--precision", "fp16"), "name fp32 or int8 first"),
        (("photos", "--set", "winner.epoch=3"), "it has epochs"),
        (("photos", "--set", "train.epochs=3", "--algorithm", "fastest"), "no algorithm 'fastest'"),
        (("photos", "--device", "pi9"), "pi9"),
        (("photos", "--table", "table-onnxruntime.jsonl", *QUICK), "is of fp32 blocks under onnxruntime"),
        (("photos", "--set", "winner.batch=4096", "--in-size", "8"), "batch=4096 is more than the"),
    ):
        assert why in edgenas(*base, *args, cwd=tmp_path, check=2).stderr, args
    assert not list(tmp_path.glob("*/table-*.jsonl"))
