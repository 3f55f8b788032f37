"""Parameters of spaces: in their names, from Python, in records, and with the user's own functions."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.reference import make_divisible
from edgenas.search.spaces import SPACES, is_space, space
from edgenas.search.spaces import mobilenet_v3 as v3
from edgenas.search.spaces.mnasnet import mnasnet
from edgenas.search.spaces.padding import with_same
from edgenas.search.spaces.parameters import given, joined, named, parameters, split
from edgenas.search.spaces.proxylessnas import PROXYLESSNAS_MOBILE
from edgenas.search.spaces.recorded import recorded_space, space_record
from tests.search.test_spaces import member

WIDE = {"ofa_mobilenet_v3": 1.2, "mathnas_mobilenet_v3": 1.2, "proxylessnas": 1.3, "mobilenet_v2": 1.4,
        "mobilenet_v3_large": 0.75, "mobilenet_v3_small": 0.75}  # fmt: skip

OWN = """
from dataclasses import replace
from edgenas.search.spaces import space


def tiny(in_size=32, classes=10, *, depth=2, wide=False, act="relu", share=0.5):
    made = space("nas_bench_macro", in_size, classes)
    kept = [layer for layer in made.layers if layer.name not in [f"stage3.{i}" for i in range(3, depth, -1)]]
    return replace(made, name="tiny", layers=tuple(kept))


fixed = tiny()
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_space.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_which_spaces_have_a_width() -> None:
    assert {name for name, build in SPACES.items() if "width" in parameters(build)} == {
        *WIDE,
        "mobilenet_v3_large_relu6",
        "mobilenet_v3_small_relu6",
        "mobilenet_v3_large_same",
        "mobilenet_v3_small_same",
        "ofa_mobilenet_v3_relu6",
        "mathnas_mobilenet_v3_relu6",
    }


def test_twins_take_the_parameters_of_their_space() -> None:
    for twin, differs in (("_same", "same"), ("_relu6", "act")):
        wide = space(f"mobilenet_v3_small{twin}:width=0.75", 64, 10)
        plain = space("mobilenet_v3_small:width=0.75", 64, 10)
        assert wide.name == f"mobilenet_v3_small{twin}:width=0.75"
        for one, other in zip(wide.blocks(), plain.blocks(), strict=True):
            assert dataclasses.replace(one, **{differs: getattr(other, differs)}) == other
    stages = with_same(mnasnet)(in_size=64)
    assert all(part.same for option in stages.layers[1].options for part in (option, *option.more))


@pytest.mark.parametrize("name", WIDE)
def test_a_width_is_part_of_the_name(name: str) -> None:
    text = f"{name}:width={WIDE[name]}"
    wide = space(text, 64, 10)
    assert wide.name == text
    assert wide == edgenas.space(name, 64, 10, width=WIDE[name]) != space(name, 64, 10)
    assert space(f"{name}:width=1.0", 64, 10) == space(name, 64, 10)
    more = wide.blocks()[-2].c_out - space(name, 64, 10).blocks()[-2].c_out
    assert (more > 0) == (WIDE[name] > 1) and more != 0
    record = space_record(wide)
    assert record.layers == () and recorded_space(record, None, "here") == wide
    assert is_space(text) and not is_space(f"{text}/0.1")


def test_once_for_all_at_the_width_of_its_published_tables() -> None:
    network = space("ofa_mobilenet_v3:width=1.2").architecture((0, 0, *[8] * 20, 0, 0))
    assert [block.c_out for block in network.blocks[::4]] == [24, 32, 48, 96, 136, 192]
    assert [(b.c_in, b.c_out, b.c_mid) for b in network.blocks[-2:]] == [(192, 1152, 0), (1152, 1000, 1536)]


@pytest.mark.parametrize(
    ("width", "macs", "params"),
    # github.com/tensorflow/models, research/slim/nets/mobilenet/README.md: multiply-adds and parameters at 224 pixels
    [(1.4, 582e6, 6.06e6), (1.3, 509e6, 5.34e6), (0.75, 209e6, 2.61e6), (0.5, 97e6, 1.95e6), (0.35, 59e6, 1.66e6)],
)
def test_mobilenet_v2_of_other_widths_has_its_published_size(width: float, macs: float, params: float) -> None:
    keys = {layer.name: "k3e6" for layer in space("mobilenet_v2").layers}
    network = space(f"mobilenet_v2:width={width}").architecture(member("mobilenet_v2", keys)[1])
    assert network.macs == pytest.approx(macs, rel=0.01)
    assert network.params == pytest.approx(params, rel=0.025)  # published without the shifts of batch norm


def test_mobilenet_v3_of_width_three_quarters_has_its_published_size() -> None:
    """arXiv 1905.02244, table 3: 155M multiply-adds and 4.0M parameters."""
    s = space("mobilenet_v3_large:width=0.75")
    choice = [0, 0]
    for layer, row, kernel in zip(s.layers[2:], v3.LARGE, v3.LARGE_KERNELS, strict=False):
        published = f"k{kernel}m{make_divisible(row[1] / row[0] * make_divisible(0.75 * row[0]))}"
        choice.append([option.key for option in layer.options].index(published))
    network = s.architecture((*choice, 0, 0))
    assert network.macs == pytest.approx(155e6, rel=0.01)
    assert network.params == pytest.approx(4.0e6, rel=0.01)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("timm/mobilenetv3_large_075", "mobilenet_v3_large:width=0.75"),
        ("timm/mobilenetv2_140", "mobilenet_v2:width=1.4"),
    ],
)
def test_published_networks_of_other_widths_are_members(name: str, text: str) -> None:
    s, state, choice = space(text), space(text).start, list[int]()
    network = edgenas.network(name).architecture
    for layer, block in enumerate(network.blocks):
        (edge,) = [edge for edge in s.open_edges(layer, state) if edge.block == block]
        choice.append(edge.option)
        state = edge.target
    assert s.architecture(choice).blocks == network.blocks


