"""The spaces that ship: how many networks and blocks, what known members cost, and the walk through them."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks.reference import reference
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Space
from edgenas.search.spaces import SPACES, space
from edgenas.search.spaces import mobilenet_v3 as v3
from edgenas.search.spaces.ofa_mobilenet_v3 import ofa_mobilenet_v3
from edgenas.search.spaces.proxylessnas import PROXYLESSNAS_MOBILE
from tests.support.search_toys import SPACES as TOYS

PUBLISHED = ["mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small", "ofa_mobilenet_v3", "proxylessnas",
             "proxylessnas_24", "single_path", "fbnet", "nas_bench_macro", "tunas_v3", "mnasnet",
             "mathnas_mobilenet_v3"]  # fmt: skip
#: EfficientNet-Lite, and the twins with another padding
LITE = [f"efficientnet_lite{number}" for number in range(5)]
PADDED = ["mobilenet_v3_large_same", "mobilenet_v3_small_same", "efficientnet_lite0_plain"]
#: the twins that int8 files are searched in
RELU6 = ["mobilenet_v3_large_relu6", "mobilenet_v3_small_relu6", "ofa_mobilenet_v3_relu6", "tunas_v3_relu6",
         "mathnas_mobilenet_v3_relu6", "digits_relu6"]  # fmt: skip


def member(name: str, keys: dict[str, str]) -> tuple[Space, tuple[int, ...]]:
    """The member that takes, in each layer with a choice, the option of that key."""
    s = space(name)
    choice = [
        0 if len(layer.options) == 1 else [option.key for option in layer.options].index(keys[layer.name])
        for layer in s.layers
    ]
    return s, tuple(choice)


@pytest.mark.parametrize(
    ("name", "networks", "blocks"),
    [
        # distinct blocks of a layer: 9 a (stride, width in, width out) that occurs, plus stem, first, last, head
        ("mobilenet_v2", 9**16, 4 + 9 * 11),
        ("mobilenet_v3_large", 9**11 * 12**3, 100),
        ("mobilenet_v3_small", 9**8 * 12**2, 82),
        ("ofa_mobilenet_v3", 7371**5, 4 + 9 * 10),
        ("proxylessnas", 6**6 * 7**15, 4 + 6 * 11),
        ("proxylessnas_24", 3 * 6**6 * 7**15, 3 + 3 + 6 * 11),
        ("single_path", 4**5 * 5**15, 5 + 4 * 10),
        ("fbnet", 7**22, 3 + 6 * 13),
        ("nas_bench_macro", 3**8, 3 + 5 * 3),
        # 12 blocks a (stride, width in, width out); the first of a stage and the later ones differ, 7 stages
        ("mnasnet", 36**6 * 48, 3 + 12 * 14),
        ("mathnas_mobilenet_v3", 7371**5, 4 + 9 * 10),
        # a stage of n layers: 6 x (1 + 6 x (1 + ...)); 11 layers with another input width, stride or padding
        ("efficientnet_lite0", 42**2 * 258**2 * 1554 * 6, 4 + 6 * 11),
    ],
)
def test_number_of_networks_and_blocks(name: str, networks: int, blocks: int) -> None:
    s = space(name)
    assert s.networks == networks
    assert len(s.blocks()) == blocks


def test_tunas_counts_follow_from_its_widths() -> None:
    s = space("tunas_v3")
    stem, stages, last, hidden = 4, (4, 6, 7, 7, 7), 7, 7  # 16 x multipliers rounds to 4 widths, 32 x to 6
    widths = (stem, *stages)
    edges = stem * 2 + stem * 4 + stages[-1] * last + last * hidden
    networks = stem * 2 * 4 * last * hidden
    for before, width in itertools.pairwise(widths):
        edges += before * width * 36 + 3 * width * 37
        networks *= width * 36 * 37**3
    assert sum(len(layer) for layer in s.edges) == edges == 10_043
    assert s.networks == networks
    assert [o.c_out for o in s.layers[0].options[::2]] == [8, 16, 24, 32]


def test_the_published_mobilenets_are_members() -> None:
    s = space("mobilenet_v2")
    keys = {layer.name: "k3e6" for layer in s.layers}
    v2 = s.architecture(member("mobilenet_v2", keys)[1])
    assert v2.blocks == reference("mobilenet_v2").blocks
    for name, rows, kernels in (
        ("mobilenet_v3_large", v3.LARGE, v3.LARGE_KERNELS),
        ("mobilenet_v3_small", v3.SMALL, v3.SMALL_KERNELS),
    ):
        keys = {f"block{i}": f"k{k}m{row[1]}" for i, (row, k) in enumerate(zip(rows, kernels, strict=True), start=2)}
        s, choice = member(name, keys)
        assert s.architecture(choice).blocks == reference(name).blocks
        assert s.parse(s.key(choice)) == choice


def test_proxylessnas_mobile_has_its_published_size() -> None:
    network = space("proxylessnas").architecture((0, 0, *PROXYLESSNAS_MOBILE, 0, 0))
    assert network.params == 4_080_512  # the published checkpoint's
    assert abs(network.macs / 320e6 - 1) < 0.01  # arXiv 1812.00332, table 2: 320M


def test_fbnet_has_the_sizes_it_was_measured_at() -> None:
    s = space("fbnet")
    widths = {(b.in_size, b.c_out) for b in s.blocks() if b.kind == "ir"}
    strides = {(b.c_in, b.c_out) for b in s.blocks() if b.stride == 2}
    assert strides == {(24, 32), (32, 64), (112, 184)}  # HW-NAS-Bench: strides 1, 1, 2, 2, 1, 2, 1 with CIFAR
    assert {(32, 16), (32, 24), (16, 32), (8, 64), (8, 112), (4, 184), (4, 352)} <= widths
    assert s.blocks()[-2:] == (BlockSpec.parse("conv-4x352-o1504-k1-s1-relu"), BlockSpec.parse("head-4x1504-o100"))


def test_once_for_all_depths() -> None:
    s = space("ofa_mobilenet_v3")
    largest = s.architecture((0, 0, *[8] * 20, 0, 0))
    assert largest.macs == _largest_once_for_all_macs()
    shallow = s.architecture((0, 0, *[0, 0, 9, 9] * 5, 0, 0))
    assert sum(block.kind == "skip" for block in shallow.blocks) == 10
    with pytest.raises(InputError, match=r"stage1.4: option 0 is not one of 9 end"):
        s.architecture((0, 0, *[0, 0, 9, 0] * 5, 0, 0))
    wide = ofa_mobilenet_v3(width=1.2)
    assert wide.networks == s.networks
    assert wide.architecture((0, 0, *[8] * 20, 0, 0)).blocks[0].c_out == 24  # 16 x 1.2 keeps 90 %: 24
    with pytest.raises(InputError, match=r"not 1\.0 or 1\.2"):
        ofa_mobilenet_v3(width=1.1)


def test_every_network_of_nas_bench_macro_has_its_published_macs_and_parameters(shared_data: Path) -> None:
    rows = json.loads((shared_data / "nas_bench_macro" / "nas-bench-macro_cifar10.json").read_text())
    s = space("nas_bench_macro")
    assert len(rows) == s.networks
    macs = {block: block.macs for block in s.blocks()}
    params = {block: block.params for block in s.blocks()}  # counted once a block, not once a network
    for key, row in rows.items():
        blocks = [b for b in s.architecture((0, *map(int, key), 0, 0)).blocks if b.kind != "skip"]
        assert (sum(macs[b] for b in blocks), sum(params[b] for b in blocks)) == (row["flops"], row["params"]), key


def _largest_once_for_all_macs() -> int:
    """Depth 4, kernel 7, expansion 6 everywhere, counted from the published code's lists instead of from blocks."""
    macs = 112**2 * (27 * 16 + 9 * 16 + 16 * 16)  # stem, first block
    size, c_in = 112, 16
    for c_out, stride, se in zip((24, 40, 80, 112, 160), (2, 2, 2, 1, 2), (0, 1, 0, 1, 1), strict=True):
        for i in range(4):
            wide = 6 * c_in
            squeezed = (wide // 4 + 4) // 8 * 8
            macs += size**2 * c_in * wide
            size //= stride if i == 0 else 1
            macs += size**2 * wide * (49 + c_out) + se * 2 * wide * squeezed
            c_in = c_out
    return macs + 7**2 * 160 * 960 + 960 * 1280 + 1280 * 1000


@pytest.mark.parametrize("name", [*PUBLISHED, *LITE])
def test_sizes_and_classes_are_free(name: str) -> None:
    s = space(name, in_size=64, classes=7)
    network = s.architecture(s.sample(random.Random(1)))
    assert (network.in_size, network.c_out) == (64, 7)
    assert s.networks == space(name).networks
    assert s.source


def test_digits_is_listed() -> None:
    assert list(SPACES) == [*PUBLISHED, "digits", *LITE, *RELU6, *PADDED]


def test_every_space_with_hswish_has_a_twin_without() -> None:
    swishes = [n for n in [*PUBLISHED, "digits"] if any(b.act == "hswish" for b in space(n, 32, 10).blocks())]
    assert [f"{name}_relu6" for name in swishes] == RELU6


@pytest.mark.parametrize("name", RELU6)
def test_a_twin_differs_in_its_activation_alone(name: str) -> None:
    twin, published = space(name, 64, 7), space(name.removesuffix("_relu6"), 64, 7)
    assert twin.name == name
    assert twin.networks == published.networks
    assert not any(b.act == "hswish" for b in twin.blocks())
    rng = random.Random(3)
    for _ in range(5):
        choice = published.sample(rng)
        one, other = published.architecture(choice), twin.architecture(choice)
        assert (one.macs, one.params, published.key(choice)) == (other.macs, other.params, twin.key(choice))
        relu6 = [replace(b, act="relu6") if b.act == "hswish" else b for b in one.blocks]
        assert list(other.blocks) == relu6
    with pytest.raises(InputError, match=f"layer|network of {name}"):
        twin.parse("0")


def test_unknown_space_lists_the_names() -> None:
    with pytest.raises(InputError, match=r"no space 'vgg16'; there are mobilenet_v2, .*, digits, efficientnet_lite0, "):
        space("vgg16")


def _every_space() -> list[Space]:
    return [space(name) for name in PUBLISHED] + [make() for make in TOYS.values()]


@given(index=st.integers(0, len(PUBLISHED) + len(TOYS) - 1), seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_key_and_parse_are_inverse(index: int, seed: int) -> None:
    s = _SPACES[index]
    choice = s.sample(random.Random(seed))
    network = s.architecture(choice)
    assert s.parse(s.key(choice)) == choice
    assert network.name == f"{s.name}/{s.key(choice)}"
    assert {block for block in network.blocks if block.kind != "skip"} <= set(s.blocks())


_SPACES = _every_space()


@pytest.mark.parametrize("text", ["", "1", "0.0.0.0.0.0.0.3", "0.0.0.0.0.0.0.-1", "0.0.0.0.0.0.0.01", "0.0.0.0.0.0.0.²",
                                  "0." * 7 + "9" * 5000])  # fmt: skip
def test_keys_that_name_nothing_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="nas_bench_macro"):
        space("nas_bench_macro").parse(text)


@pytest.mark.parametrize("toy", TOYS)
def test_sampling_is_uniform(toy: str) -> None:
    s = TOYS[toy]()
    rng = random.Random(0)
    draws = Counter(s.sample(rng) for _ in range(10 * s.networks))
    everything = {c for c in itertools.product(*(range(len(layer.options)) for layer in s.layers)) if _is_member(s, c)}
    assert len(everything) == s.networks
    assert set(draws) <= everything
    statistic = sum((draws[c] - 10) ** 2 / 10 for c in everything)
    n = s.networks - 1
    assert statistic < n * (1 - 2 / (9 * n) + 3.09 * (2 / (9 * n)) ** 0.5) ** 3  # .999 quantile (Wilson, Hilferty)


def _is_member(s: Space, choice: tuple[int, ...]) -> bool:
    try:
        s.architecture(choice)
    except InputError:
        return False
    return True
