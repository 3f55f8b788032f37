"""How long single operators of a TFLite file take beside the whole of it, on this machine.

LiteRT has no profile in Python. So each operator is written as a file of its own, with its tensors as they were, and
both are run in turn: what a cache keeps between neighbours and what a call costs are in the shares: they are
estimates.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenas.profiler.export.run import interpreter

ROUNDS = 30  #: turns of each; the median of their ratios counts
_AT_LEAST_S = 2e-4  #: of a turn: faster operators are run several times in it


def time_shares(model: bytes, operators: Sequence[int]) -> list[float]:
    """Of each operator (index in the file's one subgraph), its time over that of the whole file. Empty for
    no operators."""
    if not operators:
        return []
    whole = _Turn(model)
    turns = [_Turn(alone(model, index)) for index in operators]
    ratios: list[list[float]] = []
    for _ in range(ROUNDS):
        took = whole.seconds()
        ratios.append([turn.seconds() / took for turn in turns])
    return [min(1.0, statistics.median(column)) for column in zip(*ratios, strict=True)]


def alone(model: bytes, operator: int) -> bytes:
    """A file with that operator only: its first input comes in, its output goes out, constants stay."""
    import ai_edge_litert.schema_py_generated as schema
    import flatbuffers

    from edgenas.profiler.export.tflite_pack import IDENTIFIER

    root = schema.ModelT.InitFromPackedBuf(model)
    (graph,) = root.subgraphs
    op = graph.operators[operator]
    old = [int(t) for t in (*op.inputs, *op.outputs) if t >= 0]
    place = {t: i for i, t in enumerate(dict.fromkeys(old))}
    graph.tensors = [graph.tensors[t] for t in place]
    op.inputs = [place.get(int(t), -1) for t in op.inputs]
    op.outputs = [place[int(t)] for t in op.outputs]
    root.operatorCodes, op.opcodeIndex = [root.operatorCodes[op.opcodeIndex]], 0
    graph.operators, graph.outputs = [op], list(op.outputs)
    graph.inputs = [t for t in op.inputs if t >= 0 and not _has_data(root, graph.tensors[t])]
    root.signatureDefs, root.metadata = [], []
    kept = [0, *(tensor.buffer for tensor in graph.tensors)]
    buffers = [root.buffers[i] for i in kept]
    for buffer in buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0
    root.buffers = buffers
    for number, tensor in enumerate(graph.tensors, start=1):
        tensor.buffer = number
    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(root.Pack(builder), IDENTIFIER)
    return bytes(builder.Output())


def _has_data(root: Any, tensor: Any) -> bool:
    buffer = root.buffers[tensor.buffer]
    return buffer.offset > 1 or (buffer.data is not None and len(buffer.data) > 0)


class _Turn:
    """A file that is run for at least _AT_LEAST_S at a time."""

    def __init__(self, model: bytes) -> None:
        self._runs = interpreter(model)
        rng = np.random.default_rng(0)
        for source in self._runs.get_input_details():
            shape, dtype = source["shape"], source["dtype"]
            integer = np.issubdtype(dtype, np.integer)
            values = rng.integers(-100, 100, shape) if integer else rng.standard_normal(shape)
            self._runs.set_tensor(source["index"], values.astype(dtype))
        self._times = 1
        while self._took() < _AT_LEAST_S:
            self._times *= 2

    def seconds(self) -> float:
        """Of one run."""
        return self._took() / self._times

    def _took(self) -> float:
        begin = time.perf_counter()
        for _ in range(self._times):
            self._runs.invoke()
        return time.perf_counter() - begin
