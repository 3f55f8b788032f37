"""``edgenas.verify_images``: accuracy of files on labelled images, on the device that they ship to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import check_exists
from edgenas.blocks.size import of_axes

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.ship.device_accuracy import AccuracyOnDevice
    from edgenas.training.pictures import Pictures, Scaling

_SHOWN = ("file", "runtime", "pictures", "accuracy", "low", "high", "weight_bits")  #: in a notebook


@dataclass(frozen=True, repr=False)
class VerifiedImages:
    """Top-1 accuracy of each file on the device in percent, with its 95 % interval, and of the file on this machine."""

    device: str
    files: tuple[AccuracyOnDevice, ...]

    def __iter__(self) -> Iterator[AccuracyOnDevice]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas verify --images --json`` prints."""
        return [each.as_dict() for each in self.files]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each file."""
        return frame(self.to_json())

    def __repr__(self) -> str:
        parts = [f"{a.file} {number(a.accuracy)} % ({number(a.low)} .. {number(a.high)})" for a in self.files]
        return f"<Accuracy on {self.device}: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        return html_table(f"Accuracy of {counted(len(self.files), 'file')} on {self.device}", self.to_json(), _SHOWN)


def verify_images(
    *files: FilePath,
    images: FilePath,
    device: str = "local",
    inventory: FilePath | None = None,
    mean: str | Sequence[float] | None = None,
    deviation: str | Sequence[float] | None = None,
    listener: Listener = SILENT,
) -> VerifiedImages:
    """Run .tflite and .onnx files on labelled images on a device, as ``edgenas verify --images`` does.

    images            a folder of images for each class, or an .npz with labels
    mean, deviation   scaling of levels 0..255 in the training: (level - mean) / deviation (default: those of
                      preprocessing.json beside the file, else 0..1)

    InputError for images without labels, and for a device whose tools take no images; OutcomeError or DeviceError
    where a file cannot be run.

        edgenas.verify_images("model/model-int8.tflite", images="photos/val", device="pi4").to_frame()
    """
    from edgenas.ship.device_accuracy import answered

    paths = [Path(file) for file in files]
    if not paths:
        raise InputError("name at least one .tflite or .onnx file to run on images")
    folder = next((path for path in paths if path.is_dir()), None)
    if folder is not None:
        raise InputError(f"{folder} is a folder; name the files in it to run on images: {folder}/model-int8.onnx")
    check_exists(images, "pictures")
    entry = load_entry(inventory, device)
    found: list[AccuracyOnDevice] = []
    with listener.task(f"verify on {entry.name}") as task:
        for path in paths:
            pictures = _pictures(path, Path(images), _scaling(path, mean, deviation), listener)
            found.append(answered(entry, path, pictures, listener=task.named(f"images, {path.name}")))
    return VerifiedImages(entry.name, tuple(found))


def _pictures(path: Path, images: Path, scaling: Scaling, listener: Listener) -> Pictures:
    """Read labelled images at the input size of a file, by the class names in labels.txt beside it, if any."""
    import numpy as np

    from edgenas.profiler.export.opening import read_models
    from edgenas.profiler.export.run import ends, run_model
    from edgenas.runs.layout import LABELS
    from edgenas.ship.preprocessing import read_labels
    from edgenas.training.pictures import read_pictures

    (model,) = read_models([path], "pictures")
    shape = ends(model).shape
    labels = path.parent / LABELS
    answer = run_model(model, np.zeros((1, *shape), np.float32))
    if answer.ndim != 2:
        raise InputError(f"{path} outputs feature maps and no classes, so it has no accuracy; leave out --images")
    classes = answer.shape[1]
    names = read_labels(labels) if labels.is_file() else None
    pictures = read_pictures(images, of_axes(shape), shape[2], scaling, classes=classes, names=names)
    for note in pictures.notes:
        listener.message(note)
    if pictures.labels is None:
        raise InputError(f"{images} has no labels; name a folder of images for each class, or an .npz with labels")
    return pictures


def _scaling(path: Path, mean: str | Sequence[float] | None, deviation: str | Sequence[float] | None) -> Scaling:
    """Return the given scaling, else that of preprocessing.json beside the file, else levels to 0..1."""
    from edgenas.api.export import scaling_of
    from edgenas.runs.layout import PREPROCESSING
    from edgenas.runs.preprocessing import PREPROCESSING as KIND
    from edgenas.training.pictures import Scaling

    beside = path.parent / PREPROCESSING
    if mean is not None or deviation is not None or not beside.is_file():
        return scaling_of(mean, deviation)
    saved = KIND.read(beside)
    return Scaling(saved.mean, saved.deviation)
