"""Members of spaces whose weights others published: found exactly, with their padding."""

from __future__ import annotations

import pytest

from edgenas.api.spaces import spaces
from edgenas.blocks.pretrained.published import PUBLISHED
from edgenas.blocks.reference import reference
from edgenas.search.spaces import is_space, parameters_of, space
from edgenas.search.spaces.published_members import member_of, published_members

MEMBERS = {
    "mobilenet_v2": "torchvision/mobilenet_v2",
    "mobilenet_v3_large": "torchvision/mobilenet_v3_large",
    "mobilenet_v3_small": "timm/mobilenetv3_small_100",
    "mobilenet_v3_large_same": "timm/tf_mobilenetv3_large_100",
    "mobilenet_v3_small_same": "timm/tf_mobilenetv3_small_100",
    "ofa_mobilenet_v3": "once-for-all/ofa_mbv3_d234_e346_k357_w1.0",
    "single_path": "timm/spnasnet_100",
    **{f"efficientnet_lite{n}": f"efficientnet_pytorch/efficientnet-lite{n}" for n in range(5)},
    "efficientnet_lite0_plain": "timm/efficientnet_lite0",
}


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("size", [None, 96, 65])
def test_the_published_network_is_a_member_exactly(name: str, size: int | None) -> None:
    s = space(name, size, 7, 1)
    choice = published_members(s)[MEMBERS[name]]
    wanted = PUBLISHED[MEMBERS[name]].network(s.in_size, 7, 1)
    member = s.architecture(choice)
    assert [b for b in member.blocks if b.kind != "skip"] == list(wanted.blocks)
    assert s.parse(s.key(choice)) == choice and member.macs == wanted.macs


def test_a_short_name_means_the_first_of_a_family() -> None:
    assert is_space("efficientnet_lite") and not is_space("efficientnet_lit")
    assert space("efficientnet_lite", 64, 3) == space("efficientnet_lite0", 64, 3)
    assert space("efficientnet_lite:in_size=64+96") == space("efficientnet_lite0:in_size=64+96")
    assert parameters_of("efficientnet_lite") == {}


def test_the_padding_counts() -> None:
    lite = reference("efficientnet_lite0", 64)
    assert member_of(space("efficientnet_lite0", 64), lite) is not None
    assert member_of(space("efficientnet_lite0_plain", 64), lite) is None
    assert "timm/tf_mobilenetv3_small_100" not in published_members(space("mobilenet_v3_small"))
    assert published_members(space("digits")) == {} == published_members(space("mobilenet_v3_small_relu6"))


@pytest.mark.slow
def test_spaces_say_whose_weights_exist() -> None:
    rows = {row.name: row.weights for row in spaces(in_size=64, classes=3)}
    assert rows["efficientnet_lite0"] == ("efficientnet_pytorch/efficientnet-lite0", "timm/tf_efficientnet_lite0")
    assert rows["fbnet"] == ()


def test_skips_and_residuals_of_a_smaller_member() -> None:
    s = space("efficientnet_lite1", 64)
    choice = member_of(s, reference("efficientnet_lite0", 64))
    assert choice is not None and sum(b.kind == "skip" for b in s.architecture(choice).blocks) == 5
