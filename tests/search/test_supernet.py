"""One set of weights for a whole space: whose slices are whose, that it learns, repeats and goes on."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.search.accuracy.supernet import SupernetAccuracy
from edgenas.search.problem import Candidate
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import space as find_space
from edgenas.training.data import SupernetRecipe, TrainRecipe
from tests.support.listeners import Recorder
from tests.support.search_toys import stages_space
from tests.support.training_toys import bars

torch = pytest.importorskip("torch")

RECIPE = SupernetRecipe(TrainRecipe(epochs=3, batch=16, lr=0.2), calibration_images=48)
LONG = replace(RECIPE, training=replace(RECIPE.training, epochs=12))
SPACE = Space(
    "toy",
    8,
    (
        Layer("stem", (Option("o4", "conv", 4, 3, 2, act="relu"), Option("o8", "conv", 8, 5, 2, act="relu"))),
        Layer(
            "middle",
            (
                Option("k3", "ir", 8, 3, c_mid=8, act="relu"),
                Option("k5", "ir", 8, 5, c_mid=16, se=0.25, act="hswish"),
                Option("k1", "sep", 8, 1, act="relu"),
                Option("skip", "skip"),
            ),
        ),
        Layer("head", (Option("fc", "head", 3),)),
    ),
    c_in=1,
)


@pytest.mark.parametrize(
    "name",
    [
        "nas_bench_macro",
        "digits",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("tunas_v3", "ofa_mobilenet_v3", "fbnet")),
    ],
)
def test_every_member_of_a_space_takes_its_weights_from_the_shared_ones(name: str) -> None:
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    space = find_space(name, 32, 4)
    shared = SharedNetwork(space, 0)
    rng = random.Random(0)
    for choice in (space.sample(rng), space.sample(rng)):
        x = torch.randn(4, space.c_in, 32, 32)
        member = shared.member(choice).train()
        torch.testing.assert_close(member(x), shared(x, choice), rtol=1e-3, atol=1e-4)


def test_small_options_are_slices_of_the_large() -> None:
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    shared = SharedNetwork(SPACE, 0)
    small, large = (shared.member((0, i, 0))[1] for i in (0, 1))
    assert torch.equal(small.expand.conv.weight, large.expand.conv.weight[:8])
    assert torch.equal(small.depthwise.conv.weight, large.depthwise.conv.weight[:8, :, 1:4, 1:4])  # not yet turned
    assert torch.equal(small.project.conv.weight, large.project.conv.weight[:, :8])
    with torch.no_grad():
        turn = shared.layers[1].depthwise.turns["3"]
        turn.copy_(torch.randn_like(turn))
    turned = shared.member((0, 0, 0))[1].depthwise.conv.weight
    middle = large.depthwise.conv.weight[:8, :, 1:4, 1:4]
    assert torch.allclose(turned.flatten(1), middle.flatten(1) @ turn, atol=1e-6)
    assert shared.member((1, 2, 0))[1].depthwise.conv.weight.shape == (8, 1, 1, 1)


def test_a_step_teaches_what_it_uses() -> None:
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    shared = SharedNetwork(SPACE, 0)
    shared(torch.randn(4, 1, 8, 8), (0, 0, 0)).square().sum().backward()
    touched = {name for name, p in shared.named_parameters() if p.grad is not None}
    assert "layers.1.depthwise.turns.3" in touched and "layers.1.se_reduce.weight" not in touched
    grown = shared.layers[0].conv.weight.grad
    assert grown[:4, :, 1:4, 1:4].abs().min() > 0 and grown[4:].abs().max() == 0


@pytest.mark.slow
def test_members_learn_from_one_training() -> None:
    candidates = [Candidate(c, SPACE.architecture(c)) for c in ((0, 3, 0), (1, 1, 0), (0, 0, 0), (1, 2, 0))]
    assert min(dict(SupernetAccuracy(SPACE, bars(), LONG).evaluate(candidates)).values()) > 60  # chance is 33


@pytest.mark.slow
def test_a_seed_repeats_and_another_differs() -> None:
    candidates = [Candidate(c, SPACE.architecture(c)) for c in ((0, 3, 0), (1, 1, 0), (0, 0, 0), (1, 2, 0))]
    runs = [dict(SupernetAccuracy(SPACE, bars(), RECIPE, seed).evaluate(candidates)) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_a_member_is_judged_with_statistics_of_its_own() -> None:
    from edgenas.search.accuracy.shared_weights import SharedNetwork
    from edgenas.search.accuracy.supernet_torch import MemberJudge

    judge = MemberJudge(SharedNetwork(SPACE, 0), bars(), RECIPE, torch.device("cpu"))
    member = judge.member((1, 1, 0))
    x = torch.from_numpy(np.ascontiguousarray(bars().train_images.transpose(0, 3, 1, 2)))
    first = member[0].conv
    fed = first.conv(x[np.random.default_rng(0).permutation(96)[:48]])
    assert torch.allclose(first.bn.running_mean, fed.mean((0, 2, 3)), atol=1e-5)
    assert not member.training


@pytest.mark.slow
def test_a_supernet_that_was_cut_goes_on_and_one_that_is_done_is_not_trained_again(tmp_path: Path) -> None:
    file, candidate = tmp_path / "supernet.npz", Candidate((1, 1, 0), SPACE.architecture((1, 1, 0)))
    whole = dict(SupernetAccuracy(SPACE, bars(), RECIPE).evaluate([candidate]))

    class CutError(Exception):
        pass

    def cut(done: int, steps: int | None) -> None:
        if done == 9:
            raise CutError

    with pytest.raises(CutError):
        list(SupernetAccuracy(SPACE, bars(), RECIPE, checkpoint=file, listener=Recorder(cut)).evaluate([candidate]))
    recorder = Recorder()
    again = SupernetAccuracy(SPACE, bars(), RECIPE, checkpoint=file, listener=recorder)
    assert dict(again.evaluate([candidate])) == whole
    assert recorder.counts[0] == (7, 18) and recorder.counts[-1] == (18, 18)
    assert set(recorder.names) == {f"steps of a supernet of {SPACE.name}"}
    never = Recorder(lambda *_: pytest.fail("trained again"))
    done = SupernetAccuracy(SPACE, bars(), RECIPE, checkpoint=file, listener=never)
    assert dict(done.evaluate([candidate])) == whole
    with pytest.raises(InputError, match="holds the training"):
        list(SupernetAccuracy(SPACE, bars(), RECIPE, 1, checkpoint=file).evaluate([candidate]))


def test_names_tell_apart_what_matters_and_nothing_else() -> None:
    def name(space: Space = SPACE, recipe: SupernetRecipe = RECIPE, seed: int = 0, data: int = 0) -> str:
        return SupernetAccuracy(space, bars(data), recipe, seed).name

    others = [name(seed=1), name(data=1), name(recipe=replace(RECIPE, drawn=1)), name(replace(SPACE, name="other"))]
    others.append(name(replace(SPACE, layers=(SPACE.layers[0], SPACE.layers[2]))))
    others.append(name(recipe=replace(RECIPE, training=replace(RECIPE.training, lr=0.3))))
    assert len({name(), *others}) == 1 + len(others)
    assert name() == SupernetAccuracy(SPACE, bars(), RECIPE, threads=3).name


def test_the_largest_and_the_smallest_member_and_short_stages_are_drawn() -> None:
    from edgenas.search.accuracy.supernet_torch import drawn, extreme

    macro = find_space("nas_bench_macro")
    assert macro.key(extreme(macro, max)) == "2.2.2.2.2.2.2.2" and macro.key(extreme(macro, min)) == "0.0.0.0.0.0.0.0"
    ofa = find_space("ofa_mobilenet_v3")
    rng = random.Random(0)
    members = [drawn(ofa, rng) for _ in range(200)]
    for member in members:
        ofa.architecture(member)
    short = sum(ofa.layers[4].options[member[4]].ends for member in members)
    assert 5 < short < 50  # one of ten options ends a stage


def test_spaces_that_do_not_fit_the_images_are_refused() -> None:
    with pytest.raises(InputError, match="takes 32x3 images"):
        list(SupernetAccuracy(find_space("nas_bench_macro"), bars(), RECIPE).evaluate([]))
    for change in ({"drawn": 0}, {"calibration_images": 0}):
        with pytest.raises(InputError, match=next(iter(change))):
            replace(RECIPE, **change)


def test_a_member_of_stages_takes_each_block_from_its_place_in_the_stage() -> None:
    from edgenas.search.accuracy.shared_weights import SharedNetwork

    space = stages_space()
    shared = SharedNetwork(space, 0)
    assert len(shared.layers) == 1 + 3 * 2 + 1
    for choice in ((0, 1, 7, 2, 0), (0, 0, 0, 0, 0), (0, 3, 4, 3, 0)):
        x = torch.randn(8, 3, 8, 8)
        torch.testing.assert_close(shared.member(choice).train()(x), shared(x, choice), rtol=1e-3, atol=1e-4)
    long, short = (shared.member((0, depth, 4, 0, 0)) for depth in (1, 0))
    assert torch.equal(long[1].depthwise.conv.weight, short[1].depthwise.conv.weight)
    assert torch.equal(long[3].depthwise.conv.weight, short[2].depthwise.conv.weight)  # the first of the second stage
    assert not torch.equal(long[2].depthwise.conv.weight, long[1].depthwise.conv.weight)
