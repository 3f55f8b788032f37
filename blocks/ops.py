"""Computation of a block, as a short list of primitive operations.

The list that ``lower`` returns is the only definition of a block's computation. It is used by the counts
(``edgenas.blocks.counts``), the weights (``edgenas.blocks.weights``), the torch module
(``edgenas.blocks.torch_modules``) and both file writers (``edgenas.profiler.export``).

Sources: inverted residual, MobileNetV2 (arXiv 1801.04381, table 1); squeeze-and-excitation after the depthwise
activation with ReLU and hard-sigmoid, and the efficient head, MobileNetV3 (arXiv 1905.02244, sections 5.1-5.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from edgenas.blocks.size import ImageSize, pixels, strided

if TYPE_CHECKING:
    from edgenas.blocks.spec import BlockSpec


OpKind = Literal["conv", "depthwise", "linear", "pool", "multiply", "add"]
OpAct = Literal["none", "relu", "relu6", "hswish", "hsigmoid"]

INPUT = "input"  #: name of the block's input tensor in ``Op.inputs``


@dataclass(frozen=True, slots=True)
class Op:
    """One operation; its output tensor has the name of the operation.

    conv / depthwise   padding kernel // 2 on each side, or TensorFlow's SAME (``same``); ``bn``: batch norm follows,
                       and the convolution has no bias
    linear             1x1xC_in -> C_out, with a bias
    pool               mean over height and width: HxWxC -> 1x1xC
    multiply           inputs (HxWxC, 1x1xC): scale each channel
    add                inputs (HxWxC, HxWxC)
    ``act`` is applied to the result. H and W are height and width in pixels, C the number of channels.
    """

    kind: OpKind
    name: str
    inputs: tuple[str, ...]
    in_size: ImageSize
    c_in: int
    c_out: int
    kernel: int = 1
    stride: int = 1
    bn: bool = False
    act: OpAct = "none"
    same: bool = False

    @property
    def out_size(self) -> ImageSize:
        """Size of the output in pixels."""
        return 1 if self.kind == "pool" else strided(self.in_size, self.stride)

    @property
    def has_weights(self) -> bool:
        """Return True for convolutions and linear layers."""
        return self.kind in ("conv", "depthwise", "linear")

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape of the weights in torch's order: conv (O, I, k, k), depthwise (C, 1, k, k), linear (O, I)."""
        if self.kind == "linear":
            return (self.c_out, self.c_in)
        return (self.c_out, 1 if self.kind == "depthwise" else self.c_in, self.kernel, self.kernel)

    @property
    def in_elements(self) -> int:
        """Number of values read from all inputs, without the weights."""
        second = {"multiply": self.c_in, "add": pixels(self.in_size) * self.c_in}.get(self.kind, 0)
        return pixels(self.in_size) * self.c_in + second

    @property
    def out_elements(self) -> int:
        """Number of values written."""
        return pixels(self.out_size) * self.c_out


def lower(b: BlockSpec) -> tuple[Op, ...]:
    """Return the operations of ``b`` in order; the output of the last one is the block's output. A skip has none."""
    match b.kind:
        case "skip":
            return ()
        case "conv":
            return (Op("conv", "conv", (INPUT,), b.in_size, b.c_in, b.c_out, b.kernel, b.stride, True, b.act, b.same),)
        case "head":
            return _head(b)
        case "sep" | "ir":
            return _separable(b)


def _head(b: BlockSpec) -> tuple[Op, ...]:
    pool = Op("pool", "pool", (INPUT,), b.in_size, b.c_in, b.c_in)
    if not b.c_mid:
        return (pool, Op("linear", "classifier", ("pool",), 1, b.c_in, b.c_out))
    return (
        pool,
        Op("linear", "hidden", ("pool",), 1, b.c_in, b.c_mid, act=b.act),
        Op("linear", "classifier", ("hidden",), 1, b.c_mid, b.c_out),
    )


def _separable(b: BlockSpec) -> tuple[Op, ...]:
    ops: list[Op] = []
    last, wide = INPUT, b.c_in
    if b.kind == "ir":
        ops.append(Op("conv", "expand", (last,), b.in_size, b.c_in, b.c_mid, bn=True, act=b.act))
        last, wide = "expand", b.c_mid
    ops.append(Op("depthwise", "depthwise", (last,), b.in_size, wide, wide, b.kernel, b.stride, True, b.act, b.same))
    last = "depthwise"
    if b.c_se:
        ops += [
            Op("pool", "squeeze", (last,), b.out_size, wide, wide),
            Op("conv", "se_reduce", ("squeeze",), 1, wide, b.c_se, act="relu"),
            Op("conv", "se_expand", ("se_reduce",), 1, b.c_se, wide, act="hsigmoid"),
            Op("multiply", "excite", (last, "se_expand"), b.out_size, wide, wide),
        ]
        last = "excite"
    ops.append(Op("conv", "project", (last,), b.out_size, wide, b.c_out, bn=True))
    if b.residual:
        ops.append(Op("add", "residual", ("project", INPUT), b.out_size, b.c_out, b.c_out))
    return tuple(ops)
