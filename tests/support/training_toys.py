"""Small networks and easy images that the tests of training share; nothing here needs torch."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.search.accuracy.training import ImageData, TrainRecipe
from edgenas.search.problem import Candidate
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro

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


def write_cifar(file: Path) -> None:
    """1,000 random pictures to train on and 1,000 to test on, in the form of ``tools.bench.cifar10``."""
    from PIL import Image

    rng = np.random.default_rng(0)
    mosaics = []
    for _ in range(2):
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 256, (25 * 32, 40 * 32, 3), dtype=np.uint8)).save(out, "PNG")
        mosaics.append(np.frombuffer(out.getvalue(), np.uint8))
    labels = np.arange(1000) % 10
    np.savez(
        file,
        blob=np.concatenate(mosaics),
        offsets=np.cumsum([0, *map(len, mosaics)]),
        n_train_tiles=1,
        y_train=labels,
        y_test=labels,
        classes=np.array([*"abcdefghij"]),
    )


def write_macro(file: Path, networks: Sequence[str]) -> None:
    """NAS-Bench-Macro's file in form: all of its networks, at 90 %, and what counts as published for ``networks``."""
    space = nas_bench_macro()
    rows = {
        "".join(key): {"test_acc": [90.0] * 3, "flops": 0, "params": 0} for key in itertools.product("012", repeat=8)
    }
    for name in networks:
        made = space.architecture(space.parse(".".join(name)))
        rows[name] |= {"flops": made.macs, "params": made.params}
    file.write_text(json.dumps(rows))
