"""Layouts: the names that others give the tensors of a network, and the order of its parts in their files.

A layout is recognised by names that only it has. ``names`` maps each operation of a network to the names of its
convolution (or linear layer) and of its batch norm in the file. Blocks are matched in order: the numbers of stages and
layers in a file's names are sorted as numbers, since some formats sort names as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.ops import lower
from edgenas.blocks.spec import BlockSpec

Place = tuple[int, str]  #: number of the block, name of the operation
Names = dict[Place, tuple[str, str | None]]  #: place -> (convolution or linear layer, batch norm)

#: operations of a block -> names in it, of the convolution and the batch norm
_Inside = dict[str, tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to name tensors. ``marks`` are names of tensors that only this layout has, all of them; ``names`` returns
    the places of a network's operations among the names of a file."""

    name: str
    marks: tuple[str, ...]
    names: Callable[[Architecture, Collection[str]], Names]


def layout_of(names: Collection[str]) -> Layout | None:
    """Return the layout of the tensors called ``names``; None for an unknown one."""
    return next((layout for layout in LAYOUTS if all(mark in names for mark in layout.marks)), None)


def _torchvision_v2(network: Architecture, names: Collection[str]) -> Names:
    def inside(block: BlockSpec) -> _Inside:
        if block.kind == "sep":
            return {"depthwise": ("conv.0.0", "conv.0.1"), "project": ("conv.1", "conv.2")}
        return {
            "expand": ("conv.0.0", "conv.0.1"),
            "depthwise": ("conv.1.0", "conv.1.1"),
            "project": ("conv.2", "conv.3"),
        }

    parts = _numbered(names, r"(features\.(\d+))\.")
    found = _body(network, parts[1:-1], inside)
    return found | _ends(
        network, (f"{parts[0]}.0", f"{parts[0]}.1"), (f"{parts[-1]}.0", f"{parts[-1]}.1"), "classifier.1"
    )


def _torchvision_v3(network: Architecture, names: Collection[str]) -> Names:
    def inside(block: BlockSpec) -> _Inside:
        given: _Inside = {}
        for op in lower(block):
            if op.name in ("expand", "depthwise", "project"):
                at = len({name.split(".")[1] for name, _ in given.values()})
                given[op.name] = (f"block.{at}.0", f"block.{at}.1")
            elif op.name == "se_reduce":
                at = len(given)
                given |= {"se_reduce": (f"block.{at}.fc1", None), "se_expand": (f"block.{at}.fc2", None)}
        return given

    parts = _numbered(names, r"(features\.(\d+))\.")
    found = _body(network, parts[1:-1], inside)
    ends = (f"{parts[0]}.0", f"{parts[0]}.1"), (f"{parts[-1]}.0", f"{parts[-1]}.1")
    return found | _ends(network, *ends, "classifier.3", "classifier.0")


def _torchvision_mnasnet(network: Architecture, names: Collection[str]) -> Names:
    def inside(block: BlockSpec) -> _Inside:
        if block.kind == "sep":
            return {"depthwise": ("3", "4"), "project": ("6", "7")}
        return {
            "expand": ("layers.0", "layers.1"),
            "depthwise": ("layers.3", "layers.4"),
            "project": ("layers.6", "layers.7"),
        }

    parts = ["layers", *_numbered(names, r"(layers\.(\d+)\.(\d+))\.layers\.")]
    return _body(network, parts, inside) | _ends(
        network, ("layers.0", "layers.1"), ("layers.14", "layers.15"), "classifier.1"
    )


