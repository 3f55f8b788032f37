"""Accuracy of exported files on the device that they ship to, run by its own runtime and its own instructions.

The reason is int8: sums of 8-bit products saturate on some processors and not on others
(``edgenas.devices.facts.int8_products``), and each runtime's kernels round in their own way. The accuracy of an int8
file is therefore valid for one kind of processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes
from edgenas.profiler.target import Target, target_on, this_machine

if TYPE_CHECKING:
    from edgenas.blocks.weights import Array
    from edgenas.devices.base import Device
    from edgenas.devices.inventory import Entry
    from edgenas.training.pictures import Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """Outputs of a file for n pictures: ``scores`` of shape (n, classes), the processor it ran ``on``, the runtime."""

    scores: Array
    on: Target
    runtime: str


@dataclass(frozen=True, slots=True)
class AccuracyOnDevice:
    """Accuracy of one file on labelled pictures on a device, compared with the same file on this machine.

    on              the device's processor
    correct         number of ``pictures`` that the file classifies correctly
    low, high       95 % interval of the accuracy, in percent (Wilson 1927)
    weight_bits     bits of int8 weights; None where weights are not int8
    this_machine    the processor of the machine that runs ``verify``
    this_machine_accuracy   top-1 accuracy of the same file on that machine, in percent
    agreement       share of images on which the device and that machine choose the same class
    """

    file: str
    runtime: str
    on: Target
    pictures: int
    correct: int
    low: float
    high: float
    weight_bits: int | None
    this_machine: Target
    this_machine_accuracy: float
    agreement: float

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy on the device, in percent."""
        return 100 * self.correct / self.pictures

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as ``edgenas verify --images --json`` prints them."""
        return {
            "file": self.file,
            "runtime": self.runtime,
            "accuracy_on": self.on.as_dict(),
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "low": self.low,
            "high": self.high,
            "weight_bits": self.weight_bits,
            "this_machine": {
                **self.this_machine.as_dict(),
                "accuracy": self.this_machine_accuracy,
                "agreement": self.agreement,
            },
        }


def labels_of(pictures: Pictures) -> Any:
    """Return the labels of the pictures; InputError where they have none."""
    if pictures.labels is None:
        raise InputError("accuracy needs labels: an array labels in the .npz, or a folder of images for each class")
    return pictures.labels


def check_labels(file: Path, labels: Any, classes: int) -> None:
    """Raise InputError unless all ``labels`` are class numbers of ``file``: 0 .. ``classes`` - 1."""
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"labels reach from {labels.min()} to {labels.max()}, but {file} has {classes} classes, 0 .. {classes - 1}"
        )


def outputs_here(model: bytes, images: Array) -> Outputs:
    """Return the outputs of a file on this machine."""
    from edgenas.profiler.export.run import model_format, run_model

    return Outputs(run_model(model, images), this_machine(), "LiteRT" if model_format(model) == "tflite" else "ORT")


def outputs_on(entry: Entry, path: Path, images: Array, *, listener: Listener = SILENT) -> Outputs:
    """Return the outputs of a file on a device, which is locked meanwhile.

    InputError where the device has no runtime that accepts pictures; OutcomeError or DeviceError where the run fails.
    """
    from edgenas.devices.session.session import Conditions, held
    from edgenas.devices.transports.remote_device import RemoteDevice
    from edgenas.profiler.answers import answers
    from edgenas.profiler.verify import runtime_of
    from edgenas.profiler.workers import open_worker, runtime_named

    if not entry.python:
        raise InputError(
            f"{entry.name} has no Python, and its tools take no images, so {path} cannot be run on images there; "
            "choose a device with Python, or this machine: --device local"
        )
    name = runtime_of(path, entry)
    worker = open_worker(entry, name)
    device: Device = worker.device
    try:
        with held(device, Conditions()):
            on = target_on(device)
            found = answers(
                device, runtime_named(name), read_bytes(path), images, program=worker.program, listener=listener
            )
    finally:
        if isinstance(device, RemoteDevice):
            device.close()
    return Outputs(found.outputs, on, f"{found.installed.package} {found.installed.version}")


def outputs_of_int8(entry: Entry, path: Path, images: Array, listener: Listener) -> Outputs:
    """Return the outputs of an int8 file on the device that it ships to.

    Where the device cannot run it on pictures, it runs on this machine, and ``listener`` gets the reason as a message.
    """
    if entry.kind != "local":
        try:
            return outputs_on(entry, path, images, listener=listener)
        except (InputError, OutcomeError) as error:
            listener.message(f"the accuracy of {path.name} is measured on this machine: {error}")
    return outputs_here(read_bytes(path), images)


def answered(entry: Entry, path: Path, pictures: Pictures, *, listener: Listener = SILENT) -> AccuracyOnDevice:
    """Return the accuracy of a file on labelled pictures on a device, and on this machine.

    InputError for pictures without labels, or with labels that are no classes of the file; other errors as
    ``outputs_on``.
    """
    from edgenas.profiler.export.integer import weight_bits

    labels = labels_of(pictures)
    model = read_bytes(path)
    there = outputs_on(entry, path, pictures.images, listener=listener)
    check_labels(path, labels, there.scores.shape[1])
    chosen = there.scores.argmax(1)
    right = int((chosen == labels).sum())
    low, high = wilson(right, len(chosen))
    same = outputs_here(model, pictures.images).scores.argmax(1)
    return AccuracyOnDevice(
        str(path),
        there.runtime,
        there.on,
        len(chosen),
        right,
        100 * low,
        100 * high,
        weight_bits(model),
        this_machine(),
        float((same == labels).mean() * 100),
        float((same == chosen).mean()),
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """Return the 95 % score interval of the share ``right`` / ``of`` (E. B. Wilson, JASA 22, 1927).

    Its coverage is good also for shares near 0 and 1.
    """
    from scipy.stats import binomtest

    found = binomtest(right, of).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
