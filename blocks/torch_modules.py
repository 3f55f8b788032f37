"""Torch modules of blocks and networks, built from the operations of ``edgenas.blocks.ops.lower``. Needs torch.

This file imports torch; import it inside the function that needs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.ops import INPUT, Op, OpAct, lower
from edgenas.blocks.padding import same_sides
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, fold_batch_norm

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "building a network to train") from error

Module = TypeVar("Module", bound=nn.Module)

_ACTIVATIONS: dict[OpAct, Callable[[Tensor], Tensor]] = {
    "none": lambda x: x,
    "relu": F.relu,
    "relu6": F.relu6,
    "hswish": F.hardswish,
    "hsigmoid": F.hardsigmoid,
}


class ConvBN(nn.Module):
    """Convolution followed by batch norm, or convolution with a bias where the operation has no batch norm."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        groups = op.c_in if op.kind == "depthwise" else 1
        self.same = op.same
        padding = 0 if op.same else op.kernel // 2
        self.conv = nn.Conv2d(op.c_in, op.c_out, op.kernel, op.stride, padding, groups=groups, bias=not op.bn)
        self.bn = nn.BatchNorm2d(op.c_out) if op.bn else None

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(_padded(x, self.conv) if self.same else x)
        return x if self.bn is None else self.bn(x)


def _padded(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """Return (n, c, h, w) with the padding that SAME gives before ``conv``, by the size of ``x``: a training may shrink
    the images."""
    top, bottom = same_sides(x.shape[2], conv.kernel_size[0], conv.stride[0])
    left, right = same_sides(x.shape[3], conv.kernel_size[1], conv.stride[1])
    return F.pad(x, (left, right, top, bottom))


class BlockModule(nn.Module):
    """One block, NCHW: (n, c_in, height, width) -> (n, c_out, height, width) of the output; a head ->
    (n, c_out)."""

    def __init__(self, spec: BlockSpec) -> None:
        super().__init__()
        self.spec = spec
        self.ops = lower(spec)
        for op in self.ops:
            if op.kind == "linear":
                self.add_module(op.name, nn.Linear(op.c_in, op.c_out))
            elif op.has_weights:
                self.add_module(op.name, ConvBN(op))

    def forward(self, x: Tensor) -> Tensor:
        values = {INPUT: x}
        for op in self.ops:
            inputs = [values[name] for name in op.inputs]
            values[op.name] = _ACTIVATIONS[op.act](self._apply_op(op, inputs))
        return values[self.ops[-1].name] if self.ops else x

    def _apply_op(self, op: Op, inputs: list[Tensor]) -> Tensor:
        match op.kind:
            case "pool":
                return inputs[0].mean((2, 3), keepdim=True)  # (n, c, h, w) -> (n, c, 1, 1)
            case "multiply":
                return inputs[0] * inputs[1]
            case "add":
                return inputs[0] + inputs[1]
            case "linear":
                vector: Tensor = self.get_submodule(op.name)(inputs[0].flatten(1))
                return vector
            case _:
                features: Tensor = self.get_submodule(op.name)(inputs[0])
                return features


class NetworkModule(nn.Sequential):
    """A whole network: child i is block i; ``network_folded_weights`` returns the weights that the writers take."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(*(BlockModule(block) for block in architecture.blocks))
        self.architecture = architecture


def in_channels_last(module: Module) -> Module:
    """Return ``module`` itself, with the channels of its weights last in memory."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack memory_format
    return module


def folded_weights(module: BlockModule) -> dict[str, Array]:
    """Return the module's weights in the form of ``edgenas.blocks.weights``, with batch norm folded."""
    weights: dict[str, Array] = {}
    for op in module.ops:
        if not op.has_weights:
            continue
        layer = module.get_submodule(op.name)
        conv = layer.conv if isinstance(layer, ConvBN) else layer
        assert isinstance(conv, nn.Conv2d | nn.Linear)
        weight, bias = _numpy(conv.weight), None if conv.bias is None else _numpy(conv.bias)
        if isinstance(layer, ConvBN) and layer.bn is not None:
            bn = layer.bn
            assert bn.running_mean is not None and bn.running_var is not None
            weight, bias = fold_batch_norm(
                weight, _numpy(bn.weight), _numpy(bn.bias), _numpy(bn.running_mean), _numpy(bn.running_var), bn.eps
            )
        assert bias is not None
        weights[f"{op.name}.weight"], weights[f"{op.name}.bias"] = weight, bias
    return weights


def network_folded_weights(network: NetworkModule) -> tuple[dict[str, Array], ...]:
    """Return ``folded_weights`` of every block of a network."""
    return tuple(folded_weights(block) for block in network if isinstance(block, BlockModule))


def unfolded(network: NetworkModule) -> tuple[tuple[dict[str, Array], ...], float]:
    """Return the tensors of every block, batch norm not folded, and the epsilon of the batch norms."""
    tensors = tuple(
        {n: _numpy(v) for n, v in block.state_dict().items() if not n.endswith("num_batches_tracked")}
        for block in network
    )
    norms = (layer.eps for layer in network.modules() if isinstance(layer, nn.BatchNorm2d))
    return tensors, next(norms, 1e-5)


def randomize_batch_norm(module: nn.Module, seed: int = 0) -> None:
    """Set random parameters and statistics in every batch norm, so that a test can see errors of folding.

    A new batch norm is close to the identity, and its folding changes almost nothing.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None
            for values, low, high in (
                (layer.weight.data, 0.5, 1.5),
                (layer.bias.data, -0.5, 0.5),
                (layer.running_mean, -0.5, 0.5),
                (layer.running_var, 0.5, 2.0),
            ):
                values.uniform_(low, high, generator=generator)


def _numpy(values: Tensor) -> Array:
    return np.ascontiguousarray(values.detach().cpu().float().numpy())


def predict_maps(network: NetworkModule, images: Array, blocks: Sequence[int]) -> list[Array]:
    """Return the outputs (n, H', W', C'), float32, of the blocks of these numbers in evaluation mode, for NHWC images
    (n, H, W, C)."""
    network.eval()
    found: dict[int, Array] = {}
    with torch.inference_mode():
        x = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        for index, block in enumerate(network):
            x = block(x)
            if index in blocks:
                found[index] = _numpy(x.permute(0, 2, 3, 1))
    return [found[index] for index in blocks]


def predict(network: nn.Module, images: Array, batch: int = 256) -> Array:
    """Return the outputs of ``network`` in evaluation mode, (n, classes) float32, for NHWC images (n, H, W, C).

    ``batch`` is the number of images in one forward pass.
    """
    network.eval()
    with torch.inference_mode():
        nchw = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
        parts = [network(nchw[i : i + batch]) for i in range(0, len(nchw), batch)]
        return _numpy(torch.cat(parts))
