"""From a network and its weights to the files that ship, and the proof that they compute what the network does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blocks.architecture import Architecture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from blocks.weights import Array, Weights


def export_network(
    architecture: Architecture, weights: Sequence[Weights], folder: Path, formats: Sequence[str] = ("tflite", "onnx")
) -> dict[str, Path]:
    """Write ``model.tflite`` and ``model.onnx`` into ``folder``, each whole or not at all; format -> file."""
    from profiler.export import WRITERS

    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for kind in formats:
        files[kind] = folder / f"model.{kind}"
        write_whole(files[kind], WRITERS[kind](architecture.blocks, weights))
    return files


def write_whole(path: Path, data: bytes | str) -> None:
    """Write a file under another name and rename it: a reader sees all of it or none."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_bytes(data if isinstance(data, bytes) else data.encode())
    partial.replace(path)


def parity_max_rel(
    files: Mapping[str, Path], architecture: Architecture, images: Array, expected: Array
) -> dict[str, float]:
    """Format -> largest difference between the file's outputs for ``images`` (n, H, W, C) and ``expected``
    (n, classes), relative to the largest magnitude in ``expected``. OutcomeError when a file is off by more than the
    tolerance or holds operators its blocks do not call for."""
    from profiler.export.check import parity

    return {
        kind: parity(path.read_bytes(), images, expected, blocks=architecture.blocks) for kind, path in files.items()
    }


def accuracy_of_file(path: Path, images: Array, labels: NDArray[np.int64]) -> float:
    """Top-1 accuracy in percent of ``images`` (n, H, W, C), by running the file itself."""
    from profiler.export.run import run_model

    return float((run_model(path.read_bytes(), images).argmax(1) == labels).mean() * 100)
