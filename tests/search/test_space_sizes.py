"""Spaces that choose the size of a network's images: one exact front, judges at each network's own size, messages."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.size import Rectangle, as_sizes, size_text
from edgenas.search.algorithms.mathnas_blocks import average_network, base_network
from edgenas.search.cost import macs_cost
from edgenas.search.graph import layered_graph
from edgenas.search.lazy import capacity_values
from edgenas.search.problem import Candidate
from edgenas.search.solvers.pareto_dp import pareto_front
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import is_space, space
from edgenas.search.spaces.parameters import several, sizes_in
from edgenas.search.spaces.recorded import recorded_space, space_record
from edgenas.search.spaces.sizes import over_sizes, undivided
from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
from edgenas.training.sizes import at_size, identity, sized
from tests.support.search_toys import plain_space
from tests.support.training_toys import bars

QUICK = TrainRecipe(epochs=1, batch=16, lr=0.1)


def toys(*sizes: int) -> Space:
    """The plain toy at several sizes, in grey and with three classes."""

    def build(size: object) -> Space:
        assert isinstance(size, int)
        head = Layer("head", (Option("fc", "head", 3),))
        layers = (*plain_space().layers[:3], head)
        return dataclasses.replace(plain_space(), in_size=size, c_in=1, layers=layers)

    return over_sizes(build, sizes, lambda name: f"{name}:{sizes}")


def larger(data: ImageData) -> ImageData:
    """The same images at twice the size."""
    parts = {
        f"{part}_images": getattr(data, f"{part}_images").repeat(2, axis=1).repeat(2, axis=2)
        for part in ("train", "validation", "test")
    }
    return dataclasses.replace(data, name="bars-large", **parts)


def members(s: Space, choices: Sequence[tuple[int, ...]]) -> list[Candidate]:
    return [Candidate(choice, s.architecture(choice)) for choice in choices]


def test_the_first_choice_is_the_size() -> None:
    s = space("nas_bench_macro", (32, 16))
    assert s == space("nas_bench_macro:in_size=16+32") == edgenas.space("nas_bench_macro", in_size="16,32")
    assert (s.name, s.in_size, s.sizes) == ("nas_bench_macro:in_size=16+32", 32, (16, 32))
    assert s.networks == 2 * 3**8
    assert set(s.blocks()) == {b for size in (16, 32) for b in space("nas_bench_macro", size).blocks()}
    small = s.architecture(s.parse("0.2.2.2.1.2.2.1.0"))
    assert small.blocks == space("nas_bench_macro", 16).architecture((0, 2, 2, 2, 1, 2, 2, 1, 0, 0, 0)).blocks
    assert small.in_size == 16 and s.size_of(s.parse("0.2.2.2.1.2.2.1.0")) == 16
    assert s.parse("16.mb6k5.2.2.1.2.2.1.0") == s.parse("0.2.2.2.1.2.2.1.0")
    assert s.at_size(s.parse("0.2.2.2.1.2.2.1.0"), 32) == s.parse("1.2.2.2.1.2.2.1.0")
    assert is_space(s.name)


def test_names_hold_sizes_and_parameters() -> None:
    s = space("mobilenet_v2:width=0.5", (Rectangle(64, 32), 32), 10)
    assert s.name == "mobilenet_v2:width=0.5,in_size=32+64x32"
    assert s.sizes == (32, Rectangle(64, 32))
    assert space(s.name, None, 10) == s
    record = space_record(s)
    assert recorded_space(record, None, "here") == s and record.layers == ()
    for wrong, says in (
        (lambda: space("digits", (16, 16)), "give each once, such as 128,160,192"),
        (lambda: space("digits", (16,)), "give each once"),
        (lambda: space("digits:in_size=16+24", 16), "chooses from 2 sizes; leave out --in-size 16"),
        (lambda: space("digits:in_size=16"), "give it as --in-size"),
        (lambda: space("digits:in_size=16+x"), "is neither a number of pixels"),
    ):
        with pytest.raises(InputError, match=says):
            wrong()


def test_own_spaces_choose_sizes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(
        "from dataclasses import replace\nfrom edgenas.search.spaces import space\n\n"
        "def tiny(in_size=32, classes=10):\n"
        "    made = space('nas_bench_macro', in_size, classes)\n"
        "    return replace(made, name='tiny', layers=made.layers[:3] + made.layers[-1:])\n\n"
        "def odd(in_size=32):\n"
        "    made = tiny(in_size)\n"
        "    return replace(made, name='odd', layers=made.layers[: 1 + in_size // 16] + made.layers[-1:])\n"
    )
    s = space("mine.py:tiny", (8, 16))
    assert s.code is not None and s.code.text == "mine.py:tiny:in_size=8+16"
    edgenas.search(
        "mine.py:tiny",
        in_size=[8, 16],
        accuracy=lambda network: 50 + network.macs**0.1,
        budget_macs=4e6,
        algorithms="mathnas",
        out="s.json",
    )
    saved = json.loads(Path("s.json").read_text())
    assert saved["space"]["name"] == "tiny:in_size=8+16"
    assert saved["explanation"]["options"]["size"] in ("8", "16")
    points = edgenas.front("s.json").points
    assert {edgenas.network(f"mine.py:tiny:in_size=8+16/{p.key}").architecture.in_size for p in points} == {8, 16}
    with pytest.raises(InputError, match="other layers at 16 than at 32 pixels: search each size by itself"):
        space("mine.py:odd", (16, 32))


def test_one_front_over_all_sizes_is_that_of_all_networks() -> None:
    union = toys(8, 16)
    graph = layered_graph(union, macs_cost()).with_values(capacity_values(union))
    best: dict[float, float] = {}
    every = []
    for choice in itertools.product(*(range(len(layer.options)) for layer in union.layers)):
        found = graph.solution(graph.path(choice))
        assert found.cost == macs_cost().total(union.architecture(choice))
        every.append((found.cost, -found.value))
    top = -np.inf
    for cost, value in sorted(every):
        if -value > top:
            top = best[cost] = -value
    front = pareto_front(graph)
    assert dict(zip(front.costs.tolist(), front.values.tolist(), strict=True)) == best
    assert {union.size_of(front.solution(i).choice) for i in range(len(front))} == {8, 16}


def test_mathnas_starts_from_the_largest_size() -> None:
    s = toys(8, 16, 24)
    assert s.size_of(base_network(s)) == 24
    assert s.size_of(average_network(s)) == 16
    assert {s.size_of(s.sample(random.Random(seed))) for seed in range(20)} == {8, 16, 24}


def test_images_of_several_sizes() -> None:
    small, large = bars(), larger(bars())
    both = sized([large, small])
    assert both == (small, large) == sized(both) and sized(small) == (small,)
    assert at_size(both, 8) is small and at_size(both, 16) is large and at_size(both, 99) is large
    assert identity(both) == f"bars:{small.digest}+bars-large:{large.digest}"
    with pytest.raises(InputError, match="have images of one size, 8"):
        sized([small, bars(1)])
    with pytest.raises(InputError, match="not the same images at two sizes"):
        sized([small, larger(bars(1))])


@pytest.mark.slow
def test_trainings_are_at_the_size_of_each_network() -> None:
    pytest.importorskip("torch")
    from edgenas.search.accuracy.training import TrainingAccuracy

    s = toys(8, 16)
    candidates = members(s, ((0, 0, 0, 0, 0), (1, 0, 0, 0, 0)))
    both = (bars(), larger(bars()))
    with TrainingAccuracy(both, QUICK, 0, workers=1) as judge:
        found = dict(judge.evaluate(candidates))
        assert judge.name.startswith(f"training:{identity(both)}:")
    for index, data in enumerate(both):
        with TrainingAccuracy(data, QUICK, 0, workers=0) as alone:
            assert dict(alone.evaluate([candidates[index]])) == {0: found[index]}
    with TrainingAccuracy(both[0], QUICK, 0, workers=0) as alone, pytest.raises(Exception, match="takes 16x1 images"):
        list(alone.evaluate([candidates[1]]))


def test_a_supernet_trains_and_judges_at_every_size() -> None:
    torch = pytest.importorskip("torch")
    from edgenas.search.accuracy.shared_weights import SharedNetwork
    from edgenas.search.accuracy.supernet import SupernetAccuracy
    from edgenas.search.accuracy.supernet_torch import gradients
    from edgenas.training.arithmetic import Arithmetic

    s, recipe = toys(8, 16), SupernetRecipe(QUICK, 1, 32)
    shared = SharedNetwork(s, 0)
    assert len(shared.layers) == len(s.layers) - 1, "the choice of a size has no weights"
    seen: list[tuple[int, ...]] = []
    forward = SharedNetwork.forward

    class Watched(SharedNetwork):
        def forward(self, x: object, choice: tuple[int, ...]) -> object:  # type: ignore[override]
            assert tuple(x.shape[2:]) == (s.size_of(choice),) * 2  # type: ignore[attr-defined]
            seen.append(choice)
            return forward(self, x, choice)  # type: ignore[arg-type]

    step = gradients(Watched(s, 0), recipe, 0, Arithmetic.of(torch.device("cpu")))
    step(torch.randn(4, 1, 16, 16), torch.tensor([0, 1, 2, 0]), 0)
    assert {s.size_of(choice) for choice in seen} == {8, 16} and len(seen) == 3
    judge = SupernetAccuracy(s, [bars(), larger(bars())], recipe)
    found = dict(judge.evaluate(members(s, ((0, 0, 1, 1, 0), (1, 0, 1, 1, 0)))))
    assert len(found) == 2 and all(0 <= accuracy <= 100 for accuracy in found.values())
    with pytest.raises(InputError, match="takes 16x1 images"):
        list(SupernetAccuracy(s, bars(), recipe).evaluate(members(s, ((0, 0, 1, 1, 0),))))


def test_sizes_that_strides_do_not_divide_are_named() -> None:
    assert undivided(space("mobilenet_v2", (128, 160))) == ""
    assert undivided(space("mobilenet_v2", 100)) == "", "one size is the user's own"
    said = undivided(space("mobilenet_v2", (96, 100)))
    assert "32 in all, do not divide 100 px" in said and "96 and 128 px are divided" in said


def test_a_published_network_has_one_size() -> None:
    with pytest.raises(InputError, match="is one network and has one size, not 128,160"):
        edgenas.network("mobilenet_v2", in_size=(128, 160))
    with pytest.raises(InputError, match="is one network and has one size, not 128,160"):
        edgenas.network("torchvision/mnasnet1_0", in_size="128,160")


def test_texts_of_sizes() -> None:
    assert as_sizes("128,160x120") == (128, Rectangle(160, 120)) and as_sizes("128") == as_sizes(128) == 128
    assert size_text((128, Rectangle(160, 120))) == "128,160x120" and size_text(128) == "128"
    assert sizes_in("in_size=8+16,width=2") == ((8, 16), "width=2") and sizes_in("width=2") == ((), "width=2")
    assert several(["16", 8]) == (8, 16)
