"""Placing of published tensors in the blocks of a network: by name and shape, strict in both directions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.npz import ArrayHeader
from edgenas.blocks.ops import Op, lower
from edgenas.blocks.pretrained.layouts import BIASLESS, Layout, Names, foreign, layout_of
from edgenas.blocks.pretrained.published import PUBLISHED, Published, structure, with_padding
from edgenas.blocks.pretrained.source import Provenance, file_sha256, weights_file
from edgenas.blocks.pretrained.tensor_file import read_tensors
from edgenas.blocks.weights import Array, fold_batch_norm

_NORM = ("weight", "bias", "running_mean", "running_var")
_COUNTER = "num_batches_tracked"  # of torch's batch norm, which nothing computes with
_TURN = re.compile(r"\.(\d+)to(\d+)_matrix$")  # of once-for-all's kernels


@dataclass(frozen=True, eq=False)
class Pretrained:
    """A network with the weights that others published, not folded.

    tensors      for each block, 'expand.conv.weight', 'expand.bn.running_mean' ..., as in
                 ``edgenas.blocks.torch_modules.BlockModule``
    turns        of a supernet: (block, larger kernel, smaller kernel) -> matrix of the kernel's transformation
    epsilon      of its batch norms
    mean, deviation   one number for each input channel, in levels 0..255
    cut_out      True for a member of a supernet's file, whose batch norm statistics are not its own
    """

    architecture: Architecture
    tensors: tuple[dict[str, Array], ...]
    epsilon: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    provenance: Provenance
    turns: Mapping[tuple[int, int, int], Array]
    cut_out: bool = False

    def folded(self) -> tuple[dict[str, Array], ...]:
        """Return the weights in the form of ``edgenas.blocks.weights``, with batch norm folded."""
        return tuple(
            _folded(lower(block), tensors, self.epsilon)
            for block, tensors in zip(self.architecture.blocks, self.tensors, strict=True)
        )


def read_pretrained(
    text: str, network: Architecture | None = None, name: str | None = None, *, own_classes: bool = False
) -> Pretrained:
    """Read the weights that ``text`` names (a file, or 'package:NAME') into the blocks of ``network``.

    ``own_classes``: the network's head gets as many classes as the file has. Without a network, it is the published
    one, at its own size, with as many classes as the file has. ``name`` ('LAYOUT/MODEL') is needed where several
    published networks have these names and shapes. InputError, with the reason, where the file cannot be read, where
    its network has other blocks or another padding, and where a tensor is missing or left over.
    """
    file = weights_file(text)
    chosen: list[tuple[Published, Architecture, Names]] = []

    def choose(headers: Mapping[str, ArrayHeader]) -> Iterable[str]:
        entry, target, places = _matched(file.path, headers, network, name, own_classes)
        chosen.append((entry, target, places))
        return _wanted(file.path, headers, target, places)

    arrays, about = read_tensors(file.path, choose)
    ((entry, target, places),) = chosen
    mean, deviation = entry.scaling
    if target.c_in == 1:
        mean, deviation = ((sum(v) / 3,) * 3 for v in entry.scaling)
    licence = file.licence or about.get("license", "") or about.get("licence", "")
    origin = Provenance(entry.name, entry.layout, file.named, file_sha256(file.path), licence[:100])
    return Pretrained(
        target,
        tuple(_placed(i, target, places, arrays) for i in range(len(target.blocks))),
        entry.epsilon,
        mean[: target.c_in],
        deviation[: target.c_in],
        origin,
        _turns(places, arrays),
    )


def _matched(
    path: Path, headers: Mapping[str, ArrayHeader], network: Architecture | None, name: str | None, own_classes: bool
) -> tuple[Published, Architecture, Names]:
    """Return the published network of a file, the network to fill, and its places."""
    layout = layout_of(headers)
    if layout is None:
        what = foreign(headers)
        why = f"they belong to {what}, which edgenas does not compute" if what else "edgenas knows no layout of them"
        raise InputError(f"{path}: its tensors are called {', '.join(sorted(headers)[:3])[:120]} ...: {why}")
    if name is not None and name not in PUBLISHED:
        raise InputError(f"no published weights {name!r}; {there_are(name, PUBLISHED)}")
    entries = [PUBLISHED[name]] if name else [e for e in PUBLISHED.values() if e.layout == layout.name]
    if network is not None:
        entries = [e for e in entries if structure(e.network()) == structure(network)]
        entries = _same_padding(path, entries, network)
    fits, why = _fitting(path, entries, layout, headers, network, own_classes)
    if len(fits) > 1:
        named = [fit for fit in fits if fit[0].name.rpartition("/")[2] in path.name]
        longest = max((len(fit[0].name) for fit in named), default=0)
        fits = [fit for fit in named if len(fit[0].name) == longest] or fits
    if len(fits) > 1:
        raise InputError(
            f"{path} fits {', '.join(fit[0].name for fit in fits)}, which differ in padding or batch norm; say which: "
            f"--pretrained-as {fits[0][0].name}"
        )
    if not fits:
        what = name or (network.name if network is not None else "any published network that edgenas knows")
        if layout.name == "timm" and "bn2.weight" in headers:  # not MobileNetV3, whose gates edgenas computes
            gates = foreign(headers)
            why = f"it has {gates}, which edgenas does not compute" if gates else why
        raise InputError(f"{path} has the layout of {layout.name}, but does not fit {what}: {why}")
    return fits[0]


def _same_padding(path: Path, entries: list[Published], network: Architecture) -> list[Published]:
    """Return those of ``entries`` that pad as ``network`` does; InputError where only the padding differs."""
    found = [e for e in entries if with_padding(network, e.same) == network]
    if entries and not found:
        entry = entries[0]
        how = "TensorFlow's SAME" if entry.same else "torch's"
        raise InputError(
            f"{path} holds {entry.name}, which was trained with {how} padding, but {network.name} pads otherwise; take "
            f"the network {entry.name}, or a space {'with' if entry.same else 'without'} SAME"
        )
    return found


def _fitting(
    path: Path,
    entries: list[Published],
    layout: Layout,
    headers: Mapping[str, ArrayHeader],
    network: Architecture | None,
    own_classes: bool,
) -> tuple[list[tuple[Published, Architecture, Names]], str]:
    """Return those of ``entries`` whose tensors are the file's, and the reason against the one that
    comes closest."""
    fits, whys = [], ["no published network of this layout has its blocks"]
    for entry in entries:
        try:
            classes = _classes(layout, entry, headers)
            target = network or entry.network(classes=classes)
            if own_classes:
                *body, head = target.blocks
                target = replace(target, blocks=(*body, replace(head, c_out=classes)))
            places = layout.names(target, headers)
            _wanted(path, headers, target, places)
        except InputError as error:
            whys.append(str(error).removeprefix(f"{path}: "))
            continue
        fits.append((entry, target, places))
    return fits, max(whys, key=lambda why: ("has no place" in why, whys.index(why)))


def _classes(layout: Layout, entry: Published, headers: Mapping[str, ArrayHeader]) -> int:
    """Return the number of classes of the file's classifier; 1000 where it has none."""
    network = entry.network()
    classifier, _ = layout.names(network, headers)[len(network.blocks) - 1, "classifier"]
    header = headers.get(f"{classifier}.weight")
    return header.shape[0] if header is not None and header.shape else 1000


