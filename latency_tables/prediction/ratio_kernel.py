"""Covariance of the log ratios of two tables: how much a block's ratio says about the ratio of another block.

The ratio of a block is log(its time here / its time in another table, the prior). Ratios of two blocks are alike where
the blocks are of one kind and have similar times, work and shapes. The covariance is a sum (Rasmussen and Williams,
Gaussian Processes for Machine Learning, 2006, section 4.2.4) of a constant, a constant for each kind, a linear term and
a Matérn 5/2 term (equation 4.17) in standardised features, and a variance of each block's own.

The variances below were chosen with published tables of the Pixel 3, the Raspberry Pi 4 and accelerators
(HW-NAS-Bench), of the Pixel 1, and measured ones (``tools/bench/transfer.py`` names the pairs), and never with the pair
Raspberry Pi 4 -> Pixel 3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.size import pixels
from edgenas.blocks.spec import BlockSpec

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CONSTANT = 1.0  #: standard deviation of the ratio that all blocks share: a factor of e
KIND = 1.0  #: of the ratio that the blocks of one kind share
LINEAR = 0.3  #: of the linear term and of the Matérn term, times ``Setting.scale``
SMOOTH = 0.3


@dataclass(frozen=True, slots=True)
class KernelSetting:
    """Parameters that are averaged over: ``scale`` of the terms in features, ``own`` standard deviation of a block's
    own ratio, ``length`` of the Matérn term in standard deviations of the features."""

    scale: float
    own: float
    length: float

    @property
    def log_prior(self) -> float:
        """Logarithm of the prior density, up to a constant: lognormal around the setting START."""
        return -0.5 * (math.log(self.scale / START.scale) ** 2 + math.log(self.own / START.own) ** 2) / _PRIOR_SD**2


_PRIOR_SD = 0.7
START = KernelSetting(1.0, 0.15, 2.0)  #: for choices that are made before anything is measured
SETTINGS = tuple(
    KernelSetting(scale, own, length)
    for scale, own, length in product((0.35, 0.7, 1.0, 1.4, 2.8), (0.05, 0.1, 0.2, 0.4), (1.0, 2.0, 4.0))
)


@dataclass(frozen=True, eq=False)
class Features:
    """Blocks as rows: standardised features (blocks, columns), and the number of each block's kind (blocks,)."""

    rows: Floats
    kinds: Ints

    @classmethod
    def of(cls, blocks: Sequence[BlockSpec], prior_ms: Floats) -> Features:
        """Return the features of blocks with their times in the prior table, ms."""
        columns = np.array([shape_columns(block) for block in blocks]).reshape(len(blocks), -1)
        kinds = {kind: number for number, kind in enumerate(dict.fromkeys(block.kind for block in blocks))}
        return cls.standardised(columns, prior_ms, np.array([kinds[block.kind] for block in blocks], dtype=np.int64))

    @classmethod
    def standardised(cls, columns: Floats, prior_ms: Floats, kinds: Ints) -> Features:
        """Return features with mean 0 and deviation 1; the first is the logarithm of the prior time."""
        rows = np.column_stack([np.log(prior_ms), columns])
        spread = rows.std(axis=0)
        used = spread > 1e-9
        return cls((rows[:, used] - rows[:, used].mean(axis=0)) / spread[used], kinds)

    def covariance(self, left: Ints, right: Ints, setting: KernelSetting) -> Floats:
        """Return the covariance of the ratios of the blocks number ``left`` with those of ``right``."""
        a, b = self.rows[left], self.rows[right]
        width = max(1, self.rows.shape[1])
        inner = a @ b.T / width
        squares = (np.square(a).sum(axis=1)[:, None] + np.square(b).sum(axis=1)[None]) / width - 2 * inner
        root = np.sqrt(5 * np.maximum(squares, 0.0)) / setting.length
        matern = (1 + root + root**2 / 3) * np.exp(-root)
        same = self.kinds[left][:, None] == self.kinds[right][None]
        shared = KIND**2 + setting.scale**2 * (LINEAR**2 * inner + SMOOTH**2 * matern)
        return np.asarray(
            CONSTANT**2 + same * shared + setting.own**2 * (left[:, None] == right[None]), dtype=np.float64
        )

    def variances(self, setting: KernelSetting) -> Floats:
        """Return the variance of each block's ratio: the diagonal of ``covariance``."""
        inner = np.square(self.rows).sum(axis=1) / max(1, self.rows.shape[1])
        found = CONSTANT**2 + KIND**2 + setting.scale**2 * (LINEAR**2 * inner + SMOOTH**2) + setting.own**2
        return np.asarray(found, dtype=np.float64)


def shape_columns(block: BlockSpec) -> list[float]:
    """Return logarithms of MACs, size, widths and kernel, and 0 or 1 for stride 2, squeeze-and-excitation, h-swish and
    residual."""
    sizes = (block.macs, pixels(block.in_size) ** 0.5, block.c_in, block.c_mid or block.c_in, block.c_out, block.kernel)
    flags = (block.stride == 2, block.c_se > 0, block.act == "hswish", block.residual)
    return [*(float(np.log(max(size, 1))) for size in sizes), *map(float, flags)]
