"""ImageData: labelled pictures in three parts, as arrays; TrainRecipe and SupernetRecipe: settings of a training.

This module does not need torch, so an exported file can be tested on ``test_images`` without torch.
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
from edgenas.blocks.size import ImageSize, of_axes

Images = NDArray[np.float32]  #: (n, height, width, channels), normalised: the input of an exported file
Pixels = Images | NDArray[np.uint8]  #: Images, or levels 0..255 that ``ImageData.normalised`` converts to Images
Labels = NDArray[np.int64]  #: (n,)


@dataclass(frozen=True, eq=False)
class ImageData:
    """Labelled pictures in three parts: for training, for judging candidates (validation), for judging the winner
    (test). InputError for arrays of wrong shapes, types or labels.

    The three parts must share no original picture, which the code that builds them ensures. ``mean`` and ``deviation``
    of each channel, in levels 0..255, are given for uint8 images, and only for these.
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
            if images.ndim != 4 or images.shape[1:] != shape or not len(images):
                raise InputError(
                    f"{self.name}, {part}: images are {images.shape}, but all parts are (n, height, width, "
                    f"channels), n ≥ 1, of one size"
                )
            scaled = shape[2] if images.dtype == np.uint8 else 0
            if images.dtype not in (np.uint8, np.float32) or (len(self.mean), len(self.deviation)) != (scaled, scaled):
                raise InputError(
                    f"{self.name}, {part}: images must be float32, or uint8 with one mean and one deviation per "
                    f"channel; they are {images.dtype} with {len(self.mean)} means and {len(self.deviation)} deviations"
                )
            if labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() >= self.classes:
                raise InputError(
                    f"{self.name}, {part}: {len(images)} images need as many labels within 0..{self.classes - 1}"
                )

    def normalised(self, images: Pixels) -> Images:
        """Return some of the images as the input of a network: (levels - mean) / deviation for uint8, else
        unchanged."""
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
    def in_size(self) -> ImageSize:
        """Size of the images in pixels."""
        return of_axes(self.train_images.shape[1:3])

    @property
    def channels(self) -> int:
        return int(self.train_images.shape[3])

    @cached_property
    def digest(self) -> str:
        """Digest of all pixels and labels, eight hexadecimal digits."""
        total = hashlib.sha256(repr((self.mean, self.deviation)).encode() if self.mean else b"")
        for _, images, labels in self._parts():
            for array in (images, labels):
                total.update(f"{array.dtype}{array.shape}".encode())
                total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class _Mapped:
    """Location of an array in a file: path, type, shape, and offset in bytes."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Carried:
    """``ImageData`` in a form for another process of this machine: arrays mapped from files are sent as their location,
    and that process maps the files again."""

    values: dict[str, Any]

    @classmethod
    def of(cls, data: ImageData) -> Carried:
        values = {field.name: getattr(data, field.name) for field in fields(data)}
        return cls({name: _mapped(value) if _is_whole_file(value) else value for name, value in values.items()})

    def data(self) -> ImageData:
        values: dict[str, Any] = {n: _map(v) if isinstance(v, _Mapped) else v for n, v in self.values.items()}
        return ImageData(**values)


def _is_whole_file(value: Any) -> bool:
    """Return whether an array is a whole mapped file; a part of one does not have its offset in the file."""
    return isinstance(value, np.memmap) and isinstance(value.base, mmap.mmap)


def _mapped(array: np.memmap[Any, Any]) -> _Mapped:
    return _Mapped(str(array.filename), array.dtype.str, array.shape, array.offset)


def _map(where: _Mapped) -> np.memmap[Any, Any]:
    return np.memmap(where.path, where.dtype, "r", where.offset, where.shape)


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """Settings of one training: stochastic gradient descent with a linear warm-up of the learning rate, then a cosine
    to zero. InputError for values out of range.

    epochs           number of passes over the training images
    batch            images per step; an incomplete last batch of an epoch is left out
    optimizer        'sgd': Nesterov momentum 0.9; 'adamw': betas (0.9, 0.999)
    lr               peak learning rate
    weight_decay     weight decay of convolutions and linear layers; batch norm and biases have none
    warm_up          length of the warm-up, as a share of all steps
    label_smoothing  share of label smoothing (arXiv 1512.00567, section 7)
    shrink           factor by which images are reduced for training and judging: networks end in a mean over pixels, so
                     their weights do not depend on the size, and a step needs 1/shrink² of the arithmetic
    flip             mirror each training image with probability 0.5, drawn again for each use (not for digits and
                     letters)
    shift            largest shift of each training image in each direction, in pixels of the reduced size
    crop             least share of a training image that a random part of it has, which is enlarged to the whole size;
                     1 for the whole image
    colour           random change of saturation and contrast, as a share, and of brightness, in deviations; 0 for none
    ema              decay of the moving average of weights, over about 1 / (1 - ema) steps, which is judged and
                     returned; 0 for the last weights
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
    crop: float = 1.0
    colour: float = 0.0
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
            ("crop", self.crop, 0 < self.crop <= 1, "above 0, and at most 1"),
            ("colour", self.colour, 0 <= self.colour < 1, "0, or below 1 such as 0.3"),
            ("ema", self.ema, 0 <= self.ema < 1, "0, or below 1 such as 0.999"),
        )
        for name, value, holds, rule in rules:
            if not holds:
                raise InputError(f"training recipe: {name}={value!r} must be {rule}")

    @property
    def digest(self) -> str:
        """Digest of all values, eight hexadecimal digits; recipes without crops and colours keep the one that they had
        before there were any."""
        return hashlib.sha256(json.dumps(_values(self), sort_keys=True).encode()).hexdigest()[:8]

    def __str__(self) -> str:
        """Return the settings in words, for the card of a network that was trained from random weights."""
        how = [
            f"{self.epochs} epoch{'s' * (self.epochs > 1)} of {'AdamW' if self.optimizer == 'adamw' else 'SGD'}",
            f"batch {self.batch}",
            f"learning rate {self.lr:g}, warm-up of {100 * self.warm_up:g} % of the steps, then a cosine to 0",
            f"weight decay {self.weight_decay:g}",
            f"label smoothing {self.label_smoothing:g}",
        ]
        varied = {
            f"images reduced by {self.shrink}": self.shrink > 1,
            "random mirroring": self.flip,
            f"random shifts of up to {self.shift} px": self.shift,
            f"random parts of at least {100 * self.crop:g} % of an image": self.crop < 1,
            f"random colours, {self.colour:g}": self.colour,
            f"moving average of the weights, {self.ema:g}": self.ema,
        }
        return ", ".join([*how, *(text for text, holds in varied.items() if holds)])


@dataclass(frozen=True, slots=True)
class SupernetRecipe:
    """Settings of a supernet, which trains all networks of a space at once; InputError for values out of range.

    training            recipe of the training; each step trains ``drawn`` + 2 members on its batch
    drawn               number of random members of each step, in addition to the largest and the smallest
    calibration_images  number of training images that set the batch norm statistics of a member before it is judged
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
        """Digest of all values, eight hexadecimal digits."""
        values = {**asdict(self), "training": _values(self.training)}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:8]


def _values(recipe: TrainRecipe) -> dict[str, Any]:
    """Return the values of a recipe, without those of crops and colours where it has none."""
    added = {"crop": 1.0, "colour": 0.0}
    return {name: value for name, value in asdict(recipe).items() if name not in added or value != added[name]}
