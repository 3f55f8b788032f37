"""Precisions of model files, and conversion of fp32 files to fp16 weights and to static int8.

    fp32   unchanged output of the direct writers
    fp16   weights stored in half the bytes, computed in float32: TFLite only
    int8   weights (one scale per channel) and activations (one scale per tensor) in 8 bits, calibrated on given images;
           input and output are 8 bits as well, so that a block alone computes as it does inside a network

TFLite is converted by ai-edge-quantizer, ONNX by onnxruntime's static QDQ. A converted file with a float convolution is
refused (``edgenas.profiler.export.integer``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import numpy as np

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.naming import among
from edgenas.blocks.size import axes
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, Weights
from edgenas.profiler.export import WRITERS, Writer
from edgenas.profiler.export.run import ends, model_format

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
MEASURED: tuple[Precision, ...] = ("fp32", "int8")  #: precisions of tables; fp16 weights are computed in float32
SAMPLES = 8  #: number of random activations on which a block alone is calibrated
_KEPT_BYTES = 256 << 20  #: most bytes of models that ``table_writer`` caches


def quantized(model: bytes, precision: Precision, images: Array | None = None, *, reduce_range: bool = False) -> bytes:
    """Convert a float32 file of either format to another precision; int8 is calibrated on ``images`` (n, H, W, C), as
    the network takes them. ``reduce_range`` gives int8 ONNX files weights of 7 bits, for processors on which sums of
    8-bit products saturate (``edgenas.devices.facts.int8_products``); LiteRT's kernels add in 32 bits on every
    processor. Equal arguments give equal bytes.

    InputError for images that are missing, not finite or of another shape than the file's input, and for fp16 ONNX;
    MissingExtraError without the quantizer; OutcomeError where a convolution stays float.
    """
    fmt = model_format(model)
    if precision == "fp32":
        return model
    if precision == "fp16":
        if fmt == "onnx":
            raise InputError("fp16 weights are written for TFLite only; leave out onnx, or choose int8")
        from edgenas.profiler.export.quantize_tflite import with_half_weights

        return with_half_weights(model)
    if precision != "int8":
        raise InputError(f"precision {precision!r} is not one of {among(precision, PRECISIONS)}")
    if images is None:
        raise InputError("int8 needs calibration images, as the network takes them; name some: --calibrate")
    check_images(model, images)
    if fmt == "tflite":
        from edgenas.profiler.export import quantize_tflite

        small = quantize_tflite.to_int8(model, images)
    else:
        from edgenas.profiler.export import quantize_onnx

        small = quantize_onnx.to_int8(model, images, reduce_range)
    from edgenas.profiler.export.integer import float_convolutions

    left = float_convolutions(small)
    if left:
        raise OutcomeError(f"the {fmt} quantizer left {len(left)} convolutions in float, such as {left[0]}")
    return small


def check_images(model: bytes, images: Array) -> None:
    """Raise InputError unless ``images`` can calibrate the file: at least one, of its input's shape, float32,
    finite."""
    wanted = ends(model).shape
    if images.ndim != 4 or images.shape[1:] != wanted or images.dtype != np.float32 or not len(images):
        shape = ", ".join(map(str, wanted))
        raise InputError(f"calibration images are {images.dtype}{images.shape}; the model takes float32 (n, {shape})")
    broken = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2, 3)))
    if len(broken):
        raise InputError(
            f"{len(broken)} of {len(images)} calibration images hold values that are not finite, the first is number "
            f"{broken[0]}; a scale cannot come from them: leave them out"
        )


def random_activations(block: BlockSpec, seed: int = 0) -> Array:
    """Return calibration activations (SAMPLES, H, W, C) of a block alone: standard normal, as batch norm and seeded
    weights keep activations near that (``edgenas.blocks.weights.random_weights``)."""
    shape = (SAMPLES, *axes(block.in_size), block.c_in)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def table_writer(fmt: str, precision: str) -> Writer:
    """Return the writer of blocks and networks that are timed with random weights; int8 files are calibrated on random
    activations, and cached. InputError for a precision that tables do not have; MissingExtraError.

    The weights of these files have their full range on every device. The time of a product does not depend on its
    operands, so the times hold for files with reduced range as well; and the blocks of a table are the same, byte for
    byte, whichever machine wrote them.
    """
    if precision not in MEASURED:
        raise InputError(
            f"blocks are not measured in {precision!r}; the precisions of tables are {', '.join(MEASURED)}"
        )
    if precision == "fp32":
        return WRITERS[fmt]
    if fmt == "tflite":
        from edgenas.profiler.export.quantize_tflite import tools

        tools()  # checked once: without the quantizer every block of a campaign would fail
    return _Int8Writer(fmt)


class _Int8Writer:
    """Writer of int8 models (see ``Writer``) with a cache: each fresh process of a campaign needs the same models, and
    the first ones that fit into _KEPT_BYTES are kept."""

    def __init__(self, fmt: str) -> None:
        self._write = WRITERS[fmt]
        self._kept: dict[bytes, bytes] = {}  #: digest of the float32 file -> the int8 file
        self._bytes = 0

    def __call__(
        self,
        blocks: Sequence[BlockSpec],
        weights: Sequence[Weights],
        *,
        name: str = "main",
        outputs: Mapping[int, str] | None = None,
    ) -> bytes:
        model = self._write(blocks, weights, name=name, outputs=outputs)
        digest = hashlib.sha256(model).digest()
        if digest not in self._kept:
            small = quantized(model, "int8", random_activations(blocks[0]))
            if self._bytes + len(small) > _KEPT_BYTES:
                return small
            self._bytes += len(small)
            self._kept[digest] = small
        return self._kept[digest]
