"""Run one model on many inputs on this machine, and print every output as JSON lines.

    python3 bench_runner.py TASK.json      the task names this file as ``runner``; its model and inputs are beside it

``bench_runner.py`` runs this file and lends it its runtimes; Python 3.9 or newer. The inputs are an .npy file of
shape (n, ...), each input without the model's first axis; the file is memory-mapped. Lines printed:

    {"kind": "answers", ...}    runtime and versions
    {"kind": "outputs", ...}    of ``count`` inputs from ``first`` on: ``dtype``, ``shape`` of one, ``data`` in base64
    {"kind": "end", "inputs": n}
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOGETHER = 64  # outputs per line


def open_model(runtime: Any, data: bytes) -> Callable[[Any], Any]:
    """Return a function from an input to the model's first output, both with a first axis of size 1."""
    if hasattr(runtime.module, "InferenceSession"):
        options = runtime.module.SessionOptions()
        options.intra_op_num_threads = runtime.threads
        session = runtime.module.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})[0]
    interpreter = runtime.module.Interpreter(model_content=data, num_threads=runtime.threads)
    interpreter.allocate_tensors()
    source, target = (
        details[0]["index"] for details in (interpreter.get_input_details(), interpreter.get_output_details())
    )

    def answer(x: Any) -> Any:
        interpreter.set_tensor(source, x)
        interpreter.invoke()
        return interpreter.get_tensor(target)

    return answer


def run(engines: Any, task: dict[str, Any], folder: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    """Run the task in ``folder`` with ``engines``, the module bench_runner, and emit its lines."""
    runtime = engines.RUNTIMES[task["runtime"]](task["threads"])
    import numpy

    answer = open_model(runtime, (folder / task["file"]).read_bytes())
    inputs = numpy.load(folder / task["inputs"], mmap_mode="r", allow_pickle=False)
    emit({"kind": "answers", **engines.identify(task["runtime"], runtime)})
    for first in range(0, len(inputs), TOGETHER):
        given = inputs[first : first + TOGETHER]
        outputs = numpy.concatenate([answer(numpy.ascontiguousarray(x[None])) for x in given])
        shown = {"dtype": outputs.dtype.name, "shape": list(outputs.shape[1:])}
        data = base64.b64encode(numpy.ascontiguousarray(outputs).tobytes()).decode("ascii")
        emit({"kind": "outputs", "first": first, "count": len(given), **shown, "data": data})
    emit({"kind": "end", "inputs": len(inputs)})
