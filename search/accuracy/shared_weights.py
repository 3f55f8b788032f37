"""Shared weights for all networks of a space: the weights of small options are slices of those of large options.

A layer has, for each operation of any of its options, one weight of the largest shape. An option uses its first
channels (widths, expansions, squeezed widths), and the middle of its kernel, transformed by a small learned matrix
(once-for-all, arXiv 1908.09791, section 3.3; entangled weights as in AutoFormer, arXiv 2107.00651). A member is
computed by ``edgenas.blocks.torch_modules``, exactly as a separate network would be. This module imports torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.ops import Op, lower
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.torch_modules import BlockModule, NetworkModule, in_channels_last
from edgenas.search.space import Choice, Space
from edgenas.training.network import quick

try:
    import torch
    from torch import Tensor, nn
    from torch.func import functional_call
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a supernet") from error


class SharedNetwork(nn.Module):
    """All networks of ``space`` as one module.

    Every place in a layer has a child: the first block of any option of the layer takes its weights from the first, the
    second block from the second. Children are numbered through all layers, so that child i of a space whose options are
    one block each is layer i.
    """

    def __init__(self, space: Space, seed: int, epsilon: float = 1e-5) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.space, self.epsilon = space, epsilon  # of the batch norms
        self.layers = nn.ModuleList(SharedLayer(blocks, epsilon) for blocks in places(space))
        lengths = [len(table.places) for table in space.edge_tables]
        self._first = [sum(lengths[:i]) for i in range(len(lengths))]  # number of each layer's first child

    def forward(self, x: Tensor, choice: Choice) -> Tensor:
        """Return the member's logits; batch norm uses the statistics of this batch."""
        return self.part(x, choice, 0, len(self.layers))

    def part(self, x: Tensor, choice: Choice, first: int, end: int) -> Tensor:
        """Return the output of the member's blocks from number ``first`` to before number ``end``."""
        for layer, block in self._layers(choice)[first:end]:
            x = layer(x, block)
        return x

    def _layers(self, choice: Choice) -> list[tuple[SharedLayer, BlockSpec]]:
        """Return the blocks of a member in order, each with the child that holds its weights."""
        found = []
        for first, part in zip(self._first, self.space.parts(choice), strict=True):
            for i, block in enumerate(part):
                layer = self.layers[first + i]
                assert isinstance(layer, SharedLayer)
                found.append((layer, block))
        return found

    def member(self, choice: Choice) -> NetworkModule:
        """Return the member as a separate network with its weights; its batch norms have no statistics yet."""
        with next(self.parameters()).device:
            network = quick(NetworkModule(self.space.architecture(choice)))
        state: dict[str, Tensor] = {}
        for i, ((layer, _), module) in enumerate(zip(self._layers(choice), network, strict=True)):
            assert isinstance(module, BlockModule)
            state |= {f"{i}.{name}": value.detach() for name, value in layer.weights(module.ops).items()}
        network.load_state_dict(state, strict=False)
        for norm in network.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.eps = self.epsilon
        return in_channels_last(network)


def places(space: Space) -> Iterator[list[BlockSpec]]:
    """Yield, for the first block of the first layer, its second, and so on through all layers, the alternatives for
    that block: those that share weights."""
    for edges, table in zip(space.edges, space.edge_tables, strict=True):
        for i in range(len(table.places)):
            yield list(dict.fromkeys(edge.blocks[i] for edge in edges if len(edge.blocks) > i))


def sharing(blocks: Iterable[BlockSpec]) -> dict[str, list[Op]]:
    """Return name -> operations that share one weight, for ``blocks`` that are alternatives in one layer."""
    named: dict[str, list[Op]] = {}
    for op in (op for block in dict.fromkeys(blocks) for op in lower(block) if op.has_weights):
        named.setdefault(op.name, []).append(op)
    return named


class SharedLayer(nn.Module):
    """The shared weights of all ``blocks`` of one layer."""

    def __init__(self, blocks: Sequence[BlockSpec], epsilon: float) -> None:
        super().__init__()
        self._epsilon = epsilon
        for name, ops in sharing(blocks).items():
            self.add_module(name, SharedOp(ops))
        self._modules_of: dict[BlockSpec, BlockModule] = {}

    def forward(self, x: Tensor, block: BlockSpec) -> Tensor:
        if block not in self._modules_of:
            self._modules_of[block] = _hollow(block, self._epsilon)
        module = self._modules_of[block]
        y: Tensor = functional_call(module, self.weights(module.ops), (x,))
        return y

    def weights(self, ops: Iterable[Op]) -> dict[str, Tensor]:
        """Return the parameters of a ``BlockModule`` with these operations, by their names in it."""
        parameters: dict[str, Tensor] = {}
        for op in ops:
            if op.has_weights:
                shared = self.get_submodule(op.name)
                assert isinstance(shared, SharedOp)
                parameters |= {f"{op.name}.{name}": value for name, value in shared.slices(op).items()}
        return parameters


class SharedOp(nn.Module):
    """The weights of one operation at the largest of its shapes, initialised as in
    ``edgenas.training.network.fresh_network``."""

    def __init__(self, ops: Sequence[Op]) -> None:
        super().__init__()
        shape = [max(sizes) for sizes in zip(*(op.weight_shape for op in ops), strict=True)]
        c_out, first = shape[0], ops[0]
        self.weight = nn.Parameter(torch.empty(shape))
        if first.kind == "linear":
            nn.init.normal_(self.weight, 0.0, 0.01)
        else:
            nn.init.kaiming_normal_(self.weight, mode="fan_out")
        self.bias = nn.Parameter(torch.zeros(c_out))  # of batch norm where there is one
        self.scale = nn.Parameter(torch.ones(c_out)) if first.bn else None
        self.kernels = sorted({op.kernel for op in ops}, reverse=True)
        self.turns = nn.ParameterDict({str(k): nn.Parameter(torch.eye(k * k)) for k in self.kernels[1:] if k > 1})

    def slices(self, op: Op) -> dict[str, Tensor]:
        """Return the weights of ``op``, named as in ``ConvBN`` or ``nn.Linear``."""
        weight = self.weight[: op.c_out] if op.kind == "depthwise" else self.weight[: op.c_out, : op.c_in]
        for large, small in zip(self.kernels, self.kernels[1:], strict=False):
            if op.kernel < large:
                edge = (large - small) // 2
                weight = weight[..., edge : large - edge, edge : large - edge]
                if small > 1:
                    weight = (weight.flatten(2) @ self.turns[str(small)]).view(*weight.shape[:2], small, small)
        bias = self.bias[: op.c_out]
        if op.kind == "linear":
            return {"weight": weight, "bias": bias}
        if self.scale is None:
            return {"conv.weight": weight, "conv.bias": bias}
        return {"conv.weight": weight, "bn.weight": self.scale[: op.c_out], "bn.bias": bias}


def _hollow(block: BlockSpec, epsilon: float) -> BlockModule:
    """Return the block's module without weights of its own: each call passes weights, batch norm keeps no
    statistics."""
    module = quick(BlockModule(block))
    for parameter in module.parameters():
        parameter.data = torch.empty(0)
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eps, layer.track_running_stats = epsilon, False
            layer.running_mean = layer.running_var = layer.num_batches_tracked = None
    return module
