"""``export --features``: a backbone as files, its facts, its latency, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.weights import network_random_weights, save_weights
from edgenas.profiler.export.outputs import named_outputs
from tests.edgenas.test_cli import edgenas as typed
from tests.support.picture_toys import write_classes

SIZED = ("mobilenet_v3_small", "--in-size", "64x32", "--classes", "3")


def test_files_of_feature_maps_with_trained_weights(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_quantizer")
    pytest.importorskip("torch")
    network = edgenas.network("mobilenet_v3_small", "64x32", 3)
    save_weights(tmp_path / "weights.npz", network_random_weights(network.blocks, 7))
    write_classes(tmp_path / "photos", 4)
    done = edgenas.export(
        network, tmp_path / "model", weights=tmp_path / "weights.npz", features=(8, 16), calibrate=tmp_path / "photos",
        precisions=("fp32", "fp16", "int8"), mean="127.5", deviation="127.5",
    )  # fmt: skip
    assert set(done.files) == {"tflite", "onnx", "tflite fp16", "tflite int8", "onnx int8"}
    for kind, facts in done.facts.items():
        shapes = {name: (output["stride"], output["shape"]) for name, output in facts["outputs"].items()}
        assert shapes == {"features_8": (8, [4, 8, 24]), "features_16": (16, [2, 4, 48])}
        for output in facts["outputs"].values():
            assert (output["scale"] is not None) == ("int8" in kind)
            most = {"fp32": 1e-5, "fp16": 0.01, "int8": 0.2}[kind.partition(" ")[2] or "fp32"]
            assert output["error"] <= most and output["error_is"] == ("rms" if " " in kind else "largest")
    assert done.network.blocks == network.blocks[: len(done.network.blocks)]
    saved = edgenas.network(tmp_path / "model" / "arch.json")
    assert saved.blocks == done.network.blocks and saved.blocks[-1].kind != "head"
    other = edgenas.export(network, tmp_path / "other", features=[8, 16])
    image = np.random.default_rng(0).random((1, 32, 64, 3), dtype=np.float32)
    ours, theirs = (named_outputs(each.files["onnx"].read_bytes(), image)["features_16"] for each in (done, other))
    assert not np.allclose(ours, theirs)  # the weights are those that were given
    json.dumps(done.to_json())


@pytest.mark.slow
def test_the_verb_says_what_it_wrote_and_verify_times_it(tmp_path: Path) -> None:
    told = typed("export", *SIZED, "--features", "8,16,32", cwd=tmp_path).stdout
    for text in ("features_8", "4x8x24", "features_16", "2x4x48", "features_32", "1x2x576"):
        assert text in told
    short = ("--processes", "1", "--most-processes", "1", "--rounds", "2", "--force", "--json")
    files = ("model/model.tflite", "model/model.onnx")
    timed = json.loads(typed("verify", *files, "--budget-ms", "1000", *short, cwd=tmp_path).stdout)
    assert [each["file"] for each in timed] == list(files)


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (("--features", "8,64"), "has no features of stride 64; it has 2, 4, 8, 16, 32: name some of these"),
        (("--features", "8;16"), "'8;16' is not strides with commas between, such as 8,16,32"),
        (("--features", ""), "'' is not strides"),
        (("--features", "8", "--labels", "labels.txt"), "leave out --test and --labels"),
        (("--features", "8", "--test", "photos"), "leave out --test and --labels"),
    ],
)
def test_misuse_writes_nothing(tmp_path: Path, args: tuple[str, ...], why: str) -> None:
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    (tmp_path / "photos").mkdir()
    assert why in typed("export", *SIZED, *args, cwd=tmp_path, check=2).stderr
    assert not (tmp_path / "model").exists()


def test_feature_maps_have_no_accuracy(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    write_classes(tmp_path / "photos", 2)
    edgenas.export("mobilenet_v3_small", tmp_path / "model", in_size=32, features=[16])
    with pytest.raises(InputError, match="outputs feature maps and no classes"):
        edgenas.verify_images(tmp_path / "model" / "model.onnx", images=tmp_path / "photos")


def test_a_network_without_a_head_has_feature_maps_alone(tmp_path: Path) -> None:
    body = edgenas.network("mobilenet_v2", 32).architecture
    headless = edgenas.Architecture("body", body.blocks[:-1])
    with pytest.raises(InputError, match="add a head, or give --features"):
        edgenas.export(headless, tmp_path / "model")
    done = edgenas.export(headless, tmp_path / "model", features=[32], formats=["onnx"])
    assert list(done.facts["onnx"]["outputs"]) == ["features_32"]
