"""Runs one model on many inputs on the machine it runs on, and prints every output as JSON lines.

    python3 answer_runner.py TASK.json      the task; its model, its inputs and bench_runner.py lie beside it

One file beside ``bench_runner.py``, whose runtimes it takes; Python 3.9 or newer. Inputs are an .npy of (n, ...), each
as the model takes it without its first axis; they are mapped, not read whole. Lines printed:

    {"kind": "answers", ...}    what runs, by whom
    {"kind": "outputs", ...}    of ``count`` inputs from ``first`` on: ``dtype``, ``shape`` of one, ``data`` in base64
    {"kind": "end", "inputs": n}
"""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

TOGETHER = 64  # outputs in a line


def load_engines() -> Any:
    """The module beside this one, found by its path: the search path of imports may leave this folder out."""
    spec = importlib.util.spec_from_file_location("bench_runner", Path(__file__).with_name("bench_runner.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def open_model(runtime: Any, data: bytes) -> Callable[[Any], Any]:
    """What gives the first output of an input; both with their first axis, of one."""
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


def run(task: dict[str, Any], folder: Path, emit: Callable[[dict[str, Any]], None]) -> None:
    engines = load_engines()
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


def main(arguments: list[str]) -> int:
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries that print do so on stderr from here on: stdout is ours

    def emit(record: dict[str, Any]) -> None:
        out.write(json.dumps(record, allow_nan=False) + "\n")
        out.flush()

    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 2
    path = Path(arguments[0])
    os.environ["TMPDIR"] = str(path.parent)  # what runtimes leave in it goes with us
    run(json.loads(path.read_text(encoding="utf-8")), path.parent, emit)
    return 0


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except Exception as error:  # whatever a runtime raises is this model's failure
        print(f"answer_runner: {type(error).__name__}: {error}", file=sys.stderr)
        code = 1
    sys.stderr.flush()
    os._exit(code)  # some runtimes take a second, or crash, on an orderly way out
