"""Export of a network and its weights to the files that ship, and parity of these files with the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.files import make_folder, write_whole
from edgenas.blocks.architecture import Architecture

if TYPE_CHECKING:
    from edgenas.blocks.weights import Array, Weights
    from edgenas.profiler.export.quantize import Precision
    from edgenas.profiler.export.tflite_metadata import About

ROUNDINGS = 4  #: a file may differ from torch by this many times what float32 differs from float64


def export_network(
    architecture: Architecture,
    weights: Sequence[Weights],
    folder: Path,
    formats: Sequence[str] = ("tflite", "onnx"),
    precisions: Sequence[Precision] = ("fp32",),
    images: Array | None = None,
    about: About | None = None,
    reduce_range: bool = False,
    outputs: Mapping[int, str] | None = None,
) -> dict[str, Path]:
    """Write ``model.tflite`` and ``model.onnx`` into ``folder``, and files such as ``model-int8.tflite`` in other
    precisions, each whole or not at all. Return the paths by 'tflite', 'onnx', 'tflite int8' and so on.

    The first precision comes first in the result. int8 is calibrated on ``images``; ``reduce_range`` reduces the range
    of its ONNX weights (see ``edgenas.profiler.export.quantize.quantized``). fp16 exists for TFLite only. ``about``
    becomes the metadata of TFLite files. ``outputs`` names the outputs of blocks by their number, in place of 'output'.
    No file is written unless all can be made.
    """
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.export.quantize import quantized
    from edgenas.profiler.export.tflite_metadata import with_metadata

    models: dict[str, tuple[str, bytes]] = {}
    for kind in formats:
        floats = WRITERS[kind](architecture.blocks, weights, outputs=outputs)
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
    make_folder(folder)
    for name, model in models.values():
        write_whole(folder / name, model)
    return {kind: folder / name for kind, (name, _) in models.items()}


def parity_max_rel(
    files: Mapping[str, Path], architecture: Architecture, images: Array, expected: Array, rounding: float = 0.0
) -> dict[str, float]:
    """Return by format the largest difference between a file's outputs for ``images`` (n, H, W, C) and ``expected``
    (n, classes), relative to the largest magnitude in ``expected``. OutcomeError when the difference exceeds the
    tolerance, or when a file holds other operators than its blocks require. The tolerance is that of
    ``edgenas.profiler.export.check``, or ROUNDINGS times ``rounding``, what float32 itself moves the outputs by."""
    from edgenas.profiler.export.check import TOLERANCE, parity

    most = max(TOLERANCE, ROUNDINGS * rounding)
    return {
        kind: parity(path.read_bytes(), images, expected, blocks=architecture.blocks, tolerance=most)
        for kind, path in files.items()
    }