def _timm(network: Architecture, names: Collection[str]) -> Names:
    def inside(block: BlockSpec) -> _Inside:
        se: _Inside = {"se_reduce": ("se.conv_reduce", None), "se_expand": ("se.conv_expand", None)}
        if block.kind == "sep":
            return {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2"), **se}
        return {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3"), **se}

    parts = _numbered(names, r"(blocks\.(\d+)\.(\d+))\.")
    if network.blocks[-1].c_mid:  # MobileNetV3: the last convolution is the last block, conv_head the hidden layer
        last, parts = (f"{parts[-1]}.conv", f"{parts[-1]}.bn1"), parts[:-1]
        ends = _ends(network, ("conv_stem", "bn1"), last, "classifier", "conv_head")
    else:
        ends = _ends(network, ("conv_stem", "bn1"), ("conv_head", "bn2"), "classifier")
    return _body(network, parts, inside) | ends


def _efficientnet_pytorch(network: Architecture, names: Collection[str]) -> Names:
    def inside(block: BlockSpec) -> _Inside:
        return {
            "expand": ("_expand_conv", "_bn0"),
            "depthwise": ("_depthwise_conv", "_bn1"),
            "project": ("_project_conv", "_bn2"),
        }

    parts = _numbered(names, r"(_blocks\.(\d+))\.")
    return _body(network, parts, inside) | _ends(network, ("_conv_stem", "_bn0"), ("_conv_head", "_bn1"), "_fc")


def _once_for_all(network: Architecture, names: Collection[str]) -> Names:
    parts = _numbered(names, r"(blocks\.(\d+)\.(?:conv|mobile_inverted_conv))\.")

    def inside(block: BlockSpec) -> _Inside:
        elastic = block.kind == "ir"  # the first block is not elastic, and has names with one part less
        conv, norm = (".conv.conv", ".bn.bn") if elastic else (".conv", ".bn")
        return {
            "expand": (f"inverted_bottleneck{conv}", f"inverted_bottleneck{norm}"),
            "depthwise": (f"depth_conv{conv}", f"depth_conv{norm}"),
            "se_reduce": ("depth_conv.se.fc.reduce", None),
            "se_expand": ("depth_conv.se.fc.expand", None),
            "project": (f"point_linear{conv}", f"point_linear{norm}"),
        }

    stem, last = ("first_conv.conv", "first_conv.bn"), ("final_expand_layer.conv", "final_expand_layer.bn")
    return _body(network, parts, inside) | _ends(network, stem, last, "classifier.linear", "feature_mix_layer.conv")


def _numbered(names: Iterable[str], pattern: str) -> list[str]:
    """Return the first group of ``pattern`` where it begins a name, once each, in the order of the numbers in the other
    groups."""
    found = {m[1]: tuple(int(n) for n in m.groups()[1:]) for m in map(re.compile(pattern).match, names) if m}
    return sorted(found, key=lambda part: found[part])


def _body(network: Architecture, parts: list[str], inside: Callable[[BlockSpec], _Inside]) -> Names:
    """Return the places of the blocks between stem and last convolution; ``parts`` are their prefixes in the file.

    Blocks of a network that skip have no part. InputError where the numbers differ.
    """
    body = [i for i in range(1, len(network.blocks) - 2) if network.blocks[i].kind != "skip"]
    if len(body) != len(parts):
        raise InputError(
            f"it has {len(parts)} blocks between stem and last convolution, {network.name} has {len(body)}"
        )
    found: Names = {}
    for number, part in zip(body, parts, strict=True):
        given = inside(network.blocks[number])
        for op in lower(network.blocks[number]):
            if op.has_weights:
                if op.name not in given:
                    raise InputError(f"it has no squeeze-and-excitation, which {network.blocks[number]} needs")
                conv, norm = given[op.name]
                found[number, op.name] = f"{part}.{conv}", None if norm is None else f"{part}.{norm}"
    return found


def _ends(
    network: Architecture,
    stem: tuple[str, str],
    last: tuple[str, str],
    classifier: str,
    hidden: str | None = None,
) -> Names:
    """Return the places of stem, last convolution, classifier, and the hidden layer of a head that has one."""
    count = len(network.blocks)
    found: Names = {(0, "conv"): stem, (count - 2, "conv"): last, (count - 1, "classifier"): (classifier, None)}
    if network.blocks[-1].c_mid and hidden is not None:
        found[count - 1, "hidden"] = hidden, None
    return found


#: layers without a bias, which edgenas has: zeros
BIASLESS = frozenset({"feature_mix_layer.conv"})

LAYOUTS = (
    Layout("torchvision", ("features.0.0.weight", "features.1.conv.0.0.weight"), _torchvision_v2),
    Layout("torchvision", ("features.0.0.weight", "features.1.block.0.0.weight"), _torchvision_v3),
    Layout("torchvision", ("layers.0.weight", "layers.8.0.layers.0.weight"), _torchvision_mnasnet),
    Layout("timm", ("conv_stem.weight", "classifier.weight"), _timm),
    Layout("efficientnet_pytorch", ("_conv_stem.weight", "_fc.weight"), _efficientnet_pytorch),
    Layout("once-for-all", ("first_conv.conv.weight", "classifier.linear.weight"), _once_for_all),
)

#: pattern in a tensor's name -> what it belongs to, which no block of edgenas computes
FOREIGN = (
    (r"\.(ghost|primary_conv|cheap_operation)", "ghost blocks"),
    (r"blocks\.\d+\.\d+\.conv_exp\.", "fused blocks"),
    (r"\.(dw_start|dw_mid|pw_exp)\.", "universal inverted bottlenecks (MobileNetV4)"),
    (r"\.conv_(dw|pw|pwl)\.\d+\.", "convolutions of several kernels at once (MixNet)"),
    (r"(^|\.)(_se_reduce|se\.conv_reduce|se\.fc)", "squeeze-and-excitation with a sigmoid gate, or SiLU"),
    (r"^(layer\d\.\d+\.conv\d|patch_embed|stages\.|layers\.\d+\.blocks|encoder)", "no MobileNet's blocks"),
)


def foreign(names: Iterable[str]) -> str | None:
    """Return the name of the unsupported operation that tensors with these names belong to; None if it is unknown."""
    found = list(names)
    return next((what for pattern, what in FOREIGN if any(re.search(pattern, name) for name in found)), None)
