"""Writers of model files, directly from blocks and weights.

Importing this package is cheap: onnx, flatbuffers and the TFLite schema are imported when the first file is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Weights
from edgenas.profiler.export.onnx import write_onnx
from edgenas.profiler.export.tflite import write_tflite

__all__ = ["WRITERS", "Writer", "write_onnx", "write_tflite"]


class Writer(Protocol):
    """Function from blocks and weights to the bytes of a model file; InputError when they do not fit together."""

    def __call__(
        self,
        blocks: Sequence[BlockSpec],
        weights: Sequence[Weights],
        *,
        name: str = ...,
        outputs: Mapping[int, str] | None = ...,
    ) -> bytes: ...


#: format, which is also the suffix of its files -> writer
WRITERS: dict[str, Writer] = {"tflite": write_tflite, "onnx": write_onnx}
