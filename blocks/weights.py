"""Weights of blocks as numpy arrays in the exported form: batch norm is folded into the convolution before it.

A block's weights are a dict with ``'expand.weight'``, in torch's order (see ``Op.weight_shape``), and
``'expand.bias'``, for each operation that has weights, here ``expand``. A network's weights are one dict a block.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.files import writing
from edgenas.base.reading import unreadable
from edgenas.blocks.npz import ArrayHeader, read_npz
from edgenas.blocks.ops import lower
from edgenas.blocks.spec import BlockSpec

Array = NDArray[np.float32]
Weights = Mapping[str, Array]

_INDEX = re.compile("0|[1-9][0-9]{0,5}")  # of a block, in the name of an array


def random_weights(block: BlockSpec, seed: int = 0) -> dict[str, Array]:
    """Return random weights that keep activations near unit scale (He et al., arXiv 1502.01852, eq. 10), so that no
    denormal numbers and no saturation occur when the block is timed."""
    rng = np.random.default_rng(seed)
    weights: dict[str, Array] = {}
    for op in lower(block):
        if op.has_weights:
            fan_in = int(np.prod(op.weight_shape[1:]))
            scale = np.float32((2.0 / fan_in) ** 0.5)
            weights[f"{op.name}.weight"] = rng.standard_normal(op.weight_shape, dtype=np.float32) * scale
            weights[f"{op.name}.bias"] = rng.standard_normal(op.c_out, dtype=np.float32) * np.float32(0.1)
    return weights


def network_random_weights(blocks: Sequence[BlockSpec], seed: int = 0) -> tuple[dict[str, Array], ...]:
    """Return ``random_weights`` for each block; block i uses ``seed`` + i."""
    return tuple(random_weights(block, seed + i) for i, block in enumerate(blocks))


def fold_batch_norm(
    weight: Array, gamma: Array, beta: Array, mean: Array, variance: Array, eps: float
) -> tuple[Array, Array]:
    """Return the weight and bias of a convolution that equals convolution and batch norm together at inference.

    Shapes: ``weight`` (O, I, k, k), all other arrays (O,). Computed in float64, returned as float32.
    """
    scale = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + eps)
    folded = weight.astype(np.float64) * scale[:, None, None, None]
    bias = beta.astype(np.float64) - mean.astype(np.float64) * scale
    return folded.astype(np.float32), bias.astype(np.float32)


def check_weights(block: BlockSpec, weights: Mapping[str, Array | ArrayHeader]) -> None:
    """Raise InputError unless ``weights`` has exactly the arrays of ``block``, with their shapes, in float32."""
    expected: dict[str, tuple[int, ...]] = {}
    for op in lower(block):
        if op.has_weights:
            expected[f"{op.name}.weight"], expected[f"{op.name}.bias"] = op.weight_shape, (op.c_out,)
    if set(expected) != set(weights):
        wrong = sorted(set(expected) ^ set(weights))
        raise InputError(
            f"weights of {block}: {', '.join(wrong)} missing or not wanted; it has {', '.join(expected) or 'none'}"
        )
    for name, shape in expected.items():
        if weights[name].shape != shape or weights[name].dtype != np.float32:
            raise InputError(
                f"weights of {block}: {name} is {weights[name].dtype}{weights[name].shape}, not float32{shape}"
            )


def save_weights(path: Path, weights: Sequence[Weights]) -> None:
    """Write a network's weights to an ``.npz`` file; ``'expand.weight'`` of block i gets the key
    ``'i.expand.weight'``."""
    arrays = {f"{i}.{name}": array for i, block in enumerate(weights) for name, array in block.items()}
    with writing(path) as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_weights(path: Path, blocks: Sequence[BlockSpec]) -> tuple[dict[str, Array], ...]:
    """Read the file that ``save_weights`` wrote; InputError unless it holds exactly the weights of ``blocks``."""
    try:
        arrays = read_npz(path, lambda headers: _fitting(path, headers, blocks))
    except InputError:
        raise
    except OSError as error:
        raise InputError(unreadable(path, error, "weights")) from error
    except ValueError as error:
        raise InputError(f"{path} is not a file of weights (.npz as edgenas writes them): {error}") from error
    weights: tuple[dict[str, Array], ...] = tuple({} for _ in blocks)
    for key, array in arrays.items():
        index, _, name = key.partition(".")
        weights[int(index)][name] = array
    return weights


def _fitting(path: Path, headers: Mapping[str, ArrayHeader], blocks: Sequence[BlockSpec]) -> Iterable[str]:
    """Return the names of all arrays; InputError unless they are exactly the weights of ``blocks``."""
    found: tuple[dict[str, ArrayHeader], ...] = tuple({} for _ in blocks)
    for key, header in headers.items():
        index, _, name = key.partition(".")
        if not _INDEX.fullmatch(index) or int(index) >= len(blocks) or not name:
            raise InputError(f"{path}: {key[:80]!r} belongs to no block of a network of {len(blocks)} blocks")
        found[int(index)][name] = header
    for block, those in zip(blocks, found, strict=True):
        check_weights(block, those)
    return headers
