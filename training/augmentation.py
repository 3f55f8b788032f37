"""Random changes of training images: mirroring, shifts, crops and colours. This module imports torch.

Random numbers, a few per image, are drawn on the CPU, so that every device gets the same images; the device moves the
pixels.
"""

from __future__ import annotations

import math

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.training.arithmetic import sent
from edgenas.training.data import TrainRecipe

try:
    import torch
    from torch import Tensor
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

ASPECTS = (3 / 4, 4 / 3)  #: least and largest ratio of width to height of a crop, in parts of the image's own


def varied(images: Tensor, recipe: TrainRecipe, rng: np.random.Generator) -> Tensor:
    """Return normalised ``images`` (n, c, h, w) mirrored, shifted, cropped and recoloured by ``recipe``, each with its
    own random draw; border pixels that a shift adds are 0, the mean."""
    if recipe.flip:
        mirrored = sent(rng.random(len(images)) < 0.5, images.device)
        images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    if recipe.shift:
        images = _shifted(images, recipe.shift, rng)
    if recipe.crop < 1:
        images = cropped(images, recipe.crop, rng)
    return recoloured(images, recipe.colour, rng) if recipe.colour else images


def cropped(images: Tensor, least: float, rng: np.random.Generator) -> Tensor:
    """Return a random part of each image, enlarged to the size of the image (bilinear).

    A part has ``least`` to 1 of the area, and an aspect of ASPECTS (Szegedy et al., arXiv 1409.4842, section 6).
    """
    n = len(images)
    area, aspect = rng.uniform(least, 1, n), np.exp(rng.uniform(math.log(ASPECTS[0]), math.log(ASPECTS[1]), n))
    sides = np.minimum(np.sqrt([area * aspect, area / aspect]), 1)  # (width, height), shares of the image's sides
    centres = rng.uniform(-1, 1, (2, n)) * (1 - sides)  # in -1..1, the coordinates of a grid
    moves = np.zeros((n, 2, 3), np.float32)
    moves[:, 0, 0], moves[:, 1, 1] = sides
    moves[:, :, 2] = centres.T
    grid = F.affine_grid(sent(moves, images.device), list(images.shape), align_corners=False)
    found = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return found.contiguous(memory_format=torch.channels_last)


def recoloured(images: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    """Return images of other saturation, contrast and brightness: the first two change by a factor of 1 ± ``strength``,
    brightness by ± ``strength`` deviations (Krizhevsky et al. 2012 vary colours likewise)."""
    saturation, contrast, brightness = (
        sent(rng.uniform(-strength, strength, (len(images), 1, 1, 1)).astype(np.float32), images.device)
        for _ in range(3)
    )
    grey = images.mean(1, keepdim=True)
    images = grey + (1 + saturation) * (images - grey)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (1 + contrast) * (images - mean) + brightness


def _shifted(images: Tensor, most: int, rng: np.random.Generator) -> Tensor:
    """Return images that are moved by up to ``most`` pixels in each direction."""
    n, _, height, width = images.shape
    down, right = sent(rng.integers(0, 2 * most + 1, (2, n, 1)), images.device)
    rows = down + torch.arange(height, device=images.device)  # (n, h)
    columns = right + torch.arange(width, device=images.device)  # (n, w)
    padded = F.pad(images, (most,) * 4).permute(0, 2, 3, 1)  # (n, h + 2 most, w + 2 most, c)
    each = torch.arange(n, device=images.device)[:, None, None]
    return padded[each, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
