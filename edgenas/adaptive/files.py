"""The files of a menu's networks: export, accuracy, answer to the probe."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenas.adaptive.device.model import probe_input
from edgenas.adaptive.members import Member
from edgenas.base.errors import OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import axes
from edgenas.profiler.export.network import export_network
from edgenas.profiler.export.run import ends, run_model
from edgenas.runs.menu import MenuFile
from edgenas.ship.accuracy import prove
from edgenas.training.pictures import Pictures, evenly

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.weights import Array
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.export.quantize import Precision
    from edgenas.ship.preprocessing import Preprocessing
    from edgenas.training.data import ImageData

CALIBRATED_ON = 256  #: most training images, evenly spaced, that int8 is calibrated on
RELATIVE = 1e-3  #: tolerance of a probe's outputs, as a share of the largest; runtimes round in their own ways
APART = 0.25  #: largest tolerance, as a share of the distance to the next network's outputs


@dataclass(frozen=True, eq=False)
class ExportedMember:
    """A network with its files ('tflite', 'onnx' -> content), their outputs for the probe, and their accuracies.

    expected   outputs of torch for the validation images
    """

    member: Member
    architecture: Architecture
    contents: Mapping[str, bytes]
    probes: Mapping[str, Array]
    facts: Mapping[str, Any]
    test_accuracy: float


def export_member(
    member: Member,
    architecture: Architecture,
    data: ImageData,
    folder: Path,
    formats: Sequence[str],
    precision: Precision,
    preprocessing: Preprocessing,
    entry: Entry,
    reduce_range: bool = False,
    listener: Listener = SILENT,
) -> ExportedMember:
    """Export a network, and run each of its files on the validation images; OutcomeError where a float32 file chooses
    other classes than torch."""
    from edgenas.blocks.torch_modules import network_folded_weights, predict

    calibration = data.normalised(data.train_images[evenly(len(data.train_images), CALIBRATED_ON)])
    paths = export_network(
        architecture,
        network_folded_weights(member.module),
        folder,
        formats,
        (precision,),
        calibration if precision == "int8" else None,
        preprocessing.about(architecture.name, f"Classifies images as those of {data.name}."),
        reduce_range,
    )
    validation = Pictures(data.normalised(data.validation_images), data.validation_labels)
    expected = predict(member.module, validation.images).argmax(1)
    facts = {}
    for path in paths.values():
        facts[path.suffix[1:]] = prove(path, precision, validation, expected, entry, listener=listener)
    contents = {path.suffix[1:]: path.read_bytes() for path in paths.values()}
    test = Pictures(data.normalised(data.test_images), data.test_labels)
    first = next(iter(paths.values()))
    tested = prove(first, precision, test, None, entry, listener=listener).accuracy
    shape = (1, *axes(architecture.in_size), architecture.c_in)
    probes = {format: run_model(content, probe_input(shape)).ravel() for format, content in contents.items()}
    return ExportedMember(member, architecture, contents, probes, facts, tested)


def with_content(one: ExportedMember, content: bytes, data: ImageData) -> ExportedMember:
    """Return a network with another content of its TFLite file, which is run on the probe and on the validation
    images."""
    from edgenas.ship.device_accuracy import outputs_here

    shape = (1, *axes(one.architecture.in_size), one.architecture.c_in)
    outputs = outputs_here(content, data.normalised(data.validation_images))
    right = float((outputs.scores.argmax(1) == data.validation_labels).mean() * 100)
    return replace(
        one,
        contents={"tflite": content},
        probes={"tflite": run_model(content, probe_input(shape)).ravel()},
        facts={"tflite": replace(one.facts["tflite"], accuracy=right)},
    )


def menu_files(members: Sequence[ExportedMember], names: Sequence[str], precision: str) -> list[dict[str, MenuFile]]:
    """Return the files of each network, by format; ``names`` are the names of the networks.

    OutcomeError where two networks answer the probe alike: a cache of the one would be believed for the other.
    """
    made = []
    for i, (one, name) in enumerate(zip(members, names, strict=True)):
        files = {}
        for format, content in one.contents.items():
            probe = one.probes[format]
            apart = min(float(np.abs(probe - other.probes[format]).max()) for other in _others(members, i))
            size = float(np.abs(probe).max())
            tolerance = APART * apart if precision == "int8" else min(RELATIVE * size, APART * apart)
            if not tolerance > 0:
                raise OutcomeError(
                    f"{one.architecture.name} answers as another network of the menu; choose fewer: --nets"
                )
            found = one.facts[format]
            files[format] = MenuFile(
                name=f"{name}.{format}",
                sha256=hashlib.sha256(content).hexdigest(),
                bytes=len(content),
                probe=tuple(float(value) for value in probe),
                tolerance=tolerance,
                stored=_stored(content),
                accuracy=found.accuracy,
                accuracy_on=found.on,
            )
        made.append(files)
    return made


def _others(members: Sequence[ExportedMember], index: int) -> list[ExportedMember]:
    return [each for i, each in enumerate(members) if i != index]


def _stored(content: bytes) -> dict[str, Any] | None:
    """Return the scale and the zero of the input and output of an 8-bit file; None for other files."""
    found = ends(content)
    if found.source is None or found.target is None:
        return None
    return {"input": found.source._asdict(), "output": found.target._asdict()}
