"""Torch network with folded weights, the reference that exported files are compared with. Needs torch; see
``edgenas.blocks.torch_modules``."""

from __future__ import annotations

from collections.abc import Sequence

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.torch_modules import BlockModule, ConvBN, NetworkModule
from edgenas.blocks.weights import Array, Weights, check_weights

try:
    import torch
    from torch import nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "comparing files with the network in torch") from error


def network_of_weights(architecture: Architecture, weights: Sequence[Weights]) -> NetworkModule:
    """Return the torch network with the folded weights, in evaluation mode: each batch norm only adds the bias.

    InputError where the arrays do not fit the blocks.
    """
    network = NetworkModule(architecture)
    for spec, module, arrays in zip(architecture.blocks, network, weights, strict=True):
        check_weights(spec, arrays)
        assert isinstance(module, BlockModule)
        for op in module.ops:
            if op.has_weights:
                _fill(module.get_submodule(op.name), arrays[f"{op.name}.weight"], arrays[f"{op.name}.bias"])
    network.eval()
    return network


def _fill(layer: nn.Module, weight: Array, bias: Array) -> None:
    with torch.no_grad():
        if isinstance(layer, ConvBN):
            layer.conv.weight.copy_(torch.from_numpy(weight))
            if layer.bn is None:
                assert layer.conv.bias is not None
                layer.conv.bias.copy_(torch.from_numpy(bias))
            else:
                assert layer.bn.running_var is not None
                layer.bn.running_var.fill_(1 - layer.bn.eps)  # so that it divides by 1; its mean is 0, its gain 1
                layer.bn.bias.copy_(torch.from_numpy(bias))
        else:
            assert isinstance(layer, nn.Linear)
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
