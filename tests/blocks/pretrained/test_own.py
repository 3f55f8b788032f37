"""Weights that edgenas trained: the file that a run writes is one that other trainings and exports begin from."""

from __future__ import annotations

import json
import os
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.members import read_member
from edgenas.blocks.pretrained.own import own_weights, write_own
from edgenas.blocks.pretrained.tensor_file import read_tensors
from edgenas.blocks.weights import Array
from edgenas.search.published import published_member
from edgenas.search.spaces import space

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[dict[str, Array], ...]]:
    from edgenas.blocks.torch_modules import NetworkModule, randomize_batch_norm, unfolded

    path = tmp_path_factory.mktemp("run") / "trained.safetensors"
    s = space("efficientnet_lite0", 32, 5)
    network = s.architecture(s.parse("0.0.3.6.0.0.6.3.3.6.3.3.6.6.0"))
    torch.manual_seed(0)
    module = NetworkModule(network)
    randomize_batch_norm(module, 1)
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.eps = 1e-3
    tensors, epsilon = unfolded(module)
    write_own(path, network, tensors, epsilon, ((127.0,) * 3, (128.0,) * 3), "Apache-2.0")
    return path, tensors


def test_it_is_a_member_of_its_space_at_any_size_and_number_of_classes(
    written: tuple[Path, tuple[dict[str, Array], ...]],
) -> None:
    path, tensors = written
    s = space("efficientnet_lite0", 64, 9)
    found = published_member(s, str(path), None)
    assert s.key(found.choice) == "0.0.3.6.0.0.6.3.3.6.3.3.6.6.0"
    known = found.pretrained
    assert (known.epsilon, known.mean, known.deviation) == (1e-3, (127.0,) * 3, (128.0,) * 3)
    assert (known.provenance.layout, known.provenance.licence) == ("edgenas", "Apache-2.0")
    assert known.provenance.source == "trained.safetensors" and known.architecture.c_out == 5
    for ours, theirs in zip(known.tensors, tensors, strict=True):
        assert all(np.array_equal(ours[name], theirs[name]) for name in theirs) and ours.keys() == theirs.keys()
    smaller = s.architecture(s.parse("0.6.3.6.0.0.6.3.3.6.3.3.6.6.0"))
    assert not found.start(smaller).exact and found.start(s.architecture(found.choice)).exact


def test_it_is_exported_and_read_by_other_programs(written: tuple[Path, tuple[dict[str, Array], ...]]) -> None:
    path, tensors = written
    s = space("efficientnet_lite0", 32, 5)
    network = s.architecture(s.parse("0.0.3.6.0.0.6.3.3.6.3.3.6.6.0"))
    assert read_member(str(path), network).architecture == network
    arrays, about = read_tensors(path, lambda headers: headers)
    assert len(arrays) == sum(map(len, tensors)) and json.loads(about["edgenas"])["version"] == 1
    header = path.read_bytes()[8:]
    assert header.startswith(b'{"__metadata__"')


def test_what_does_not_fit_is_refused(written: tuple[Path, tuple[dict[str, Array], ...]], tmp_path: Path) -> None:
    path, _ = written
    s = space("efficientnet_lite0", 32, 5)
    other = s.architecture(s.sample(random.Random(0)))
    with pytest.raises(InputError, match="whose blocks are not those of"):
        read_member(str(path), other)
    with pytest.raises(InputError, match="has 5 classes, but"):
        own = own_weights(str(path))
        assert own is not None
        *body, head = own.network.blocks
        read_member(str(path), replace(own.network, blocks=(*body, replace(head, c_out=7))))
    with pytest.raises(InputError, match="does not have the network"):
        published_member(space("mobilenet_v2", 32, 5), str(path), None)
    newer = tmp_path / "newer.safetensors"
    newer.write_bytes(path.read_bytes().replace(b'\\"version\\": 1', b'\\"version\\": 9'))
    with pytest.raises(InputError, match="install a newer edgenas"):
        own_weights(str(newer))
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(path.read_bytes().replace(b'\\"epsilon\\"', b'\\"epsilom\\"'))
    with pytest.raises(InputError, match="is damaged"):
        own_weights(str(damaged))
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(path.read_bytes()[:-4])
    assert own_weights(str(cut)) is None  # the reader of tensors names what is wrong
    with pytest.raises(InputError, match="but the file holds"):
        read_member(str(cut), other)


def test_files_that_are_not_ours_are_left_to_the_other_readers(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.safetensors")  # must not block
    (tmp_path / "text.safetensors").write_text("weights, as you asked")
    for name in ("fifo.safetensors", "text.safetensors", "absent.safetensors"):
        assert own_weights(str(tmp_path / name)) is None
