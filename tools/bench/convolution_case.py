"""Run one convolution, forward and backward, in a process that it may kill; see ``convolution_trap``.

As a program it reads pickled cases from standard input and writes a line of JSON for each group of them that ended well
and for each case that killed its process. Groups run in forks, so that a death costs a fork and no start of torch.
"""

from __future__ import annotations

import ctypes
import json
import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from edgenas.blocks.ops import INPUT, Op
from edgenas.blocks.torch_modules import ConvBN, in_channels_last
from edgenas.search.accuracy.shared_weights import SharedOp
from edgenas.training.arithmetic import Arithmetic
from edgenas.training.network import quick

GROUP = 40  #: cases a fork
LIMIT_S = 120  #: of one case
CHEAP = (
    1_000_000  #: multiply-adds of a case that is trained ``ROUNDS`` times: not every bad write hits what is looked at
)
ROUNDS = 3


class Largest(NamedTuple):
    """Shape of a supernet's weight: the most channels, and all kernels."""

    c_out: int
    c_in: int
    kernels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Test case: ``op`` in a layer of ``LAYERS``, for ``batch`` images in the memory ``order`` NHWC or NCHW.
    ``largest`` is the supernet's weight that the layer takes a slice of.
    """

    op: Op
    layer: str
    order: str
    batch: int
    largest: Largest | None = None
    bf16: bool = False

    def __str__(self) -> str:
        op, numbers = self.op, " bf16" if self.bf16 else ""
        return (
            f"{self.layer} {op.kind} {op.kernel}x{op.kernel} stride {op.stride}, {op.c_in} -> {op.c_out} channels at "
            f"{op.in_size}x{op.in_size}, batch {self.batch}, {self.order}{numbers}"
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates (MACs) of the forward pass."""
        width = 1 if self.op.kind == "depthwise" else self.op.c_in
        return self.batch * self.op.out_elements * width * self.op.kernel**2


def trained(case: Case) -> nn.Module:
    """Return the layer of ``training_torch.fresh_network``."""
    return in_channels_last(quick(ConvBN(case.op)))


def plain(case: Case) -> nn.Module:
    """Return torch's own convolution: the layer that is trained in NCHW memory, and the layer without ``quick``."""
    return ConvBN(case.op)


class Slice(nn.Module):
    """Layer of ``shared_weights.SharedNetwork``: a small option as a slice of the largest weight."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        assert case.largest is not None
        c_out, c_in, kernels = case.largest
        self.op, self.layer = case.op, [quick(ConvBN(case.op))]  # a list: its own weights are none of this module's
        self.shared = SharedOp([replace(case.op, c_out=c_out, c_in=c_in, kernel=kernel) for kernel in kernels])

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = functional_call(self.layer[0].train(self.training), self.shared.slices(self.op), (x,))
        return y


class Overrun(nn.Module):
    """Layer that always writes past the end of its memory, to show that the trap detects it."""

    def __init__(self, case: Case) -> None:
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros(x.shape)
        ctypes.memset(y.data_ptr() + y.nbytes, 0x55, 8)
        return y + x


LAYERS: dict[str, Callable[[Case], nn.Module]] = {
    "trained": trained,
    "slice": Slice,
    "plain": plain,
    "overrun": Overrun,
}


HARMLESS = Case(Op("conv", "conv", (INPUT,), 8, 16, 16, 3, bn=True), "plain", "NHWC", 2)


def run(case: Case) -> None:
    """Run inference, then training: on images that need a gradient, as between layers, and on images that need none."""
    torch.manual_seed(0)
    op, how = case.op, Arithmetic(case.bf16, case.order == "NHWC")
    images = torch.randn(case.batch, op.c_in, op.in_size, op.in_size).contiguous(memory_format=how.memory_format)
    layer = LAYERS[case.layer](case).eval()
    with torch.inference_mode():
        layer(images)
    layer.train(case.batch * op.out_size**2 > 1)  # batch norm has no statistics of one value
    held = []  # memory of varied sizes: what a write past the end hits differs from round to round
    for between_layers in (True, False) * (ROUNDS if case.macs < CHEAP else 1):
        held.append([torch.empty(int(size)) for size in torch.randint(1, 2000, (10,))])
        x = images.clone().requires_grad_(between_layers)
        with how.autocast(images.device):
            y = layer(x)
        if y.requires_grad:
            y.backward(torch.randn_like(y))


def forked(cases: Sequence[Case]) -> tuple[int, int]:
    """Run the cases in a child process; return (number of cases that ended well, signal or exit code of the process, 0
    where all did).
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reader)
            for case in cases:
                signal.alarm(LIMIT_S)
                run(case)
                os.write(writer, b".")
            code = 0
        except BaseException:  # a child that was forked ends here, whatever it raised
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(writer)
    with os.fdopen(reader, "rb") as marks:
        ended = len(marks.read())
    return ended, abs(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


def main() -> None:
    """Run the cases from stdin; report for a case that kills the process whether it also kills one in which no other
    case ran before it.
    """
    torch.set_num_threads(1)
    cases: list[Case] = pickle.load(sys.stdin.buffer)
    run(HARMLESS)  # what torch imports late, forks find imported
    at = 0
    while at < len(cases):
        ended, status = forked(cases[at : at + GROUP])
        at += ended
        if status and ended < GROUP:
            tell(died=at, status=status, alone=forked(cases[at : at + 1])[1] != 0)
            at += 1
        tell(done=at)


def tell(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
