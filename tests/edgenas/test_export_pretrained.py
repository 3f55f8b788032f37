"""Files with weights that others published: the command and the function, and what both refuse."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.blocks.pretrained.placing import read_pretrained
from edgenas.blocks.reference import reference
from edgenas.profiler.export.check import census, parity
from edgenas.runs.pretrained import PRETRAINED
from tests.edgenas.test_cli import edgenas as verb
from tests.support.published_names import LITE0, random_tensors, skip_without_weights

torch = pytest.importorskip("torch")


@pytest.fixture
def lite(tmp_path: Path) -> Path:
    """A file with the names of EfficientNet-Lite0 and random values."""
    path = tmp_path / "lite0.npz"
    np.savez(path, **random_tensors("efficientnet_pytorch/efficientnet-lite0"))
    return path


def test_the_files_compute_what_the_weights_say(lite: Path, tmp_path: Path) -> None:
    from edgenas.blocks.torch_folded import network_of_weights
    from edgenas.blocks.torch_modules import predict

    done = edgenas.export("efficientnet_lite0", tmp_path / "out", pretrained=lite, in_size=64)
    network = reference("efficientnet_lite0", 64)
    x = np.random.default_rng(0).standard_normal((4, 64, 64, 3)).astype(np.float32)
    expected = predict(network_of_weights(network, read_pretrained(str(lite), network).folded()), x)
    for path in done.files.values():
        model = path.read_bytes()
        parity(model, x, expected, blocks=network.blocks)
        assert "PAD" not in census(model)
    assert done.pretrained is not None
    saved = PRETRAINED.read(tmp_path / "out" / "pretrained.json")
    assert saved == done.pretrained
    assert (saved.name, saved.source, saved.licence) == ("efficientnet_pytorch/efficientnet-lite0", "lite0.npz", "")
    assert done.to_json()["pretrained"]["sha256"] == saved.sha256 and len(saved.sha256) == 64


def test_the_command_takes_a_package_and_the_scaling_of_its_training(tmp_path: Path) -> None:
    skip_without_weights()
    (tmp_path / "labels.txt").write_text("".join(f"class {i}\n" for i in range(1000)))
    argv = [
        "export",
        "efficientnet_lite0",
        "--in-size",
        "32",
        "--pretrained",
        LITE0,
        "--labels",
        "labels.txt",
        "--json",
    ]
    done = verb(*argv, cwd=tmp_path)
    told = json.loads(done.stdout)
    assert told["pretrained"]["source"] == f"{LITE0} 0.1.0"
    assert told["pretrained"]["licence"] == "Apache Software License 2.0"
    assert "weights of efficientnet_pytorch/efficientnet-lite0" in done.stderr
    preprocessing = json.loads((tmp_path / "model" / "preprocessing.json").read_text())
    assert (preprocessing["mean"], preprocessing["deviation"]) == ([127.0] * 3, [128.0] * 3)


def test_a_network_is_named_as_its_weights_are(tmp_path: Path) -> None:
    path = tmp_path / "any.npz"
    np.savez(path, **random_tensors("timm/tf_efficientnet_lite0"))
    done = edgenas.export("timm/tf_efficientnet_lite0", tmp_path / "a", pretrained=path, in_size=32, formats=["onnx"])
    assert done.network.name == "timm/tf_efficientnet_lite0" and any(b.same for b in done.network.blocks)
    space_key = "efficientnet_lite0/2.2.5.5.2.2.2.5.5.5.5.5.5.5.2"
    again = edgenas.export(space_key, tmp_path / "b", pretrained=path, in_size=32, formats=["onnx"])
    assert (tmp_path / "a/model.onnx").read_bytes() == (tmp_path / "b/model.onnx").read_bytes()
    assert again.pretrained == done.pretrained


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--mean", "0", "--deviation", "1"], "leave out --mean and --deviation"),
        (["--weights", "lite0.npz"], "give one of them"),
        (["--pretrained-as", "timm/tf_efficientnet_lite9"], "did you mean 'timm/tf_efficientnet_lite"),
        (["--pretrained-as", "timm/fbnetc_100"], "does not fit timm/fbnetc_100"),
        (["--classes", "7"], r"_fc.weight is (1000, 1280)"),
    ],
)
def test_what_contradicts_is_refused_and_nothing_is_written(
    options: list[str], why: str, lite: Path, tmp_path: Path
) -> None:
    argv = ["export", "efficientnet_lite0", "--in-size", "32", "--pretrained", str(lite), *options]
    done = verb(*argv, cwd=tmp_path, check=2)
    assert why in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", ["executes.pth", "text.safetensors", "absent.npz"])
def test_hostile_and_broken_files_are_one_sentence(name: str, tmp_path: Path) -> None:
    class Executed:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path}/executed",)

    (tmp_path / "executes.pth").write_bytes(pickle.dumps(Executed()))
    (tmp_path / "text.safetensors").write_text("weights, as you asked")
    done = verb("export", "efficientnet_lite0", "--pretrained", name, cwd=tmp_path, check=2)
    assert name in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["executes.pth", "text.safetensors"]
