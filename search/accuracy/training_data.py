"""ImageData: labelled pictures in three parts, as arrays; and TrainRecipe: how long and how hard to train on them.

Neither needs torch, so an exported file can be judged on ``test_images`` where torch is absent.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from blocks.errors import InputError

Images = NDArray[np.float32]  #: (n, size, size, channels), normalised: what an exported file takes
Labels = NDArray[np.int64]  #: (n,)


@dataclass(frozen=True, eq=False)
class ImageData:
    """Pictures to train on, to judge candidates by, and to judge the winner by; InputError where they do not fit.

    The three parts must share no original picture: whoever builds one sees to that.
    """

    name: str
    classes: int
    train_images: Images
    train_labels: Labels
    validation_images: Images
    validation_labels: Labels
    test_images: Images
    test_labels: Labels

    def __post_init__(self) -> None:
        shape = self.train_images.shape[1:]
        for part, images, labels in self._parts():
            if images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[1:] != shape or not len(images):
                raise InputError(
                    f"{self.name}, {part}: images are {images.shape}, but all parts are (n, size, size, channels), "
                    f"n ≥ 1, of one size"
                )
            if labels.shape != images.shape[:1] or labels.min() < 0 or labels.max() >= self.classes:
                raise InputError(
                    f"{self.name}, {part}: {len(images)} images need as many labels within 0..{self.classes - 1}"
                )

    def _parts(self) -> tuple[tuple[str, Images, Labels], ...]:
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
        total = hashlib.sha256()
        for _, images, labels in self._parts():
            for array in (images, labels):
                total.update(f"{array.dtype}{array.shape}".encode())
                total.update(np.ascontiguousarray(array).data)
        return total.hexdigest()[:8]


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
    """

    epochs: int
    batch: int = 64
    optimizer: str = "sgd"
    lr: float = 0.2
    weight_decay: float = 1e-4
    warm_up: float = 0.1
    label_smoothing: float = 0.1
    shrink: int = 1

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
        )
        for name, value, holds, rule in rules:
            if not holds:
                raise InputError(f"training recipe: {name}={value!r} must be {rule}")

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that change when any value does."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]
