"""Runs and checks of files with several named outputs, such as the feature maps of a backbone, on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array
from edgenas.profiler.export.check import TOLERANCE, census, expected_census, max_relative_error
from edgenas.profiler.export.run import Quantization, interpreter, model_format, scales, session, stored_inputs


def named_outputs(model: bytes, x: Array) -> dict[str, Array]:
    """Return every output of a file by its name, for the pictures ``x`` (n, H, W, C), float32: feature maps
    (n, H', W', C') as real numbers for both formats and all precisions.

    InputError when a picture does not have the shape of the file's input.
    """
    run = _litert if model_format(model) == "tflite" else _onnxruntime
    stored = run(model, stored_inputs(model, x))
    known = scales(model).items()
    return {name: _real(values, model, scale) for (name, scale), values in zip(known, stored, strict=True)}


def outputs_parity(
    model: bytes, x: Array, expected: Mapping[str, Array], blocks: Sequence[BlockSpec], *, tolerance: float = TOLERANCE
) -> dict[str, float]:
    """Return for each output of a float32 file the ``max_relative_error`` against ``expected``, for the pictures ``x``.

    OutcomeError when names or shapes differ, when an error is above ``tolerance``, or when the file holds other
    operators than ``blocks`` require.
    """
    fmt = model_format(model)
    if census(model) != expected_census(blocks, fmt):
        raise OutcomeError(f"the {fmt} file holds other operators than its blocks call for; export it again")
    actual = named_outputs(model, x)
    shapes = [{name: values.shape for name, values in each.items()} for each in (actual, expected)]
    if shapes[0] != shapes[1]:
        raise OutcomeError(f"the {fmt} file gives {shapes[0]}, but {shapes[1]} was expected")
    errors = {name: max_relative_error(actual[name], expected[name]) for name in expected}
    for name, error in errors.items():
        if not error <= tolerance:
            raise OutcomeError(f"{name} of the {fmt} file is off by {error:.2g} relative, more than {tolerance:.2g}")
    return errors


def relative_rms_error(actual: Array, expected: Array) -> float:
    """Return the root of the mean squared difference over that of ``expected``; 0 where both are all 0."""
    wrong, scale = (float(np.mean(np.square(values, dtype=np.float64))) for values in (actual - expected, expected))
    return (wrong / scale) ** 0.5 if scale else float("inf") if wrong else 0.0


def _litert(model: bytes, x: Any) -> list[Any]:
    runs = interpreter(model)
    source, targets = runs.get_input_details()[0], runs.get_output_details()
    found: list[list[Any]] = [[] for _ in targets]
    for picture in x:
        runs.set_tensor(source["index"], np.ascontiguousarray(picture[None]))
        runs.invoke()
        for values, target in zip(found, targets, strict=True):
            values.append(runs.get_tensor(target["index"]))
    return [np.concatenate(values) for values in found]


def _onnxruntime(model: bytes, x: Any) -> list[Any]:
    running = session(model)
    name = running.get_inputs()[0].name
    found = [running.run(None, {name: picture[None]}) for picture in x]
    return [np.concatenate(values) for values in zip(*found, strict=True)]


def _real(values: Any, model: bytes, scale: Quantization | None) -> Array:
    if model_format(model) == "onnx" and values.ndim == 4:
        values = values.transpose(0, 2, 3, 1)  # (n, C', H', W') -> (n, H', W', C')
    numbers: Array = values if scale is None else scale.real(values)
    return numbers
