"""Rectangles and arrays of six channels through the verbs, up to the program of a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.size import Rectangle
from edgenas.cli.table.options import space_at
from edgenas.profiler.export.run import run_model
from edgenas.runs.layout import PREDICT
from edgenas.ship.preprocessing import read_preprocessing
from tests.edgenas.test_cli import edgenas as typed
from tests.edgenas.test_ship import QUICK
from tests.support.picture_toys import write_class
from tests.training.test_rectangles import write_arrays

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")
from PIL import Image, ImageOps

SHIP = ("ship", "nas_bench_macro", "--budget-ms", "1000", *QUICK)


@pytest.mark.slow
def test_sizes_are_numbers_texts_or_rectangles() -> None:
    wide = edgenas.space("mobilenet_v2", "320x240", channels=6)
    assert repr(wide) == "<Space mobilenet_v2: 20 layers, images 320 x 240 x 6>" and wide.blocks()[0].c_in == 6
    assert edgenas.space("mobilenet_v2", wide.in_size, channels=6) == wide != edgenas.space("mobilenet_v2", "240x320")
    assert edgenas.space("mobilenet_v2", "160x160") == edgenas.space("mobilenet_v2", 160)
    assert edgenas.network("mobilenet_v2", "320x240", 10, 1).blocks[0].c_in == 1
    key = wide.key(wide.repaired([0] * len(wide.layers)))
    assert edgenas.network(f"mobilenet_v2/{key}", "320x240", channels=6).blocks[:1] == wide.blocks()[:1]
    row = next(iter(edgenas.spaces(in_size="320x240", channels=2).to_json()))
    assert (row["in_size"], row["channels"]) == ("320x240", 2)


@pytest.mark.parametrize("size", ["320x", "0x4", "100000x4", 0, -3, 1.5, (3, -4)])
def test_sizes_that_are_none_are_named(size: int) -> None:
    for use in (edgenas.space, edgenas.network):
        with pytest.raises(InputError, match=r"size .* is neither"):
            use("mobilenet_v2", size)


def test_an_object_keeps_its_channels() -> None:
    own = edgenas.space("digits")
    with pytest.raises(InputError, match="has its own sizes; leave out channels"):
        edgenas.space(own, channels=3)
    assert edgenas.space(lambda: own, channels=3).c_in == 3
    with pytest.raises(InputError, match="leave out in_size, classes and channels"):
        edgenas.network(edgenas.network("mobilenet_v2"), channels=3)


def test_verbs_take_width_by_height(tmp_path: Path) -> None:
    listed = json.loads(
        typed("spaces", "digits", "--in-size", "49x10", "--channels", "2", "--json", cwd=tmp_path).stdout
    )
    assert (listed["in_size"], listed["c_in"]) == ("49x10", 2)
    blocks = json.loads(typed("blocks", "digits", "--in-size", "49x10", "--json", cwd=tmp_path).stdout)
    assert blocks[0]["block"] == "conv-49x10x1-o8-k3-s2-hswish" and blocks[0]["output"] == "25x5x8"
    told = typed("spaces", "digits", "--in-size", "49x10", "--channels", "2", cwd=tmp_path).stdout
    assert "edgenas profile digits --in-size 49x10 --channels 2" in told and "at 49x10 px" in told
    for size, why in (("49", ""), ("49x", "'49x' is neither"), ("49x0", "is neither"), ("4097x2", "a side above 4096")):
        said = typed("spaces", "digits", "--in-size", size, cwd=tmp_path, check=2 if why else 0).stderr
        assert why in said


def test_export_of_a_rectangle_of_five_channels(tmp_path: Path) -> None:
    out = edgenas.export("mobilenet_v3_small", tmp_path / "model", in_size="49x10", channels=5, classes=4)
    shapes = [run_model(path.read_bytes(), np.zeros((1, 10, 49, 5), np.float32)).shape for path in out.files.values()]
    assert shapes == [(1, 4), (1, 4)]


@pytest.mark.slow
def test_accuracy_of_a_rectangle_of_six_channels(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", 6)
    sized = ("--in-size", "24x16", "--channels", "6", "--classes", "3")
    scaling = ("--mean", "127.5", "--deviation", "60")
    typed("export", "digits/0.0.0.0.0.0", *sized, *scaling, "--test", "a.npz", cwd=tmp_path)
    files = ("model/model.tflite", "model/model.onnx")
    told = json.loads(typed("verify", *files, "--images", "a.npz", *scaling, "--json", cwd=tmp_path).stdout)
    assert {(row["file"], row["pictures"], row["this_machine"]["agreement"]) for row in told} == {
        (f, 90, 1.0) for f in files
    }


def test_the_next_command_names_size_and_channels() -> None:
    assert space_at("digits", Rectangle(24, 16), 6) == "digits --in-size 24x16 --channels 6"
    assert space_at("digits", 48, 1) == "digits --in-size 48"
    assert space_at("mobilenet_v2", 96, 3) == "mobilenet_v2 --in-size 96"


def test_channels_that_the_pictures_lack_are_named_first(tmp_path: Path) -> None:
    write_arrays(tmp_path / "a.npz", 6)
    said = typed(*SHIP, "--images", "a.npz", cwd=tmp_path, check=2).stderr
    assert "the arrays have 6 channels, and the network takes 3; give --channels 6" in said
    assert not list(tmp_path.glob("*/table-*.jsonl"))


def test_the_program_beside_exported_files_cuts_a_rectangle(tmp_path: Path) -> None:
    write_class(tmp_path, "red", 1, size=(40, 24))
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    scaling = ("--mean", "120", "--deviation", "60", "--labels", "labels.txt", "-o", "model")
    sized = ("--in-size", "32x12", "--channels", "3", "--classes", "3")
    typed("export", "digits/0.0.0.0.0.0", *sized, *scaling, cwd=tmp_path)
    how = json.loads((tmp_path / "model" / "preprocessing.json").read_text())
    assert (how["width"], how["height"], how["mode"]) == (32, 12, "RGB")
    with Image.open(tmp_path / "000.png") as image:
        levels = np.asarray(ImageOps.fit(image, (32, 12), Image.Resampling.BICUBIC), np.float32)
    for model in ("model.tflite", "model.onnx"):
        scores = run_model((tmp_path / "model" / model).read_bytes(), (levels[None] - 120) / np.float32(60))[0]
        share = float((np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()).max())
        name, label, told = program(tmp_path, tmp_path / "model", model, ["000.png"])[0]
        assert (name, label) == ("000.png", "abc"[scores.argmax()]) and float(told) == pytest.approx(share, abs=1e-3)
    with pytest.raises(InputError, match="is for 32x12 pixels, mobilenet_v2 takes 12x32"):
        read_preprocessing(tmp_path / "model", edgenas.network("mobilenet_v2", "12x32", 3).architecture)


def program(folder: Path, bundle: Path, model: str, pictures: list[str]) -> list[list[str]]:
    """(file, class, probability) that ``predict.py`` prints for each picture."""
    argv = [sys.executable, "-I", str(bundle / PREDICT), "--model", model, *pictures]
    told = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=True).stdout
    return [line.split("\t") for line in told.splitlines()]


@pytest.mark.slow
def test_ship_of_rectangles_of_six_channels(tmp_path: Path) -> None:
    """The bundle's own program gives arrays of classes that are easy to see their class, by every file."""
    pytest.importorskip("ai_edge_quantizer")
    images = write_arrays(tmp_path / "a.npz", 6, (8, 12), count=240)
    for i in range(6):
        np.save(tmp_path / f"{i}.npy", images[i])
    own = ("--in-size", "12x8", "--channels", "6", "--set", "winner.epochs=12", "--precision", "fp32")
    typed(*SHIP, "--images", "a.npz", *own, "--precision", "int8", "-o", "run", cwd=tmp_path, timeout=900)
    bundle = tmp_path / "run" / "bundle"
    how = json.loads((bundle / "preprocessing.json").read_text())
    assert (how["width"], how["height"], how["mode"], len(how["mean"])) == (12, 8, "planes", 6)
    assert "(1, 8, 12, 6), in ONNX: (1, 6, 8, 12)" in (bundle / "README.md").read_text()
    for model in sorted(path.name for path in bundle.glob("model*.*")):
        assert run_model((bundle / model).read_bytes(), np.zeros((1, 8, 12, 6), np.float32)).shape == (1, 3)
        classes = [label for _, label, _ in program(tmp_path, bundle, model, [f"{i}.npy" for i in range(6)])]
        assert sum(a == b for a, b in zip(classes, "012012", strict=True)) >= 4, (model, classes)
    checked = typed("verify", "run/bundle", "--force", cwd=tmp_path, check=None, timeout=600)
    assert "model.tflite" in checked.stdout
    typed("report", "run", "-o", "page.html", cwd=tmp_path)
