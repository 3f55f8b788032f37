"""Detection of the benchmark tool in a program file for a phone, from texts that only this tool prints. The program is
not run.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.devices.programs import phone_processor

#: field of devices.toml -> tools by a text that each contains, the most special first
_MARKS = {
    "benchmark_model": {
        b"benchmark_litert_model": "LiteRT 2's benchmark_model",
        b"Inference timings in us": "TensorFlow Lite's benchmark_model",
    },
    "onnxruntime_perf_test": {
        b"nference time cost": "ONNX Runtime's onnxruntime_perf_test",
        b"Average time cost": "ONNX Runtime's onnxruntime_perf_test",
    },
}


def describe_tool(field: str, path: Path) -> str:
    """Return what the program at ``path``, named in ``field`` of devices.toml, is: 'LiteRT 2's benchmark_model, arm64'.

    InputError where it is no program for phones, or the tool of another field.
    """
    processor = phone_processor(path)
    if processor == "script":
        return "a script"
    for other, marks in _MARKS.items():
        for mark, tool in marks.items():
            if _contains(path, mark):
                if other != field:
                    option = "--" + other.replace("_", "-")
                    raise InputError(
                        f"{path} is {tool}, not {field}; give it as {option}, or as {other} in its section"
                    )
                return f"{tool}, {processor}"
    return f"an unknown program, {processor}"


def _contains(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(mark) >= 0
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; name the program to use") from error
