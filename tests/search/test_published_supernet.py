"""A supernet that begins from published weights: its members, what it learns, and what once-for-all's file needs."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.slicing import sliced_network
from edgenas.search.accuracy.supernet import SupernetAccuracy
from edgenas.search.problem import Candidate
from edgenas.search.published import PublishedMember, published_member
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import space
from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
from tests.support.once_for_all import sub_block, with_old_names
from tests.support.published_names import random_tensors
from tests.training.test_fine_tuning import Messages, data

torch = pytest.importorskip("torch")

OFA = "once-for-all/ofa_mbv3_d234_e346_k357_w1.0"
RECIPE = SupernetRecipe(TrainRecipe(epochs=2, batch=16, optimizer="adamw", lr=0.002), drawn=1, calibration_images=32)


@pytest.fixture(scope="module")
def lite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "lite0.npz"
    np.savez(path, **random_tensors("efficientnet_pytorch/efficientnet-lite0"))
    return path


@pytest.fixture(scope="module")
def lite() -> Space:
    return space("efficientnet_lite0", 8, 3)


@pytest.fixture(scope="module")
def member(lite: Space, lite_file: Path) -> PublishedMember:
    return published_member(lite, str(lite_file), None)


def test_the_published_network_and_its_parts_are_members(lite: Space, member: PublishedMember) -> None:
    from edgenas.search.accuracy.published_supernet import fill
    from edgenas.search.accuracy.shared_weights import SharedNetwork
    from edgenas.training.fine_tuning import started

    known = member.pretrained
    shared = SharedNetwork(lite, 0, known.epsilon)
    fill(shared, member)
    whole = lite.architecture(member.choice)
    ours, theirs = shared.member(member.choice).double().train(), started(member.start(whole), whole).double().train()
    x = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with torch.no_grad():
        for mine, own in zip(list(ours)[:-1], list(theirs)[:-1], strict=True):  # the head is that of other classes
            y = own(x)
            torch.testing.assert_close(mine(x), y, rtol=1e-6, atol=1e-6)
            x = y
    small = lite.architecture(lite.parse("0.6.3.6.0.0.6.3.3.6.3.3.6.6.0"))
    state = shared.member(lite.parse("0.6.3.6.0.0.6.3.3.6.3.3.6.6.0")).state_dict()
    for i, block in enumerate(sliced_network(known.architecture.blocks, known.tensors, small.blocks)):
        for name, array in block.items():
            if "running" not in name and not name.startswith("classifier"):
                assert np.array_equal(state[f"{i}.{name}"].numpy(), array), (i, name)


def test_a_larger_option_computes_what_the_published_one_does(member: PublishedMember, lite: Space) -> None:
    from edgenas.search.accuracy.published_supernet import fill
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    shared = SharedNetwork(lite, 0, member.pretrained.epsilon)
    fill(shared, member)
    larger = list(member.choice)
    larger[2] = 5  # k5e6 where the published option is k3e6
    x = torch.randn(4, 16, 8, 8)
    with torch.no_grad():
        outputs = [shared.part(x, choice, 2, 3) for choice in (member.choice, tuple(larger))]
    torch.testing.assert_close(*outputs, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_members_of_once_for_alls_file_are_those_of_its_own_rule(old: bool, tmp_path: Path) -> None:
    from edgenas.search.accuracy.published_supernet import fill
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    tensors = random_tensors(OFA)
    np.savez(tmp_path / "ofa.npz", **(with_old_names(tensors) if old else tensors))
    s = space("ofa_mobilenet_v3", 32, 3)
    published = published_member(s, str(tmp_path / "ofa.npz"), OFA)
    known = published.pretrained
    assert known.turns and known.architecture.c_out == 1000
    shared = SharedNetwork(s, 0, known.epsilon)
    fill(shared, published)
    rng = random.Random(0)
    kernels = set()
    for _ in range(4):
        choice = s.sample(rng)
        architecture, state = s.architecture(choice), shared.member(choice).state_dict()
        parts = sliced_network(
            known.architecture.blocks, known.tensors, architecture.blocks, ordered=True, turns=known.turns
        )
        start = published.start(architecture)
        assert not start.exact and start.teacher is None  # it is trained: only its statistics are new
        for number, block in enumerate(architecture.blocks[2:-2], start=1):
            if block.kind == "skip":
                continue
            kernels.add(block.kernel)
            for name, expected in sub_block(tensors, number, block).items():
                np.testing.assert_allclose(parts[number + 1][name], expected, rtol=1e-5, atol=1e-5)
                assert np.array_equal(start.tensors[number + 1][name], parts[number + 1][name])
                if "running" not in name:
                    mine = state[f"{number + 1}.{name}"].numpy()
                    np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-5)
    assert kernels == {3, 5, 7}


def images(size: int = 8) -> ImageData:
    found = data(count=32)
    scale = size // 8
    parts = {
        name: np.repeat(np.repeat(getattr(found, name), scale, 1), scale, 2)
        for name in ("train_images", "validation_images", "test_images")
    }
    return replace(found, **parts)


def test_the_weights_are_in_the_identity(lite: Space, member: PublishedMember) -> None:
    plain = SupernetAccuracy(lite, images(), RECIPE)
    begun = SupernetAccuracy(lite, images(), RECIPE, published=member)
    assert begun.name != plain.name and begun.name.endswith(f":from-{member.identity}")
    assert member.identity == f"{member.name}:{member.pretrained.provenance.sha256[:16]}"


@pytest.mark.slow
def test_it_learns_and_another_files_training_is_refused(lite: Space, member: PublishedMember, tmp_path: Path) -> None:
    from edgenas.training.checkpoints import Checkpoint

    file = tmp_path / "supernet.npz"
    candidate = Candidate(member.choice, lite.architecture(member.choice))
    first = SupernetAccuracy(lite, images(), RECIPE, checkpoint=file, published=member)
    accuracies = dict(first.evaluate([candidate]))
    losses = Checkpoint(file, first.name).load()
    assert losses is not None and len(losses[0]["losses"]) == 4
    again = SupernetAccuracy(lite, images(), RECIPE, checkpoint=file, published=member)
    assert dict(again.evaluate([candidate])) == accuracies
    provenance = replace(member.pretrained.provenance, sha256="0" * 64)
    other = replace(member, pretrained=replace(member.pretrained, provenance=provenance))
    with pytest.raises(InputError, match="holds the training"):
        list(SupernetAccuracy(lite, images(), RECIPE, checkpoint=file, published=other).evaluate([candidate]))


@pytest.mark.slow
def test_once_for_alls_file_is_not_trained(tmp_path: Path) -> None:
    np.savez(tmp_path / "ofa.npz", **random_tensors(OFA))
    s = space("ofa_mobilenet_v3", 32, 3)
    published = published_member(s, str(tmp_path / "ofa.npz"), OFA)
    messages, file = Messages(), tmp_path / "supernet.npz"
    judge = SupernetAccuracy(s, images(32), RECIPE, checkpoint=file, published=published, listener=messages)
    choice = s.sample(random.Random(0))
    accuracies = dict(judge.evaluate([Candidate(choice, s.architecture(choice))]))
    assert 0 <= accuracies[0] <= 100 and not file.exists()
    assert messages.told == [f"{OFA} is a trained supernet: its members are judged as they are"]


def test_a_space_of_whole_stages_is_refused(member: PublishedMember) -> None:
    from edgenas.search.accuracy.published_supernet import fill
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    head = Layer("head", (Option("fc", "head", 3),))
    other = Space("stages", 8, (Layer("stem", (Option("k3", "conv", 8, 3, act="relu"),)), head))
    with pytest.raises(InputError, match="options of stages hold several blocks"):
        fill(SharedNetwork(other, 0), member)
