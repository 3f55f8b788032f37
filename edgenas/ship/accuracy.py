"""Accuracy of an exported file, measured by running that file on labelled pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.blocks.weights import Array, Weights
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.target import Target
    from edgenas.training.pictures import Pictures

LEAST_AGREEMENT = 0.999  #: least share of pictures on which a float32 file must choose the class that torch chooses


@dataclass(frozen=True, slots=True)
class FileAccuracy:
    """Accuracy of one file on labelled pictures.

    pictures    number of pictures
    accuracy    top-1, in percent
    agreement   share of pictures on which the file and the torch model choose the same class; None where torch is not
                installed
    on          the processor on which the file ran
    """

    file: Path
    pictures: int
    accuracy: float
    agreement: float | None
    on: Target | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as ``run.json`` names them."""
        on = None if self.on is None else self.on.as_dict()
        return {
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "agreement": self.agreement,
            "accuracy_on": on,
        }


def torch_classes(architecture: Architecture, weights: Sequence[Weights], images: Array) -> Any:
    """Return the class that the torch model with these weights chooses for each picture; None without torch."""
    from edgenas.base.errors import MissingExtraError

    try:
        from edgenas.blocks.torch_folded import network_of_weights
        from edgenas.blocks.torch_modules import predict
    except MissingExtraError:
        return None
    return predict(network_of_weights(architecture, weights), images).argmax(1)


def float32_rounding(module: NetworkModule, images: Array, outputs: Array) -> float:
    """Return by how much rounding to float32 moves the outputs (n, classes) of a network for ``images``: the largest
    difference from float64, relative to the largest magnitude."""
    import copy

    import numpy as np

    from edgenas.blocks.torch_modules import predict

    exact = predict(copy.deepcopy(module).double(), images.astype(np.float64))
    return float(np.abs(exact - outputs).max() / np.abs(exact).max())


def prove(
    file: Path,
    precision: str,
    pictures: Pictures,
    expected: Any,
    entry: Entry | None = None,
    *,
    listener: Listener = SILENT,
) -> FileAccuracy:
    """Run ``file`` on every picture and return its accuracy.

    An int8 file runs on the device ``entry`` where that device can run files on pictures; every other file runs on
    this machine. ``expected`` are the classes that the torch model chooses, or None.

    InputError without labels; OutcomeError where a float32 file chooses other classes than torch on more than
    1 - LEAST_AGREEMENT of the pictures.
    """
    from edgenas.ship.device_accuracy import check_labels, labels_of, outputs_here, outputs_of_int8

    true = labels_of(pictures)
    if precision == "int8" and entry is not None:
        outputs = outputs_of_int8(entry, file, pictures.images, listener)
    else:
        outputs = outputs_here(read_bytes(file), pictures.images)
    check_labels(file, true, outputs.scores.shape[1])
    chosen = outputs.scores.argmax(1)
    agreement = None if expected is None else float((chosen == expected).mean())
    if precision == "fp32" and agreement is not None and agreement < LEAST_AGREEMENT:
        raise OutcomeError(
            f"{file} chooses another class than the torch model on {1 - agreement:.2%} of {len(chosen)} images, more "
            f"than {1 - LEAST_AGREEMENT:.1%}; export it again"
        )
    return FileAccuracy(file, len(chosen), float((chosen == true).mean() * 100), agreement, outputs.on)
