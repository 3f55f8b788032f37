"""fp32 model files to fp16 weights and to static int8: which precisions there are, and what they are made from.

    fp32   as the direct writers leave it
    fp16   weights stored in half the bytes and computed in float32: TFLite only
    int8   weights a channel and activations a tensor in 8 bits, calibrated on given images, in and out in 8 bits as
           well, so that a block alone does what it does inside a network

TFLite by ai-edge-quantizer, ONNX by onnxruntime's static QDQ. A file that shows a float convolution after that is
refused (``edgenas.profiler.export.integer``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.naming import among
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, Weights
from edgenas.profiler.export import WRITERS, Writer
from edgenas.profiler.export.run import ends, model_format

Precision = Literal["fp32", "fp16", "int8"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
MEASURED: tuple[Precision, ...] = ("fp32", "int8")  #: of tables: fp16 weights are computed in float32
SAMPLES = 8  #: random activations that a block alone is calibrated on
_KEPT_BYTES = 256 << 20  #: of models that ``table_writer`` keeps


def quantized(model: bytes, precision: Precision, images: Array | None = None, *, reduce_range: bool = False) -> bytes:
    """A float32 file of either format in another precision; int8 is calibrated on ``images`` (n, H, W, C), as the
    network takes them. ``reduce_range`` is for ONNX files in int8, whose weights then have 7 bits: for processors on
    which sums of 8-bit products saturate (``edgenas.devices.facts.int8_products``); LiteRT's kernels add in 32 bits
    everywhere. Equal arguments give equal bytes.

    InputError for images that are lacking, of another shape than the file's input or not finite, and for fp16 ONNX;
    MissingExtraError; OutcomeError where a convolution stays float.
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
        raise InputError("int8 wants images to calibrate on, as the network takes them; give some: --calibrate")
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
    """InputError unless ``images`` can calibrate the file: some, of its input's shape, float32 and finite."""
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
    """What a block alone is calibrated on: standard normal, which batch norm and seeded weights keep activations near
    (``edgenas.blocks.weights.random_weights``)."""
    shape = (SAMPLES, block.in_size, block.in_size, block.c_in)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def table_writer(fmt: str, precision: str) -> Writer:
    """The writer of blocks and networks that are timed with random weights; int8 is calibrated on random activations,
    and kept. InputError for a precision that tables do not have; MissingExtraError.

    Weights of these files have their full range on every device. How long a product takes does not depend on its
    operands, so that the times hold for files with reduced range as well; and the blocks of a table stay one and the
    same, byte for byte, whichever machine wrote them.
    """
    if precision not in MEASURED:
        raise InputError(
            f"blocks are not measured in {precision!r}; the precisions of tables are {', '.join(MEASURED)}"
        )
    if precision == "fp32":
        return WRITERS[fmt]
    if fmt == "tflite":
        from edgenas.profiler.export.quantize_tflite import tools

        tools()  # or else every block of a campaign would fail for its absence
    return _Int8Writer(fmt)


class _Int8Writer:
    """See ``Writer``. Each fresh process of a campaign wants the same models again: the first that fit are kept."""

    def __init__(self, fmt: str) -> None:
        self._write = WRITERS[fmt]
        self._kept: dict[bytes, bytes] = {}  #: digest of the float32 file -> the int8 file
        self._bytes = 0

    def __call__(self, blocks: Sequence[BlockSpec], weights: Sequence[Weights], *, name: str = "main") -> bytes:
        model = self._write(blocks, weights, name=name)
        digest = hashlib.sha256(model).digest()
        if digest not in self._kept:
            small = quantized(model, "int8", random_activations(blocks[0]))
            if self._bytes + len(small) > _KEPT_BYTES:
                return small
            self._bytes += len(small)
            self._kept[digest] = small
        return self._kept[digest]
