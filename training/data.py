"""ImageData: labelled pictures in three parts, as arrays; and TrainRecipe: how long and how hard to train on them.

Neither needs torch, so an exported file can be judged on ``test_images`` where torch is absent.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError

Images = NDArray[np.float32]  #: (n, size, size, channels), normalised: what an exported file takes
Pixels = Images | NDArray[np.uint8]  #: likewise, or 0..255 as stored, which ``ImageData.normalised`` makes Images of
Labels = NDArray[np.int64]  #: (n,)


@dataclass(frozen=True, eq=False)
class ImageData:
    """Pictures to train on, to judge candidates by, and to judge the winner by; InputError where they do not fit.

    The three parts must share no original picture: whoever builds one sees to that. ``mean`` and ``deviation`` of each
    channel, over 0..255, go with images that are stored as uint8, and with none else.
    """

    name: str
    classes: int
    train_images: Pixels
    train_labels: Labels
    validation_images: Pixels
    validation_labels: Labels
    test_images: Pixels
    test_labels: Labels
    mean: tuple[float, ...] = ()
    deviation: tuple[float, ...] = ()
    class_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = self.train_images.shape[1:]
        for part, images, labels in self._parts():
            if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[1:] != shape or not len(images):
                raise InputError(
                    f"{self.name}, {part}: images are {images.shape}, but all parts are (n, size, size, channels), "
                    f"n ≥ 1, of one size"
                )
            scaled = shape[2] if images.dtype == np.uint8 else 0
            if images.dtype not in (np.uint8, np.float32) or (len(self.mean), len(self.deviation)) != (scaled, scaled):
                raise InputError(
                    f"{self.name}, {part}: images are float32, or uint8 with a mean and a deviation a channel; these "
                    f"are {images.dtype} with {len(self.mean)} means and {len(self.deviation)} deviations"
                )
            if labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() >= self.classes:
                raise InputError(
                    f"{self.name}, {part}: {len(images)} images need as many labels within 0..{self.classes - 1}"
                )

    def normalised(self, images: Pixels) -> Images:
        """Some of the images as a network takes them."""
        if not self.mean:
            return np.asarray(images, np.float32)
        mean, deviation = np.array(self.mean, np.float32), np.array(self.deviation, np.float32)
        return (images.astype(np.float32) - mean) / deviation

    def _parts(self) -> tuple[tuple[str, Pixels, Labels], ...]:
        return (
            ("train", self.train_images, self.train_labels),
            ("validation", self.validation_images, self.validation_labels),
            ("test", self.test_images, self.test_labels),
        )

    @property
    def in_size(self) -> int:
        """Height and width in pixels."""
        return int(self.train_images.shape[1])

    @property
    def channels(self) -> int:
        return int(self.train_images.shape[3])

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that change when any pixel or label does."""
        total = hashlib.sha256(repr((self.mean, self.deviation)).encode() if self.mean else b"")
        for _, images, labels in self._parts():
            for array in (images, labels):
                total.update(f"{array.dtype}{array.shape}".encode())
                total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Mapped:
    """An array that lies in a file, as where it lies."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Carried:
    """``ImageData`` on its way to another process of this machine, which maps the files that this one has mapped."""

    values: dict[str, Any]

    @classmethod
    def of(cls, data: ImageData) -> Carried:
        values = {field.name: getattr(data, field.name) for field in fields(data)}
        return cls({name: _mapped(value) if _is_whole_file(value) else value for name, value in values.items()})

    def data(self) -> ImageData:
        values: dict[str, Any] = {n: _map(v) if isinstance(v, _Mapped) else v for n, v in self.values.items()}
        return ImageData(**values)


def _is_whole_file(value: Any) -> bool:
    """Mapped, and no part of a mapped array: a part does not know where it begins."""
    return isinstance(value, np.memmap) and isinstance(value.base, mmap.mmap)


def _mapped(array: np.memmap[Any, Any]) -> _Mapped:
    return _Mapped(str(array.filename), array.dtype.str, array.shape, array.offset)


def _map(where: _Mapped) -> np.memmap[Any, Any]:
    return np.memmap(where.path, where.dtype, "r", where.offset, where.shape)


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """Stochastic gradient descent with a linear warm-up, then a cosine to zero; InputError on values out of range.

    epochs           passes over the training images
    batch            images a step; a last incomplete batch of an epoch is left out
    optimizer        'sgd': Nesterov momentum .9; 'adamw': betas (.9, .999)
    lr               peak learning rate
    weight_decay     on weights of convolutions and linear layers only, never on batch norm and biases
    warm_up          share of all steps
    label_smoothing  arXiv 1512.00567, section 7
    shrink           images are trained and judged at 1/shrink of their size: networks end in a mean over pixels, so
                     their weights do not depend on it, and a step costs 1/shrink² of the arithmetic
    flip             mirror every other training image, drawn anew each time (not for digits and letters)
    shift            move each training image by up to so many pixels, of the shrunk size, to either side
    ema              what is judged is the mean of the weights over about 1 / (1 - ema) steps; 0 for the last weights
    """

    epochs: int
    batch: int = 64
    optimizer: str = "sgd"
    lr: float = 0.2
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    label_smoothing: float = 0.1
    shrink: int = 1
    flip: bool = False
    shift: int = 0
    ema: float = 0.0

    def __post_init__(self) -> None:
        rules = (
            ("epochs", self.epochs, self.epochs >= 1, "1 or more"),
            ("batch", self.batch, self.batch >= 2, "2 or more, which batch norm needs"),
            ("optimizer", self.optimizer, self.optimizer in ("sgd", "adamw"), "'sgd' or 'adamw'"),
            ("lr", self.lr, self.lr > 0, "above 0"),
            ("weight_decay", self.weight_decay, self.weight_decay >= 0, "0 or more"),
            ("warm_up", self.warm_up, 0 <= self.warm_up < 1, "within 0..1"),
            ("label_smoothing", self.label_smoothing, 0 <= self.label_smoothing < 1, "within 0..1"),
            ("shrink", self.shrink, self.shrink >= 1, "1 or more"),
            ("shift", self.shift, self.shift >= 0, "0 or more"),
            ("ema", self.ema, 0 <= self.ema < 1, "0, or below 1 such as .999"),
        )
        for name, value, holds, rule in rules:
            if not holds:
                raise InputError(f"training recipe: {name}={value!r} must be {rule}")

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that change when any value does."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class SupernetRecipe:
    """How all networks of a space are trained at once and judged; InputError on values out of range.

    training            ``epochs`` count passes over the images, each of which ``drawn`` + 2 members see
    drawn               members of each step beside the largest and the smallest
    calibration_images  training images that give a member's batch norms their statistics before it is judged
    """

    training: TrainRecipe
    drawn: int = 2
    calibration_images: int = 1024

    def __post_init__(self) -> None:
        for name, value in (("drawn", self.drawn), ("calibration_images", self.calibration_images)):
            if value < 1:
                raise InputError(f"supernet recipe: {name}={value!r} must be 1 or more")

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that change when any value does."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]
