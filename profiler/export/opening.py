"""Reading of model files that others may have made or damaged: a child process opens each of them first.

A damaged file makes its parsers raise any exception or run without end, and can kill the process that runs it. The
child does what this process will do with the file. Only a file that it opened without an error is opened here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from edgenas.base.errors import InputError, OutputLimitError, TimeLimitError
from edgenas.base.process import run
from edgenas.base.reading import read_bytes
from edgenas.base.text import printable

#: what is done with a file: its operators are read, or it is also run on a picture
Opening = Literal["operators", "pictures"]

_LIMIT_S = 120.0  # for all files; one of 100 MB takes a few seconds
_LEAST_BYTES = 16 << 30  # address space of the child, at least: libraries map GiB for their threads and never use it


def read_models(paths: Sequence[Path], how: Opening = "operators") -> list[bytes]:
    """Return the contents of model files, each of which a child process has opened.

    InputError for a file that cannot be read, that is no model, or that the child cannot open.
    """
    contents = [read_bytes(path, "model") for path in paths]
    for path, why in zip(paths, faults(paths, how), strict=True):
        if why:
            raise InputError(f"{path} is damaged, or no model of a network: {why}; export or fetch it again")
    return contents


def faults(paths: Sequence[Path], how: Opening) -> list[str]:
    """Return for each file why it cannot be opened, or ''. A file that kills the child ends only that child."""
    found: list[str] = []
    while len(found) < len(paths):
        left = [str(path.absolute()) for path in paths[len(found) :]]
        # -P: no module of the working folder is imported in place of one of edgenas
        argv = [sys.executable, "-P", "-m", "edgenas.profiler.export.opening", how, *left]
        ended = ""
        try:
            done = run(argv, timeout_s=_LIMIT_S)
            stdout = done.stdout
            if done.returncode:
                ended = _ended(done.returncode, done.stderr)
        except TimeLimitError as error:
            stdout, ended = error.stdout, f"it is not open after {_LIMIT_S:g} s"
        except OutputLimitError:
            stdout, ended = "", "the libraries that open it print without end"
        said = [json.loads(line) for line in stdout.split("\n")[:-1] if line.startswith('{"why"')]
        found += [answer["why"] for answer in said][: len(left)]
        if len(said) < len(left):
            found.append(ended or "the process that opened it ended early")
    return found


def _ended(code: int, stderr: str) -> str:
    """Return how a child ended that did not report its file."""
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = str(-code)
        return f"it kills the process that opens it ({name})"
    last = next((line for line in reversed(stderr.split("\n")) if line.strip()), "")
    return f"the process that opened it ended with exit code {code}: {printable(last, 200)}"


def _open(model: bytes, how: str) -> None:
    import numpy as np

    from edgenas.profiler.export.integer import computed_in, nodes, weight_bits
    from edgenas.profiler.export.run import ends, model_format, run_model

    if model_format(model) == "tflite":
        _verify_flatbuffer(model)
    if not nodes(model):
        raise InputError("it has no operator")
    computed_in(model)
    weight_bits(model)
    if how == "pictures":
        run_model(model, np.zeros((1, *ends(model).shape), np.float32))


def _verify_flatbuffer(model: bytes) -> None:
    """Raise ValueError where LiteRT finds the structure of a TFLite file broken. Operators that the LiteRT of this
    machine does not have are no fault: the file may be for another device."""
    from ai_edge_litert.interpreter import Interpreter

    try:
        Interpreter(model_content=model, num_threads=1)
    except (ValueError, RuntimeError) as error:
        if "Flatbuffer" in str(error):
            raise


def _limit_memory() -> None:
    """Limit the address space of this process to the machine's memory, so that a wrong size is refused at once."""
    import resource

    most = max(_LEAST_BYTES, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(how: str, paths: Sequence[str]) -> None:
    """Open each file, and print a line for each: {"why": "..."}, '' where it opened."""
    _limit_memory()
    for path in paths:
        why = ""
        try:
            _open(Path(path).read_bytes(), how)
        except InputError as error:
            why = printable(str(error), 300)
        except Exception as error:  # a parser of others raises anything
            why = printable(f"{type(error).__name__}: {' '.join(str(error).split())}", 300)
        print(json.dumps({"why": why}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
