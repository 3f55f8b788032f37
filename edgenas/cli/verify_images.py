"""``edgenas verify --images``: how many labelled pictures a file gets right on the device that it ships to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.cli.terminal import Cell, print_json, print_summary, print_table, progress, talk

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.ship.device_accuracy import AccuracyOnDevice
    from edgenas.training.pictures import Pictures, Scaling


def answer_files(
    files: Sequence[Path], entry: Entry, images: Path, mean: str | None, deviation: str | None, as_json: bool
) -> None:
    """Each file on every picture of ``images``, there and here."""
    from edgenas.ship.device_accuracy import answered

    found: list[AccuracyOnDevice] = []
    with progress(f"verify on {entry.name}") as update:
        for path in files:
            pictures = _pictures(path, images, mean, deviation)
            note = f"pictures, {path.name}"
            found.append(answered(entry, path, pictures, progress=lambda d, n, note=note: update(d, n, note)))  # type: ignore[misc]
    if as_json:
        print_json([each.as_dict() for each in found])
        return
    columns = ("file", "on", "runtime", "pictures", "accuracy %", "95 % interval", "weights", "here %", "same class %")
    rows: list[Sequence[Cell]] = [
        (
            a.file,
            str(a.on),
            a.runtime,
            a.pictures,
            round(a.accuracy, 2),
            f"{a.low:.2f} .. {a.high:.2f}",
            None if a.weight_bits is None else f"{a.weight_bits} bits",
            round(a.here_accuracy, 2),
            round(100 * a.agreement, 2),
        )
        for a in found
    ]
    print_table(columns, rows, f"Run there on every picture; here is {found[0].here}")
    for a in found:
        _tell_saturating(a)
    print_summary({"files": len(found), "next": f"edgenas verify {' '.join(map(str, files))} --budget-ms MS"})


def _tell_saturating(a: AccuracyOnDevice) -> None:
    """An ONNX file whose weights are too wide for where it ran."""
    from edgenas.devices.facts import int8_products

    if a.file.endswith(".onnx") and a.weight_bits == 8 and int8_products.exact(a.on.int8_isa) is False:
        talk(
            f"{a.file}: sums of 8-bit products saturate on {a.on}; export it again for that device: edgenas export "
            f"... --precision int8 --device {a.on.device}"
        )


def _pictures(path: Path, images: Path, mean: str | None, deviation: str | None) -> Pictures:
    """As the file takes them; the folder of the file says how levels are scaled where the command does not."""
    import numpy as np

    from edgenas.profiler.export.run import ends, run_model
    from edgenas.runs.layout import LABELS
    from edgenas.ship.preprocessing import read_labels
    from edgenas.training.pictures import read_pictures

    try:
        model = path.read_bytes()
        size, width, channels = ends(model).shape
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error
    if size != width:
        raise InputError(f"{path} takes {size} x {width} pixels; pictures are made square")
    labels = path.parent / LABELS
    classes = run_model(model, np.zeros((1, size, size, channels), np.float32)).shape[1]
    names = read_labels(labels) if labels.is_file() else None
    pictures = read_pictures(images, size, channels, _scaling(path, mean, deviation), classes=classes, names=names)
    for note in pictures.notes:
        talk(note)
    if pictures.labels is None:
        raise InputError(f"{images} has no labels; name a folder of pictures for each class, or an .npz with labels")
    return pictures


def _scaling(path: Path, mean: str | None, deviation: str | None) -> Scaling:
    from edgenas.runs.layout import PREPROCESSING
    from edgenas.runs.preprocessing import PREPROCESSING as KIND
    from edgenas.training.pictures import Scaling, numbers

    if mean is not None or deviation is not None:
        return Scaling(tuple(numbers(mean, "--mean")), tuple(numbers(deviation, "--deviation")))
    beside = path.parent / PREPROCESSING
    if not beside.is_file():
        return Scaling()
    saved = KIND.read(beside)
    return Scaling(saved.mean, saved.deviation)
