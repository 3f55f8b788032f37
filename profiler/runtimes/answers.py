"""Parser of the output of ``answer_runner.py``: outputs of one model for many inputs. The text comes from a device and
is not trusted."""

from __future__ import annotations

import base64
import binascii
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgenas.base.json_text import parse_line
from edgenas.latency_tables.store.fields import Fields
from edgenas.profiler.runtimes.output import LIMIT_CHARS, Installed, OutputError, read_installed

DTYPES = ("float32", "int8", "uint8")
_MOST_INPUTS, _MOST_VALUES = 1 << 20, 1 << 24


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Outputs of one model: ``outputs`` (n, ...) as the model stores them, in the order of the inputs, and the runtime
    that computed them."""

    installed: Installed
    outputs: Any


def parse_answers(text: str, inputs: int) -> Answers:
    """Parse the outputs for ``inputs`` inputs. OutputError for text that is incomplete, or that the runner does not
    write."""
    if len(text) > LIMIT_CHARS:
        raise OutputError(f"the runner printed {len(text):,} characters, more than {LIMIT_CHARS:,}")
    installed: Installed | None = None
    found: list[Any] = []
    done, ended = 0, False
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        try:
            fields = Fields(parse_line(line))
            kind = fields.text("kind", 20)
            if ended or (kind == "answers") != (number == 1):
                raise ValueError(f"a record of kind {kind!r} is out of order")
            if kind == "answers":
                installed = read_installed(fields)
            elif kind == "outputs":
                found.append(_outputs(fields, done, found[0] if found else None))
                done += len(found[-1])
            elif kind == "end":
                ended = fields.whole("inputs", 0, _MOST_INPUTS) == done == inputs
                if not ended:
                    raise ValueError(f"outputs of {done} inputs, not of {inputs}")
            else:
                raise ValueError(f"unknown kind {kind!r}")
            fields.done()
        except ValueError as problem:
            raise OutputError(f"line {number} of the runner's output was not understood: {problem}") from problem
    if installed is None or not ended or not found:
        raise OutputError(f"the runner's output ends after {done} of {inputs} inputs")
    return Answers(installed, np.concatenate(found))


def _outputs(fields: Fields, done: int, before: Any) -> Any:
    """Return the outputs of one line; ``done`` inputs precede it, and ``before`` has their type and shape."""
    first, count = fields.whole("first", 0, _MOST_INPUTS), fields.whole("count", 1, _MOST_INPUTS)
    name, shape = fields.text("dtype", 20), fields.wholes("shape", 1, _MOST_VALUES, 4)
    data = fields.any("data")
    if first != done:
        raise ValueError(f"outputs from input {first} on, after {done}")
    if name not in DTYPES or not isinstance(data, str):
        raise ValueError(f"values of {name!r}, or no text of base64")
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error as error:
        raise ValueError(f"data is not base64: {error}") from error
    if len(raw) != count * math.prod(shape) * np.dtype(name).itemsize:
        raise ValueError(f"{len(raw)} bytes for {count} outputs of {name}{shape}")
    values = np.frombuffer(raw, name).reshape(count, *shape)
    if before is not None and (before.dtype != values.dtype or before.shape[1:] != values.shape[1:]):
        raise ValueError(f"{name}{shape}, after {before.dtype}{before.shape[1:]}")
    if not np.isfinite(values).all():
        raise ValueError("its output holds numbers that are not finite")
    return values
