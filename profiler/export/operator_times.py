"""Times of single operators of a TFLite file relative to the whole file, on this machine.

LiteRT has no profiler in Python. Each operator is therefore written as a file of its own, with unchanged tensors, and
run in turn with the whole file. The shares are estimates: they contain the overhead of a call, and miss the cache reuse
between neighbouring operators.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenas.profiler.export.run import interpreter

ROUNDS = 30  #: number of turns of each operator; the median of their ratios is used
_AT_LEAST_S = 2e-4  #: shortest turn, s: faster operators are run several times in a turn


def time_shares(model: bytes, operators: Sequence[int]) -> list[float]:
    """Return the time of each operator (index in the file's only subgraph) over that of the whole file, at most 1.
    Empty for no operators."""
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
    """Return a file with that operator only: its non-constant inputs are the file's inputs, its outputs the file's
    outputs, and constants stay."""
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
    used = [0, *(tensor.buffer for tensor in graph.tensors)]
    buffers = [root.buffers[i] for i in used]
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
    """A model file that is run for at least _AT_LEAST_S in each turn."""

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
        """Return the seconds of one run."""
        return self._took() / self._times

    def _took(self) -> float:
        """Run one turn and return its duration, s."""
        begin = time.perf_counter()
        for _ in range(self._times):
            self._runs.invoke()
        return time.perf_counter() - begin