def _wanted(path: Path, headers: Mapping[str, ArrayHeader], network: Architecture, places: Names) -> list[str]:
    """Return the names of all tensors to read; InputError where one is missing, left over, or of another shape."""
    wanted: list[str] = []
    for (number, name), (conv, norm) in places.items():
        op = next(op for op in lower(network.blocks[number]) if op.name == name)
        shapes = [(f"{conv}.weight", _stored_shape(op, number, headers.get(f"{conv}.weight")))]
        if not op.bn and conv not in BIASLESS:
            shapes.append((f"{conv}.bias", (op.c_out,)))
        shapes += [(f"{norm}.{part}", (op.c_out,)) for part in _NORM] if norm else []
        for key, shape in shapes:
            if key not in headers:
                raise InputError(f"{path}: {key} is missing, which {network.blocks[number]} of {network.name} needs")
            if headers[key].shape != shape:
                raise InputError(
                    f"{path}: {key} is {headers[key].shape}, but {network.blocks[number]} of {network.name} takes "
                    f"{shape}"
                )
            wanted.append(key)
    turns = [key for key in headers if _TURN.search(key)]
    left = [key for key in headers if key not in set(wanted) | set(turns) and key.rpartition(".")[2] != _COUNTER]
    if left:
        what = foreign(left)
        raise InputError(
            f"{path}: {network.name} has no place for {len(left)} of its tensors, such as {left[0][:80]}"
            + (f", which belong to {what}" if what else "")
        )
    return wanted + turns


def _stored_shape(op: Op, number: int, found: ArrayHeader | None) -> tuple[int, ...]:
    """Return the shape of an operation's weights in a file: the stem takes RGB pictures, and a linear layer may be
    stored as a 1x1 convolution."""
    shape = op.weight_shape
    if number == 0 and op.c_in == 1 and op.kind == "conv":
        return (shape[0], 3, *shape[2:])
    if op.kind == "linear" and found is not None and len(found.shape) == 4:
        return (*shape, 1, 1)
    return shape


def _placed(number: int, network: Architecture, places: Names, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return the tensors of one block, named as in its torch module."""
    found: dict[str, Array] = {}
    for op in lower(network.blocks[number]):
        if op.has_weights:
            conv, norm = places[number, op.name]
            weight = arrays[f"{conv}.weight"]
            if number == 0 and weight.shape[1] != op.weight_shape[1]:
                weight = weight.sum(axis=1, keepdims=True)  # grey: the three channels are equal
            own = op.name if op.kind == "linear" else f"{op.name}.conv"
            found[f"{own}.weight"] = weight.reshape(op.weight_shape)
            if not op.bn:
                found[f"{own}.bias"] = arrays.get(f"{conv}.bias", np.zeros(op.c_out, np.float32))
            elif norm is not None:
                found |= {f"{op.name}.bn.{part}": arrays[f"{norm}.{part}"] for part in _NORM}
    return found


def _turns(places: Names, arrays: Mapping[str, Array]) -> dict[tuple[int, int, int], Array]:
    blocks = {conv.removesuffix(".conv"): number for (number, name), (conv, _) in places.items() if name == "depthwise"}
    found = ((_TURN.search(key), key) for key in arrays)
    return {
        (blocks[key[: match.start()]], int(match[1]), int(match[2])): arrays[key]
        for match, key in found
        if match is not None and key[: match.start()] in blocks
    }


def _folded(ops: Iterable[Op], tensors: Mapping[str, Array], epsilon: float) -> dict[str, Array]:
    weights: dict[str, Array] = {}
    for op in ops:
        if not op.has_weights:
            continue
        own = op.name if op.kind == "linear" else f"{op.name}.conv"
        weight = tensors[f"{own}.weight"]
        if op.bn:
            gamma, beta, mean, variance = (tensors[f"{op.name}.bn.{part}"] for part in _NORM)
            weight, bias = fold_batch_norm(weight, gamma, beta, mean, variance, epsilon)
        else:
            bias = tensors[f"{own}.bias"]
        weights[f"{op.name}.weight"], weights[f"{op.name}.bias"] = weight, bias
    return weights
