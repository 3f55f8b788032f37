"""Running exported files on pictures where they ship to: on the device, by its own runtime and its own instructions.

int8 is why: sums of 8-bit products saturate on some processors and not on others
(``edgenas.devices.facts.int8_products``), and which kernel rounds how is the runtime's affair. The accuracy of an
int8 file is then that of one kind of processor.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.profiler.target import Target, target_on, this_machine

if TYPE_CHECKING:
    from edgenas.blocks.weights import Array
    from edgenas.devices.base import Device
    from edgenas.devices.inventory import Entry
    from edgenas.training.pictures import Pictures


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a file gave for pictures: ``scores`` (n, classes), where, and by what."""

    scores: Array
    on: Target
    runtime: str


@dataclass(frozen=True, slots=True)
class AccuracyOnDevice:
    """One file on labelled pictures on a device: how many it got ``right``, the 95 % interval of its accuracy in
    percent (Wilson 1927), and, of the same file run ``here``, its accuracy and the share of pictures on which both
    choose the same class."""

    file: str
    runtime: str
    on: Target
    pictures: int
    right: int
    low: float
    high: float
    weight_bits: int | None
    here: Target
    here_accuracy: float
    agreement: float

    @property
    def accuracy(self) -> float:
        """Top-1, in percent."""
        return 100 * self.right / self.pictures

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "file": self.file,
            "runtime": self.runtime,
            "accuracy_on": self.on.as_dict(),
            "pictures": self.pictures,
            "accuracy": self.accuracy,
            "low": self.low,
            "high": self.high,
            "weight_bits": self.weight_bits,
            "here": {**self.here.as_dict(), "accuracy": self.here_accuracy, "agreement": self.agreement},
        }


def check_labels(file: Path, labels: Any, classes: int) -> None:
    """InputError unless ``labels`` are numbers of the classes that ``file`` tells apart."""
    if labels.min() < 0 or labels.max() >= classes:
        raise InputError(
            f"labels reach from {labels.min()} to {labels.max()}, but {file} tells {classes} classes apart, 0 .. "
            f"{classes - 1}"
        )


def outputs_here(model: bytes, images: Array) -> Outputs:
    """What the file gives on this machine."""
    from edgenas.profiler.export.run import model_format, run_model

    return Outputs(run_model(model, images), this_machine(), "LiteRT" if model_format(model) == "tflite" else "ORT")


def outputs_on(entry: Entry, path: Path, images: Array, *, listener: Listener = SILENT) -> Outputs:
    """What the file gives on a device, which is held meanwhile. InputError where the device has no runtime that takes
    pictures; OutcomeError, DeviceError."""
    from edgenas.devices.session.session import Conditions, held
    from edgenas.devices.transports.remote_device import RemoteDevice
    from edgenas.profiler.answers import answers
    from edgenas.profiler.verify import runtime_of
    from edgenas.profiler.workers import open_worker, runtime_named

    if not entry.python:
        raise InputError(
            f"{entry.name} has no Python, and its tools take no pictures: {path} cannot be run on them there; take a "
            "device with Python, or this machine: --device local"
        )
    name = runtime_of(path, entry)
    worker = open_worker(entry, name)
    device: Device = worker.device
    try:
        with held(device, Conditions()):
            on = target_on(device)
            found = answers(
                device, runtime_named(name), path.read_bytes(), images, program=worker.program, listener=listener
            )
    finally:
        if isinstance(device, RemoteDevice):
            device.close()
    return Outputs(found.outputs, on, f"{found.installed.package} {found.installed.version}")


def outputs_of_int8(entry: Entry, path: Path, images: Array, listener: Listener) -> Outputs:
    """What an int8 file gives on the device that it ships to where the device can run it on pictures, else here, with
    the reason as a message to ``listener``."""
    if entry.kind != "local":
        try:
            return outputs_on(entry, path, images, listener=listener)
        except (InputError, OutcomeError) as error:
            listener.message(f"the accuracy of {path.name} is taken on this machine: {error}")
    return outputs_here(path.read_bytes(), images)


def answered(entry: Entry, path: Path, pictures: Pictures, *, listener: Listener = SILENT) -> AccuracyOnDevice:
    """A file on labelled pictures, on a device and here. InputError for pictures without labels, or with labels that
    are no classes of the file; otherwise as ``outputs_on``."""
    from edgenas.profiler.export.integer import weight_bits

    if pictures.labels is None:
        raise InputError("accuracy wants labels: an array labels in the .npz, or a folder of pictures for each class")
    model = path.read_bytes()
    there = outputs_on(entry, path, pictures.images, listener=listener)
    check_labels(path, pictures.labels, there.scores.shape[1])
    chosen = there.scores.argmax(1)
    right = int((chosen == pictures.labels).sum())
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
        float((same == pictures.labels).mean() * 100),
        float((same == chosen).mean()),
    )


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share by its score (E. B. Wilson, JASA 22, 1927): it holds near 0 and 1 as well."""
    from scipy.stats import binomtest

    found = binomtest(right, of).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
