"""Weights that edgenas trained, as one file from which other trainings begin: our own layout.

The file is a ``.safetensors`` file with the tensors of every block, batch norm not folded, such as
'3.expand.conv.weight' and '3.expand.bn.running_mean'. The text 'edgenas' of its metadata holds the network, the epsilon
of the batch norms, and mean and deviation of the images, as JSON; the text 'license' holds the licence of the published
weights that the training began from, if any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.files import writing
from edgenas.base.json_text import parse_json
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.npz import ArrayHeader
from edgenas.blocks.ops import lower
from edgenas.blocks.pretrained.placing import Pretrained
from edgenas.blocks.pretrained.published import structure
from edgenas.blocks.pretrained.safetensors import metadata
from edgenas.blocks.pretrained.source import Provenance, file_sha256, weights_file
from edgenas.blocks.pretrained.tensor_file import read_tensors
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.stages import padded
from edgenas.blocks.weights import Array

LAYOUT, VERSION = "edgenas", 1
_NORM = ("weight", "bias", "running_mean", "running_var")


@dataclass(frozen=True, slots=True)
class OwnWeights:
    """What a file of our own layout says of itself: the network, and how it was trained."""

    path: Path
    named: str
    network: Architecture
    epsilon: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @property
    def name(self) -> str:
        """Name of the weights, 'LAYOUT/NETWORK'."""
        return f"{LAYOUT}/{self.network.name}"

    def at(self, in_size: ImageSize, classes: int) -> Architecture:
        """Return the network for images of ``in_size`` and with ``classes``; without blocks that skip."""
        same = any(block.same for block in self.network.blocks)
        size, blocks = in_size, []
        for block in self.network.blocks:
            if block.kind != "skip":
                c_out = classes if block.kind == "head" else block.c_out
                blocks.append(padded(replace(block, in_size=size, c_out=c_out, same=False), same))
                size = blocks[-1].out_size
        return Architecture(self.network.name, tuple(blocks))

    def placed(self, target: Architecture) -> Pretrained:
        """Return the weights in the blocks of ``target``: this network at any size, and with any blocks that skip.

        InputError where ``target`` has other blocks, classes or padding.
        """
        if structure(target) != structure(self.network) or target.c_in != self.network.c_in:
            raise InputError(f"{self.path} holds {self.network.name}, whose blocks are not those of {target.name}")
        if target.c_out != self.network.c_out:
            raise InputError(f"{self.path} has {self.network.c_out} classes, but {target.name} has {target.c_out}")
        if not any(b.same for b in self.network.blocks) and any(b.same for b in target.blocks):
            raise InputError(f"{self.path} was trained with torch's padding, but {target.name} pads as SAME")
        own = [(i, block) for i, block in enumerate(self.network.blocks) if block.kind != "skip"]
        wanted = {f"{i}.{name}": shape for i, block in own for name, shape in _shapes(block).items()}

        def choose(headers: Mapping[str, ArrayHeader]) -> Iterable[str]:
            wrong = sorted(set(headers) ^ set(wanted)) or [n for n in wanted if headers[n].shape != wanted[n]]
            if wrong:
                raise InputError(f"{self.path} does not hold the tensors of its network: {wrong[0][:80]} does not fit")
            return wanted

        arrays, about = read_tensors(self.path, choose)
        numbers = iter(i for i, _ in own)
        tensors: list[dict[str, Array]] = []
        for block in target.blocks:
            number = next(numbers) if block.kind != "skip" else None
            tensors.append({} if number is None else {n: arrays[f"{number}.{n}"] for n in _shapes(block)})
        licence = about.get("license", "")[:100]
        origin = Provenance(self.name, LAYOUT, self.named, file_sha256(self.path), licence)
        return Pretrained(target, tuple(tensors), self.epsilon, self.mean, self.deviation, origin, {})


def own_weights(text: str) -> OwnWeights | None:
    """Return what the file that ``text`` names says of itself; None where it is not of our own layout. InputError for a
    damaged one, and for one of a newer edgenas."""
    file = weights_file(text)
    about = metadata(file.path).get(LAYOUT)
    if about is None:
        return None
    try:
        facts = parse_json(about.encode())
        version = facts["version"]
        if version == VERSION:
            network = Architecture.from_json(facts["network"])
            mean, deviation = (tuple(float(level) for level in facts[name]) for name in ("mean", "deviation"))
            return OwnWeights(file.path, file.named, network, float(facts["epsilon"]), mean, deviation)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file.path}: its text {LAYOUT!r} is damaged ({error!r:.80}); copy the file again") from error
    raise InputError(f"{file.path} is of version {version!r:.20} of edgenas's own weights; install a newer edgenas")


def write_own(
    path: Path,
    network: Architecture,
    tensors: Sequence[Mapping[str, Array]],
    epsilon: float,
    scaling: tuple[tuple[float, ...], tuple[float, ...]],
    licence: str = "",
) -> None:
    """Write weights with batch norm not folded; ``scaling`` is the mean and the deviation of the images."""
    facts = {
        "version": VERSION,
        "network": network.to_json(),
        "epsilon": epsilon,
        "mean": list(scaling[0]),
        "deviation": list(scaling[1]),
    }
    header: dict[str, Any] = {"__metadata__": {LAYOUT: json.dumps(facts), **({"license": licence} if licence else {})}}
    arrays = {f"{i}.{n}": np.ascontiguousarray(a, "<f4") for i, block in enumerate(tensors) for n, a in block.items()}
    at = 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with writing(path) as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            stream.write(array.tobytes())


def _shapes(block: BlockSpec) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every tensor of a block, as in its torch module."""
    found: dict[str, tuple[int, ...]] = {}
    for op in lower(block):
        if op.has_weights:
            own = op.name if op.kind == "linear" else f"{op.name}.conv"
            found[f"{own}.weight"] = op.weight_shape
            found |= {f"{op.name}.bn.{part}": (op.c_out,) for part in _NORM} if op.bn else {f"{own}.bias": (op.c_out,)}
    return found
