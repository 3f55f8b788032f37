"""Pictures on disk that tests write: of plain colours, so that what becomes of them is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

COLOURS = {"blue": (20, 40, 200), "green": (30, 180, 60), "red": (210, 30, 30)}


def write_class(folder: Path, colour: str, count: int, size: tuple[int, int] = (24, 16), seed: int = 0) -> None:
    """``count`` PNG files of one colour with a little noise, all different."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *colour.encode()])
    for i in range(count):
        pixels = np.clip(rng.normal(COLOURS[colour], 12, (size[1], size[0], 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:03}.png")


def write_classes(folder: Path, count: int, seed: int = 0) -> Path:
    for colour in COLOURS:
        write_class(folder / colour, colour, count, seed=seed)
    return folder
