"""Padding of a convolution: torch's, kernel // 2 on every side, or TensorFlow's SAME.

Both give an output of size / stride, rounded up. They differ where the stride is 2 and a side of the input is even: of
kernel - 2 rows, SAME puts one less before than after the picture, and torch would put kernel // 2 before. Networks that
were trained with one compute wrong outputs with the other.
"""

from __future__ import annotations

from edgenas.blocks.size import ImageSize, axes


def same_differs(kernel: int, stride: int, size: ImageSize) -> bool:
    """Return whether SAME differs from padding kernel // 2 on every side, for an input of ``size``: stride 2 on an even
    height or width, with kernel > 1."""
    return kernel > 1 and stride == 2 and not all(n % 2 for n in axes(size))


def same_sides(pixels: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the pixels that SAME pads before and after a side of ``pixels`` (TensorFlow's ``tf.nn.convolution``,
    padding="SAME")."""
    total = max((-(-pixels // stride) - 1) * stride + kernel - pixels, 0)
    return total // 2, total - total // 2
