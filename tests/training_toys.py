"""Small networks and easy images that the tests of training share; nothing here needs torch."""

from __future__ import annotations

import numpy as np

from blocks.architecture import Architecture
from blocks.spec import BlockSpec
from search.accuracy.training import ImageData, TrainRecipe
from search.problem import Candidate

QUICK = TrainRecipe(epochs=2, batch=16, lr=0.1)


def network(*middle: str, name: str = "tiny", size: int = 8, classes: int = 3) -> Architecture:
    texts = (f"conv-{size}x1-o8-k3-s2-relu", *middle, f"head-{size // 2}x8-o{classes}")
    return Architecture(name, tuple(BlockSpec.parse(text) for text in texts))


TINY = network()
MEMBERS = [
    network("ir-4x8-m16-o8-k3-s1-relu-res", name="a"),
    network("ir-4x8-m8-o8-k5-s1-se4-hswish-res", name="b"),
    network("sep-4x8-o8-k3-s1-relu-res", name="c"),
]
CANDIDATES = [Candidate((i,), architecture) for i, architecture in enumerate(MEMBERS)]


def bars(seed: int = 0, name: str = "bars") -> ImageData:
    """Three easy classes: a bright band at the top, in the middle, at the bottom."""
    rng = np.random.default_rng(seed)
    parts = []
    for n in (96, 48, 48):
        labels = rng.integers(3, size=n)
        images = rng.normal(size=(n, 8, 8, 1)).astype(np.float32)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 2] += 1.5
        parts += [images, labels]
    return ImageData(name, 3, *parts)
