"""Members of once-for-all's supernet as files: cut out by its own rule, with batch norm statistics of images."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.members import read_member
from edgenas.blocks.pretrained.placing import read_pretrained
from edgenas.search.spaces import space
from tests.edgenas.test_cli import edgenas as verb
from tests.edgenas.test_ship_published import Messages
from tests.support.once_for_all import sub_block
from tests.support.published_names import random_tensors

torch = pytest.importorskip("torch")

OFA = "once-for-all/ofa_mbv3_d234_e346_k357_w1.0"


@pytest.fixture(scope="module")
def ofa(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "ofa.npz"
    np.savez(path, **random_tensors(OFA))
    return path


@pytest.mark.slow
def test_a_member_is_exported_with_the_statistics_of_images(ofa: Path, tmp_path: Path) -> None:
    s = space("ofa_mobilenet_v3", 32)
    choice = s.sample(random.Random(3))
    network = f"ofa_mobilenet_v3/{s.key(choice)}"
    known = read_member(str(ofa), s.architecture(choice))
    assert known.cut_out and not known.turns and known.architecture == s.architecture(choice)
    tensors = random_tensors(OFA)
    for number, block in enumerate(known.architecture.blocks[2:-2], start=1):
        if block.kind != "skip":
            for name, expected in sub_block(tensors, number, block).items():
                np.testing.assert_allclose(known.tensors[number + 1][name], expected, rtol=1e-5, atol=1e-5)
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", images=images)
    told = Messages()
    plain = edgenas.export(network, tmp_path / "plain", pretrained=ofa, in_size=32, formats=["onnx"], listener=told)
    own = edgenas.export(
        network, tmp_path / "own", pretrained=ofa, in_size=32, formats=["onnx"], calibrate=tmp_path / "images.npz"
    )
    assert any("has no batch norm statistics of its own" in text for text in told.told)
    assert plain.pretrained == own.pretrained and own.pretrained is not None and own.pretrained.name == OFA
    assert (tmp_path / "plain/model.onnx").read_bytes() != (tmp_path / "own/model.onnx").read_bytes()


def test_statistics_are_those_of_the_images(ofa: Path) -> None:
    from edgenas.training.statistics import with_statistics

    s = space("ofa_mobilenet_v3", 32)
    known = read_member(str(ofa), s.architecture(s.sample(random.Random(3))))
    images = np.random.default_rng(0).standard_normal((8, 32, 32, 3)).astype(np.float32)
    found = with_statistics(known, images)
    with torch.no_grad():
        x = torch.from_numpy(images).permute(0, 3, 1, 2)
        y = torch.nn.functional.conv2d(x, torch.from_numpy(known.tensors[0]["conv.conv.weight"]), stride=2, padding=1)
    np.testing.assert_allclose(found.tensors[0]["conv.bn.running_mean"], y.mean((0, 2, 3)), rtol=1e-3, atol=1e-4)
    kept = [n for block, given in zip(found.tensors, known.tensors, strict=True) for n in block if "running" not in n
            and not np.array_equal(block[n], given[n])]  # fmt: skip
    assert kept == [] and found.cut_out


def test_networks_that_are_no_member_are_refused(ofa: Path, tmp_path: Path) -> None:
    lite = tmp_path / "lite.npz"
    np.savez(lite, **random_tensors("efficientnet_pytorch/efficientnet-lite0"))
    other = space("efficientnet_lite0", 32)
    part = other.architecture(other.repaired([0] * len(other.layers)))
    for path, network in ((ofa, part), (lite, part)):
        with pytest.raises(InputError, match="does not fit"):
            read_member(str(path), network)
    whole = read_pretrained(str(ofa), name=OFA)
    assert not read_member(str(ofa), whole.architecture).cut_out
    images = tmp_path / "images.npz"
    np.savez(images, images=np.zeros((4, 32, 32, 3), np.uint8))
    argv = ["export", "efficientnet_lite0", "--in-size", "32", "--pretrained", str(lite), "--calibrate", str(images)]
    done = verb(*argv, cwd=tmp_path, check=2)
    assert "--precision int8 and --calibrate" in done.stderr and not (tmp_path / "model").exists()
