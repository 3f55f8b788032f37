"""Preprocessing of pictures and names of classes, which every file that ships is used with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes
from edgenas.blocks.labels import labels_text, parse_labels, without_numbers
from edgenas.blocks.size import ImageSize, height, image_size, width
from edgenas.runs.layout import LABELS, PREDICT, PREPROCESSING
from edgenas.runs.preprocessing import PLANES, SavedPreprocessing
from edgenas.runs.preprocessing import PREPROCESSING as KIND

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.profiler.export.tflite_metadata import About
    from edgenas.training.data import ImageData
    from edgenas.training.pictures import Scaling


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Conversion of an image to the input of a network, and of a score to a class name.

    size              size of the input, pixels
    labels            names of the classes, in order
    mean, deviation   one number for each channel: levels 0..255 become (level - mean) / deviation
    """

    size: ImageSize
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, data: ImageData) -> Preprocessing:
        """Return the preprocessing of training ``data``: images stored as levels, or scikit-learn's digits."""
        from edgenas.training.digits import LEVEL_DEVIATION, LEVEL_MEAN

        labels = data.class_names or tuple(str(number) for number in range(data.classes))
        if data.mean:
            return cls(data.in_size, labels, data.mean, data.deviation)
        return cls(data.in_size, labels, (LEVEL_MEAN,), (LEVEL_DEVIATION,))

    def saved(self, files: Mapping[str, Path]) -> SavedPreprocessing:
        """Return the content of ``preprocessing.json``.

        For those ``files`` whose input and output have 8 bits, it holds how these store real numbers.
        """
        return SavedPreprocessing(
            picture="turned as its EXIF says, transparency on white, scaled (bicubic) until it covers width x "
            "height, cut at the centre",
            mode={1: "L", 3: "RGB"}.get(len(self.mean), PLANES),
            width=width(self.size),
            height=height(self.size),
            scale="(level - mean) / deviation, levels 0..255",
            mean=self.mean,
            deviation=self.deviation,
            stored={path.name: found for path in files.values() if (found := _stored(path))},
        )

    def write(self, folder: Path, files: Mapping[str, Path]) -> None:
        """Write ``labels.txt``, ``preprocessing.json`` and ``predict.py``.

        ``predict.py`` prints the classes of pictures, by the files beside it.
        """
        from importlib.resources import files as resources

        write_whole(folder / LABELS, labels_text(self.labels))
        KIND.write(folder / PREPROCESSING, self.saved(files))
        write_whole(folder / PREDICT, (resources("edgenas.report") / "static" / PREDICT).read_text(encoding="utf-8"))

    def about(self, name: str, description: str) -> About:
        """Return the preprocessing as TFLite metadata."""
        from edgenas.profiler.export.tflite_metadata import About

        return About(name, description, self.labels, self.mean, self.deviation)


def read_labels(labels: Path, *, numbered: bool = False, listener: Listener = SILENT) -> tuple[str, ...]:
    """Return the class names in a file, one for each line.

    If ``numbered``, lines may begin with their own index ('0 apple', as Teachable Machine writes them): the index is
    removed, with a message. Otherwise names are as a training wrote them. InputError for a file that cannot be read, or
    a name that cannot be a class.
    """
    names = parse_labels(read_bytes(labels, "labels"), labels)
    plain = without_numbers(names) if numbered else None
    if plain is not None:
        listener.message(
            f"{labels} numbers its lines; the classes are called {plain[0]!r}, not {names[0]!r}, and so on"
        )
        return plain
    return names


def preprocessing_of(
    architecture: Architecture,
    labels: Path,
    scaling: Scaling,
    *,
    numbered: bool = False,
    listener: Listener = SILENT,
) -> Preprocessing:
    """Return the preprocessing of a network: the class names in the file ``labels``, and the scaling of its training.

    ``numbered`` is as in ``read_labels``. InputError where names or scaling do not fit the network.
    """
    names = read_labels(labels, numbered=numbered, listener=listener)
    if len(names) != architecture.c_out or not all(name.strip() for name in names):
        raise InputError(
            f"{labels} has {len(names)} lines, for {architecture.c_out} classes; write one for each class, none empty"
        )
    channels = architecture.c_in
    if len(scaling.mean) not in (1, channels):
        raise InputError(
            f"--labels also needs the scaling of levels 0..255, one number or {channels}, such as: --mean 127.5 "
            f"--deviation 127.5"
        )
    mean, deviation = (values * (channels if len(values) == 1 else 1) for values in (scaling.mean, scaling.deviation))
    return Preprocessing(architecture.in_size, names, mean, deviation)


def read_preprocessing(folder: Path, architecture: Architecture) -> Preprocessing:
    """Read what ``Preprocessing.write`` wrote for a network; InputError where it is damaged or of another network."""
    from edgenas.training.pictures import Scaling

    path = folder / PREPROCESSING
    saved = KIND.read(path)
    try:
        scaling = Scaling(saved.mean, saved.deviation)
    except InputError as error:
        raise InputError(f"{path}: {error}; export it again") from error
    size = image_size(saved.width, saved.height)
    if size != architecture.in_size:
        raise InputError(
            f"{path} is for {size} pixels, {architecture.name} takes {architecture.in_size}; export it again"
        )
    return preprocessing_of(architecture, folder / LABELS, scaling)


def _stored(path: Path) -> dict[str, Any]:
    """Return scale and zero of the input and output of an 8-bit file: real = scale * (stored - zero)."""
    from edgenas.profiler.export.run import ends

    found = ends(read_bytes(path))
    both = {"input": found.source, "output": found.target}
    return {end: scale._asdict() for end, scale in both.items() if scale is not None}
