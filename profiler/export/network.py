"""From a network and its weights to the files that ship, and the proof that they compute what the network does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.files import write_whole
from edgenas.blocks.architecture import Architecture

if TYPE_CHECKING:
    from edgenas.blocks.weights import Array, Weights
    from edgenas.profiler.export.quantize import Precision
    from edgenas.profiler.export.tflite_metadata import About


def export_network(
    architecture: Architecture,
    weights: Sequence[Weights],
    folder: Path,
    formats: Sequence[str] = ("tflite", "onnx"),
    precisions: Sequence[Precision] = ("fp32",),
    images: Array | None = None,
    about: About | None = None,
    reduce_range: bool = False,
) -> dict[str, Path]:
    """Write ``model.tflite`` and ``model.onnx`` into ``folder``, and their siblings ``model-int8.tflite`` and so on in
    other precisions, each whole or not at all: 'tflite', 'onnx', 'tflite int8' -> file.

    The first precision comes first in the answer. int8 is calibrated on ``images``, and its ONNX weights have a range
    that is reduced or not, as ``edgenas.profiler.export.quantize.quantized`` says; fp16 is of TFLite alone. TFLite
    files say ``about`` themselves. Nothing is written unless everything can be.
    """
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.export.quantize import quantized
    from edgenas.profiler.export.tflite_metadata import with_metadata

    models: dict[str, tuple[str, bytes]] = {}
    for kind in formats:
        floats = WRITERS[kind](architecture.blocks, weights)
        for precision in precisions:
            if precision == "fp32":
                models[kind] = f"model.{kind}", floats
            elif (kind, precision) != ("onnx", "fp16"):
                small = quantized(floats, precision, images, reduce_range=reduce_range)
                models[f"{kind} {precision}"] = f"model-{precision}.{kind}", small
    if about is not None:
        models = {
            kind: (name, with_metadata(model, about) if name.endswith(".tflite") else model)
            for kind, (name, model) in models.items()
        }
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in models.values():
        write_whole(folder / name, model)
    return {kind: folder / name for kind, (name, _) in models.items()}


def parity_max_rel(
    files: Mapping[str, Path], architecture: Architecture, images: Array, expected: Array
) -> dict[str, float]:
    """Format -> largest difference between the file's outputs for ``images`` (n, H, W, C) and ``expected``
    (n, classes), relative to the largest magnitude in ``expected``. OutcomeError when a file is off by more than the
    tolerance or holds operators its blocks do not call for."""
    from edgenas.profiler.export.check import parity

    return {
        kind: parity(path.read_bytes(), images, expected, blocks=architecture.blocks) for kind, path in files.items()
    }