def test_proxylessnas_of_width_1_3() -> None:
    network = space("proxylessnas:width=1.3").architecture((0, 0, *PROXYLESSNAS_MOBILE, 0, 0))
    assert [network.blocks[i].c_out for i in (0, 1, 2, -2)] == [40, 24, 40, 1664]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ofa_mobilenet_v3:width=1.1", "width multiplier 1.1 is not 1.0 or 1.2"),
        ("mobilenet_v2:width=9", r"width multiplier 9.0 is outside 0\.1\.\.4"),
        ("mobilenet_v2:width=nan", "width='nan' is not a number, such as width=1"),
        ("mobilenet_v2:width=wide", "width='wide' is not a number, such as width=1"),
        ("mobilenet_v2:widht=1", r"mobilenet_v2 takes no parameter 'widht'; did you mean 'width'\? It takes width"),
        ("mobilenet_v2:k=1", r"mobilenet_v2 takes no parameter 'k'; it takes width \(default 1\)"),
        ("mobilenet_v2:width=1,width=1", "width is given twice"),
        ("mobilenet_v2:width=1,", "takes no parameter ''"),
        ("mobilenet_v2:width=1,in_size=32", "in_size is no parameter of a space; give it as --in-size"),
        ("fbnet:width=1", "fbnet takes no parameter 'width'; it has none"),
        ("digits:width=1", "digits takes no parameter 'width'; it has none"),
        ("nas_bench_macro:divided=1.5", "divided='1.5' is not a whole number, such as divided=1"),
        ("resnet50:width=1", "no space 'resnet50'"),
        ("nowhere.py:tiny:width=1", r"nowhere\.py: no such file"),
    ],
)
def test_a_wrong_parameter_says_which_there_are(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        space(text)


def test_own_functions_have_parameters(own: Path) -> None:
    assert own.is_dir()
    text = "my_space.py:tiny:depth=1,wide=true,act=a:b"
    made = space("my_space.py:tiny:depth=1,wide=true")
    assert (made.name, len(made.layers)) == ("tiny:depth=1,wide=true", 9)
    assert made.code is not None and made.code.text == "my_space.py:tiny:depth=1,wide=true"
    assert space("my_space.py:tiny").name == "tiny"
    assert is_space("my_space.py:tiny:depth=1") and not is_space("my_space.py:tiny:depth=1/0.0")
    record, code = space_record(made), made.code.as_dict()
    assert recorded_space(record, code, "here") == made
    with pytest.raises(InputError, match="takes no parameter 'deep'; did you mean 'depth'"):
        space("my_space.py:tiny:deep=1")
    with pytest.raises(InputError, match="wide='yes' is not true or false"):
        space("my_space.py:tiny:wide=yes")
    with pytest.raises(InputError, match="is a Space and takes no depth=1: make it a function"):
        space("my_space.py:fixed:depth=1")
    with pytest.raises(InputError):
        space(text)  # a value has no colon


def test_a_search_is_opened_with_its_parameters(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edgenas.search(
        "my_space.py:tiny:depth=1",
        accuracy=lambda network: 50 + network.macs**0.1,
        budget_macs=1e9,
        algorithms="mathnas",
        out="s.json",
    )
    assert edgenas.network("s.json").architecture.name.startswith("tiny:depth=1/")
    assert len(edgenas.front("s.json").points) > 1
    with pytest.raises(InputError, match="space 'tiny:depth=1', this search has 'tiny'"):
        edgenas.search("my_space.py:tiny", accuracy=lambda network: 50.0, budget_macs=1e9, out="s.json")
    key = edgenas.network("s.json").architecture.name.partition("/")[2]
    named_again = edgenas.network(f"my_space.py:tiny:depth=1/{key}").architecture
    assert named_again.blocks == edgenas.network("s.json").architecture.blocks
    assert own.joinpath("s.trials.jsonl").is_file()
    elsewhere = own / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert len(edgenas.front(own / "s.json").points) > 1, "its file is found beside it"


def test_names_and_texts_are_inverse() -> None:
    def build(*, width: float = 1.0, act: str = "relu", deep: bool = False, count: int = 3) -> None:
        del width, act, deep, count

    values = {"width": 1.25, "act": "none", "deep": True, "count": 4}
    text = named("mine", build, values)
    assert text == "mine:width=1.25,act=none,deep=true,count=4"
    assert split(text) == ("mine", "width=1.25,act=none,deep=true,count=4")
    assert given("mine", build, split(text)[1]) == values
    assert (
        joined("mine", values) == joined("mine:width=1.25", {k: v for k, v in values.items() if k != "width"}) == text
    )
    assert split("a=b/my.py:tiny") == ("a=b/my.py:tiny", "")
    assert named("mine", build, {"width": 1.0}) == "mine"


def test_an_object_takes_no_parameters() -> None:
    made = dataclasses.replace(space("digits"), name="mine")
    with pytest.raises(InputError, match="leave out width"):
        edgenas.space(made, width=2)
