"""Training from random weights: of the winner, or beside a winner that was trained from published weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.listener import Listener
from edgenas.runs.run import FromScratch

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.weights import Array
    from edgenas.ship.order import ShipRequest
    from edgenas.training.data import ImageData, TrainRecipe
    from edgenas.training.network import Trained


def from_random(
    architecture: Architecture,
    data: ImageData,
    recipe: TrainRecipe,
    seed: int,
    listener: Listener,
    *,
    device: str,
    folder: Path,
) -> Trained:
    """Train a network from random weights; a training that was interrupted continues from its checkpoint in
    ``folder``."""
    from edgenas.search.accuracy.training import train
    from edgenas.training.network import identity

    which = hashlib.sha256(identity(architecture, data, recipe, seed).encode()).hexdigest()[:8]
    checkpoint = folder / f"winner-{which}.checkpoint.npz"
    return train(architecture, data, recipe, seed, listener, device=device, checkpoint=checkpoint)


def compared(
    order: ShipRequest,
    architecture: Architecture,
    data: ImageData,
    outputs: Array,
    seed: int,
    listener: Listener,
    folder: Path,
) -> FromScratch | None:
    """Train the network that ships from random weights, too, and judge it beside ``outputs``, the scores (n, classes)
    of the one from published weights for the test images; None where the order has no such training."""
    from edgenas.blocks.torch_modules import predict

    recipe = order.scratch
    if recipe is None:
        return None
    device = "cpu" if order.images is None else order.images.device
    listener.message(f"training {architecture.name} from random weights, {recipe.epochs} epochs, to compare")
    trained = from_random(architecture, data, recipe, seed, listener, device=device, folder=folder)
    scores = predict(trained.module, data.normalised(data.test_images))
    accuracy, pretrained = (100.0 * float((each.argmax(1) == data.test_labels).mean()) for each in (scores, outputs))
    found = FromScratch(len(scores), accuracy, pretrained, recipe.epochs, round(trained.seconds, 1))
    listener.message(str(found))
    return found
