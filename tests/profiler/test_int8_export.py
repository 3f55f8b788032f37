"""From weights and pictures to int8 files, and what is told of them: measured on the file itself, not on the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import network_random_weights, random_weights, save_weights
from edgenas.cli import main
from edgenas.profiler.export.network import export_network
from edgenas.profiler.export.tflite_metadata import read_labels
from edgenas.ship.accuracy import prove, torch_classes
from edgenas.training.pictures import Pictures, Scaling, evenly, read_pictures

pytest.importorskip("ai_edge_quantizer")
pytest.importorskip("torch")

NETWORK = Architecture(
    "small",
    tuple(
        map(
            BlockSpec.parse,
            (
                "conv-12x3-o8-k3-s2-relu6",
                "ir-6x8-m24-o8-k3-s1-se8-relu6-res",
                "ir-6x8-m24-o16-k5-s2-hswish",
                "head-3x16-m24-o5-hswish",
            ),
        )
    ),
)
WEIGHTS = network_random_weights(NETWORK.blocks, 3)


def images(count: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((count, 12, 12, 3), dtype=np.float32)


def labelled(count: int, seed: int = 1) -> Pictures:
    """Pictures whose labels are what torch says of them."""
    x = images(count, seed)
    return Pictures(x, torch_classes(NETWORK, WEIGHTS, x))


def export(folder: Path, *args: str | Path) -> int | str | None:
    """Exit code of ``edgenas export``, in this process."""
    network, weights = folder / "arch.json", folder / "weights.npz"
    network.write_text(json.dumps(NETWORK.to_json()))
    save_weights(weights, WEIGHTS)
    given = ["export", network, "--weights", weights, "-o", folder / "out", *args]
    with pytest.raises(SystemExit) as end:
        main([str(arg) for arg in given])
    return end.value.code


@pytest.mark.slow
def test_float_files_choose_the_classes_of_torch_and_int8_nearly(tmp_path: Path) -> None:
    pictures = labelled(2000)
    files = export_network(NETWORK, WEIGHTS, tmp_path, precisions=("fp32", "fp16", "int8"), images=images(64))
    assert {kind: path.name for kind, path in files.items()} == {
        "tflite": "model.tflite",
        "tflite fp16": "model-fp16.tflite",
        "tflite int8": "model-int8.tflite",
        "onnx": "model.onnx",
        "onnx int8": "model-int8.onnx",
    }
    least = {"tflite": 99.9, "onnx": 99.9, "tflite fp16": 99, "tflite int8": 85, "onnx int8": 85}
    for kind, path in files.items():
        proof = prove(path, kind.partition(" ")[2] or "fp32", pictures, pictures.labels)
        assert proof.agreement is not None
        assert least[kind] <= proof.accuracy == 100 * proof.agreement
        assert proof.pictures == 2000


def test_a_float_file_with_other_weights_is_refused(tmp_path: Path) -> None:
    pictures = labelled(200)
    (file,) = export_network(NETWORK, network_random_weights(NETWORK.blocks, 4), tmp_path, ("onnx",)).values()
    with pytest.raises(OutcomeError, match=r"another class than the torch model on .* of 200 images, more than 0\.1%"):
        prove(file, "fp32", pictures, pictures.labels)
    assert prove(file, "int8", pictures, pictures.labels).accuracy < 90, "of the file, not of the model"


def test_labels_have_to_be_classes_of_the_network(tmp_path: Path) -> None:
    (file,) = export_network(NETWORK, WEIGHTS, tmp_path, ("onnx",)).values()
    with pytest.raises(InputError, match=r"labels reach from 0 to 5, but .* has 5 classes"):
        prove(file, "fp32", Pictures(images(6), np.arange(6)), None)
    with pytest.raises(InputError, match="accuracy needs labels"):
        prove(file, "fp32", Pictures(images(6), None), None)


def test_the_command_writes_siblings_and_tells_what_is_in_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.savez(tmp_path / "train.npz", images=images(16))
    pictures = labelled(200)
    np.savez(tmp_path / "test.npz", images=pictures.images, labels=pictures.labels)
    code = export(
        tmp_path,
        "--precision",
        "fp32",
        "--precision",
        "int8",
        "--calibrate",
        tmp_path / "train.npz",
        "--test",
        tmp_path / "test.npz",
        "--json",
    )
    shown = capsys.readouterr()
    assert code is None, shown.err
    told = json.loads(shown.out)["facts"]
    assert list(told) == ["tflite", "tflite int8", "onnx", "onnx int8"]
    assert [told[kind]["accuracy"] for kind in ("tflite", "onnx")] == [100, 100]
    assert told["tflite int8"]["pictures"] == 200
    assert [(f["kind"], f["number"]) for f in told["tflite int8"]["fallbacks"]] == [("HARD_SWISH", 3)]
    assert all(f["time_share"] > 0 for f in told["onnx int8"]["fallbacks"])
    assert told["tflite int8"]["input"]["dtype"] == "int8"
    assert (tmp_path / "out" / "model-int8.onnx").is_file()


def test_with_labels_files_say_themselves_how_they_are_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"sort {number}" for number in range(NETWORK.c_out)]
    (tmp_path / "names.txt").write_text("\n".join(names))
    scaling = ("--mean", "127.5", "--deviation", "60")
    assert export(tmp_path, "--labels", tmp_path / "names.txt", *scaling) is None, capsys.readouterr().err
    out = tmp_path / "out"
    assert read_labels((out / "model.tflite").read_bytes()) == tuple(names)
    assert (out / "labels.txt").read_text().splitlines() == names and (out / "predict.py").is_file()
    how = json.loads((out / "preprocessing.json").read_text())
    assert (how["mean"], how["deviation"], how["stored"]) == ([127.5] * 3, [60.0] * 3, {})


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--labels", "nowhere"), "nowhere: No such file"),
        (("--labels", "train.npz", "--mean", "0", "--deviation", "1"), "train.npz"),
        (("--labels", "two.txt", "--mean", "0", "--deviation", "1"), "has 2 lines, for 5 classes"),
        (("--labels", "five.txt"), "--labels also needs the scaling of levels 0..255"),
        (("--precision", "int8"), "--precision int8 and --calibrate FOLDER_OR_NPZ go together"),
        (("--calibrate", "train.npz"), "--precision int8 and --calibrate FOLDER_OR_NPZ go together"),
        (("--precision", "fp16", "--format", "onnx"), "fp16 writes only TFLite"),
        (("--precision", "int8", "--calibrate", "nowhere"), "nowhere: No such file or directory; name a folder"),
        (("--precision", "int8", "--calibrate", "wide.npz"), r"images float32(4, 12, 13, 3); the network takes"),
        (("--precision", "int8", "--calibrate", "nan.npz"), "values that are not finite"),
        (("--precision", "int8", "--calibrate", "none.npz"), "holds no images"),
        (("--precision", "int8", "--calibrate", "levels.npz"), "give mean and deviation of the network's training"),
        (("--precision", "int8", "--calibrate", "empty"), "has no images"),
        (("--precision", "int8", "--calibrate", "levels.npz", "--mean", "a", "--deviation", "1"), "is not numbers"),
        (("--precision", "int8", "--calibrate", "levels.npz", "--mean", "1", "--deviation", "0"), "deviations above 0"),
        (("--test", "train.npz"), "accuracy needs labels"),
    ],
)
def test_misuse_is_two_and_says_what_to_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    spoiled = images(4)
    spoiled[1, 2, 3, 0] = np.nan
    for name, array in {
        "train": images(4),
        "wide": np.zeros((4, 12, 13, 3), np.float32),
        "nan": spoiled,
        "none": images(0),
        "levels": np.zeros((4, 12, 12, 3), np.uint8),
    }.items():
        np.savez(tmp_path / f"{name}.npz", images=array)
    (tmp_path / "empty").mkdir()
    (tmp_path / "two.txt").write_text("a\nb\n")
    (tmp_path / "five.txt").write_text("a\nb\nc\nd\ne\n")
    assert export(tmp_path, *args) == 2
    assert says in capsys.readouterr().err


def test_pictures_in_folders_are_cut_scaled_and_labelled(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    for number, (name, colour, size) in enumerate([("cat", (255, 0, 0), (24, 12)), ("dog", (0, 255, 0), (12, 40))]):
        (tmp_path / name).mkdir()
        for i in range(3 + number):
            image.new("RGB", size, colour).save(tmp_path / name / f"{i}.png")
    scaling = Scaling((127.5,), (127.5,))
    assert read_pictures(tmp_path, 12, 3, scaling).labels is None, "nobody says of how many classes"
    found = read_pictures(tmp_path, 12, 3, scaling, classes=2)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert (found.images[0] == np.array([1, -1, -1])).all() and (found.images[-1] == np.array([-1, 1, -1])).all()
    grey = read_pictures(tmp_path / "cat", 12, 1, scaling, 2)
    assert grey.images.shape == (2, 12, 12, 1) and grey.labels is None
    (tmp_path / "dog" / "9.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"9\.png is no image that can be read"):
        read_pictures(tmp_path, 12, 3, scaling)


def test_pictures_are_read_as_those_that_networks_are_trained_on(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    from edgenas.training.images.decode import fitted, open_picture

    levels = np.linspace(0, 65535, 144).astype(np.uint16).reshape(12, 12)
    image.fromarray(levels).save(tmp_path / "deep.png")
    image.new("RGBA", (12, 12), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    found = read_pictures(tmp_path, 12, 3, Scaling((0.0,), (1.0,)))
    for name, read in zip(("clear.png", "deep.png"), found.images, strict=True):
        trained_on, _ = fitted(open_picture(tmp_path / name), 12, 3)
        assert (read == trained_on).all()
    assert len(np.unique(found.images[1])) > 100, "16 bits are scaled, not cut off"


def test_parts_are_not_taken_for_classes(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "cat").mkdir(parents=True)
    with pytest.raises(InputError, match="has the parts test, train, not classes; name one of them"):
        read_pictures(tmp_path, 12, 3, Scaling((0.0,), (1.0,)))


def test_the_pictures_that_calibrate_are_spread_evenly() -> None:
    assert evenly(3, None) == evenly(3, 5) == [0, 1, 2]
    assert evenly(10, 4) == [0, 2, 5, 7]


def test_folded_weights_fit_their_network() -> None:
    from edgenas.blocks.torch_folded import network_of_weights

    other = (*WEIGHTS[:1], random_weights(NETWORK.blocks[0]), *WEIGHTS[2:])
    with pytest.raises(InputError, match="missing or not wanted"):
        network_of_weights(NETWORK, other)
