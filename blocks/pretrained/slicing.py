"""Weights of a smaller or larger block, cut out of those of a block of the same layer that others trained.

Kernels are centred: a smaller one is the middle of the larger, which a supernet's matrices turn first (once-for-all,
arXiv 1908.09791, section 3.3: weight @ matrix.T), and a larger one is the smaller between zeros. Expanded channels are
taken by importance, the sum of the magnitudes of what the projection reads of each (arXiv 1908.09791, section 3.2);
additional ones are copies that the projection reads with zero, so that they change nothing and can learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.ops import lower
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.stages import padded
from edgenas.blocks.weights import Array

Tensors = dict[str, Array]


def sliced_network(
    published: Sequence[BlockSpec],
    tensors: Sequence[Mapping[str, Array]],
    member: Sequence[BlockSpec],
    *,
    ordered: bool = False,
    turns: Mapping[tuple[int, int, int], Array] | None = None,
) -> tuple[Tensors, ...]:
    """Return the tensors of ``member``, block by block of the same layers of a space; a classifier of another number of
    classes is left out.

    ``ordered``: the channels of the published network are sorted by importance already, as once-for-all's are;
    ``turns`` are its matrices (``edgenas.blocks.pretrained.placing.Pretrained``). InputError where a layer exists in
    the member alone, or has another kind or width.
    """
    if len(published) != len(member):
        raise InputError(f"networks of {len(published)} and {len(member)} layers are of no common space")
    found: list[Tensors] = []
    for number, (whole, part, given) in enumerate(zip(published, member, tensors, strict=True)):
        if part.kind == "skip":
            found.append({})
            continue
        if (whole.kind, whole.c_in, whole.c_out if whole.kind != "head" else 0, whole.stride) != (
            part.kind,
            part.c_in,
            part.c_out if part.kind != "head" else 0,
            part.stride,
        ):
            raise InputError(f"{part} cannot be cut out of {whole}, in layer {number} of the published network")
        own = {(large, small): m for (block, large, small), m in (turns or {}).items() if block == number}
        found.append(sliced_block(whole, given, part, ordered=ordered, turns=own))
    return tuple(found)


def teacher_of(published: Architecture, member: Architecture) -> Architecture:
    """Return the published network for the images that ``member`` takes, which has the same layers."""
    same = any(block.same for block in member.blocks)
    pairs = zip(published.blocks, member.blocks, strict=True)
    blocks = (padded(replace(whole, in_size=part.in_size, same=False), same) for whole, part in pairs)
    return Architecture(published.name, tuple(blocks))


def sliced_block(
    whole: BlockSpec,
    tensors: Mapping[str, Array],
    part: BlockSpec,
    *,
    ordered: bool = False,
    turns: Mapping[tuple[int, int], Array] | None = None,
    sort: bool = False,
) -> Tensors:
    """Return the tensors of ``part``, a block with the kind, outer widths and stride of ``whole``.

    ``sort``: expanded channels are sorted by importance also where both blocks have the same number of them.
    """
    found: Tensors = {}
    if part.kind in ("conv", "head"):
        for op in lower(part):
            names = [name for name in tensors if name.startswith(f"{op.name}.")]
            found |= {name: tensors[name] for name in names if op.name != "classifier" or part.c_out == whole.c_out}
        return found
    wide, narrow = (b.c_mid or b.c_in for b in (whole, part))
    channels = _channels(
        tensors["project.conv.weight"], narrow, ordered or (wide == narrow and not (sort and whole.c_mid))
    )
    fresh = np.arange(narrow) >= wide  # copies of other channels, which nothing reads yet
    for name, array in tensors.items():
        operation = name.partition(".")[0]
        if operation == "expand" or (operation == "depthwise" and array.ndim == 1):
            found[name] = array[channels]
        elif operation == "depthwise":
            found[name] = _kernel(array, part.kernel, turns or {})[channels]
        elif operation == "project" and array.ndim == 4:
            found[name] = np.where(fresh[None, :, None, None], np.float32(0), array[:, channels])
        elif operation == "se_reduce":
            kept = _padded(array, part.c_se)
            found[name] = kept if array.ndim == 1 else np.where(fresh[None, :, None, None], 0, kept[:, channels])
        elif operation == "se_expand":
            kept = array[channels]
            found[name] = kept if array.ndim == 1 else _padded(kept.swapaxes(0, 1), part.c_se).swapaxes(0, 1)
        else:
            found[name] = array
    return {name: np.ascontiguousarray(array, np.float32) for name, array in found.items()}


def _channels(project: Array, count: int, in_order: bool) -> NDArray[np.int64]:
    """Return ``count`` channels to take, the most important first; where there are fewer, they begin again."""
    wide = project.shape[1]
    order = np.arange(wide) if in_order else np.argsort(-np.abs(project).sum((0, 2, 3)), kind="stable")
    return np.resize(order, count).astype(np.int64)


def _padded(array: Array, count: int) -> Array:
    """Return the first ``count`` rows of the array; additional ones are zero."""
    more = max(count - len(array), 0)
    return np.concatenate([array[:count], np.zeros((more, *array.shape[1:]), array.dtype)])


def _kernel(array: Array, kernel: int, turns: Mapping[tuple[int, int], Array]) -> Array:
    """Return depthwise kernels (c, 1, k, k) at another size: the turned middle, or between zeros."""
    size = array.shape[-1]
    if kernel > size:
        edge = (kernel - size) // 2
        return np.pad(array, ((0, 0), (0, 0), (edge, edge), (edge, edge)))
    while size > kernel:
        smaller = size - 2
        array = array[..., 1:-1, 1:-1]
        if (size, smaller) in turns:
            flat = array.reshape(*array.shape[:2], -1) @ turns[size, smaller].T
            array = flat.reshape(*array.shape[:2], smaller, smaller).astype(np.float32)
        size = smaller
    return array
