"""``edgenas.export``: a network as TFLite and ONNX files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.export_checks import census_of, check_parity, features_facts, proofs
from edgenas.api.inventory import load_entry
from edgenas.api.network import Network
from edgenas.api.network import network as network_of
from edgenas.api.pretrained import pretrained_for, told
from edgenas.api.shown import FilePath, html_table
from edgenas.base.errors import InputError
from edgenas.base.files import filling, output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import reading
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.features import backbone
from edgenas.blocks.size import SizeLike, axes

if TYPE_CHECKING:
    from edgenas.blocks.pretrained.source import Provenance
    from edgenas.blocks.weights import Array, Weights
    from edgenas.profiler.export.quantize import Precision
    from edgenas.profiler.target import Target
    from edgenas.training.pictures import Pictures, Scaling

CALIBRATED_ON = 256  #: most pictures that int8 is calibrated on, evenly spaced over those that are given

TOGETHER = "--precision int8 and --calibrate FOLDER_OR_NPZ go together: images give the scales of int8"
COMPARED_ON = 8  #: most pictures on which feature maps are compared with torch


@dataclass(frozen=True, repr=False)
class ExportedFiles:
    """The files of one network in ``folder``.

    files   kind of a file ('tflite', 'onnx', 'tflite int8' ...) -> file
    facts   kind -> facts of the file: scales, bits of weights and fallbacks of an int8 file; with ``test``, accuracy in
            percent and the processor on which it was measured; with ``features``, every output with its stride, shape
            and error
    pretrained   whose published weights the files have
    """

    folder: Path
    network: Network
    files: dict[str, Path]
    facts: dict[str, dict[str, Any]]
    pretrained: Provenance | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas export --json`` prints."""
        return {
            **self.summary(),
            "files": {kind: str(path) for kind, path in self.files.items()},
            "facts": self.facts,
            "network": self.network.to_json(),
            **({"pretrained": self.pretrained.as_dict()} if self.pretrained else {}),
        }

    def summary(self) -> dict[str, Any]:
        """Return the network's name, its MACs and parameters, and each file with its size in MB (10^6 bytes)."""
        return {
            "network": self.network.name,
            "macs": self.network.macs,
            "params": self.network.params,
            **{kind: f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for kind, path in self.files.items()},
        }

    def __repr__(self) -> str:
        return f"<{self.network.name} in {self.folder}: {', '.join(path.name for path in self.files.values())}>"

    def _repr_html_(self) -> str:
        rows = [
            {"file": str(path), "kB": path.stat().st_size / 1e3, "accuracy %": self.facts[kind].get("accuracy")}
            for kind, path in self.files.items()
        ]
        return html_table(repr(self)[1:-1], rows)


def export(
    network: str | Path | Architecture | Network,
    folder: FilePath = "model",
    *,
    weights: FilePath | Sequence[Weights] | None = None,
    pretrained: FilePath | None = None,
    pretrained_as: str | None = None,
    seed: int = 0,
    formats: Sequence[str] = ("tflite", "onnx"),
    precisions: Sequence[Precision] = ("fp32",),
    calibrate: FilePath | None = None,
    reduce_range: bool | None = None,
    device: str | None = None,
    inventory: FilePath | None = None,
    test: FilePath | None = None,
    mean: str | Sequence[float] | None = None,
    deviation: str | Sequence[float] | None = None,
    labels: FilePath | None = None,
    features: Iterable[int] | None = None,
    in_size: SizeLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    listener: Listener = SILENT,
) -> ExportedFiles:
    """Export a network as TFLite and ONNX files with batch norm folded, as ``edgenas export`` does.

    It writes ``model.tflite`` and ``model.onnx`` into ``folder`` and checks that both compute the same.

    network         a name, SPACE/KEY, a JSON file, or the object; its input has shape (n, height, width, channels)
    weights         trained weights: an .npz file, or the arrays (default: random weights of ``seed``, for timing only)
    pretrained      weights that others published: a file (.safetensors, .npz, .pth), or 'package:NAME' of an installed
                    package; mean and deviation are then those of their training
    pretrained_as   which published weights they are, 'LAYOUT/MODEL', where several fit
    precisions      'fp32', 'fp16', 'int8'; files of fp16 and int8 have names such as ``model-int8.tflite``
    calibrate       images that int8 is calibrated on: a folder, or an .npz with an array images; a member of a
                    published supernet takes its batch norm statistics from them
    reduce_range    True: weights of int8 ONNX files in 7 bits, False: in 8 (default: 7 where sums of 8-bit products
                    saturate on the device)
    device          device of the inventory that int8 files are for (default: the one on which the table of the search
                    was measured; else 'local', this machine)
    test            labelled images; each file is run on them to measure its accuracy, int8 files on the device
    mean, deviation   scaling of levels 0..255 in the training: (level - mean) / deviation (default: 0..1)
    labels          a file with one class name on each line; also writes labels.txt, preprocessing.json and predict.py
    features        strides, such as (8, 16, 32): the files have no head, and output the feature maps of these strides,
                    named ``features_8`` and so on (default: the files have the head, and output classes)

    InputError for a value that breaks a rule; OutcomeError where a file computes other outputs than the network.

        edgenas.export("mobilenet_v3_small", "model").files["tflite"]
    """
    from edgenas.blocks.weights import load_weights, network_random_weights
    from edgenas.profiler.export.network import export_network
    from edgenas.profiler.target import target_of
    from edgenas.runs.layout import ARCH, PRETRAINED
    from edgenas.runs.network import NETWORK
    from edgenas.runs.pretrained import PRETRAINED as PRETRAINED_KIND
    from edgenas.ship.device_accuracy import labels_of
    from edgenas.ship.preprocessing import preprocessing_of
    from edgenas.training.pictures import read_pictures
    from edgenas.training.statistics import own_statistics

    one, out = network_of(network, in_size, classes, channels), output_path(folder)
    architecture = one.architecture
    kept = None if features is None else backbone(architecture, features)
    if kept is not None and (test is not None or labels is not None):
        raise InputError("--features writes feature maps and no classes: leave out --test and --labels")
    if kept is None and architecture.blocks[-1].kind != "head":
        raise InputError(f"{architecture.name} has no head, so it outputs no classes; add a head, or give --features")
    if ("int8" in precisions) != (calibrate is not None) and (calibrate is None or pretrained is None):
        raise InputError(TOGETHER)
    if set(precisions) == {"fp16"} and "tflite" not in formats:
        raise InputError("--precision fp16 writes only TFLite; add --format tflite, or choose int8")
    if test is not None and not Path(test).is_dir():
        with reading(Path(test), "pictures"):
            pass  # refused before anything is written
    placed = None
    if pretrained is not None:
        placed = pretrained_for(architecture, str(pretrained), pretrained_as, weights is None, mean, deviation)
        mean, deviation = placed.mean, placed.deviation
        if calibrate is not None and "int8" not in precisions and not placed.cut_out:
            raise InputError(TOGETHER)
    scaling = scaling_of(mean, deviation)
    size, channels = architecture.in_size, architecture.c_in
    images = None
    if calibrate is not None:
        images = _with_notes(read_pictures(Path(calibrate), size, channels, scaling, CALIBRATED_ON), listener).images
    use = (
        None
        if labels is None
        else preprocessing_of(architecture, Path(labels), scaling, numbered=True, listener=listener)
    )
    arrays: Sequence[Weights]
    if placed is not None:
        listener.message(told(placed.provenance))
        arrays = own_statistics(placed, images, listener).folded()
    elif weights is None:
        listener.message("no --weights: the files have random weights, which are good only for timing")
        arrays = network_random_weights(architecture.blocks, seed)
    elif isinstance(weights, str | Path):
        arrays = load_weights(Path(weights), architecture.blocks)
    else:
        arrays = weights
    if kept is not None:
        architecture, arrays = kept.architecture, arrays[: len(kept.architecture.blocks)]
        one = Network(architecture)
    about = None if use is None else use.about(architecture.name, "Classifies images.")
    entry = load_entry(inventory, device or "local")
    tested = None
    if test is not None:  # read before anything is written
        names = _names(architecture, weights, listener) if use is None else use.labels
        found = read_pictures(Path(test), size, channels, scaling, classes=architecture.c_out, names=names)
        labels_of(found)
        tested = _with_notes(found, listener)
    if reduce_range is None and "int8" in precisions and "onnx" in formats:
        target = (None if device else _target(network)) or target_of(entry)
        reduce_range = target.reduce_range
        listener.message(f"int8 ONNX weights have {7 if reduce_range else 8} bits, for {target}")
    source = None if placed is None else placed.provenance
    with filling(out):
        files = export_network(
            architecture,
            arrays,
            out,
            formats,
            precisions,
            images,
            about,
            bool(reduce_range),
            None if kept is None else kept.outputs,
        )
        NETWORK.write(out / ARCH, architecture)
        if placed is not None:
            PRETRAINED_KIND.write(out / PRETRAINED, placed.provenance)
        if use is not None:
            use.write(out, files)
    if kept is not None:
        shown = _random_images(architecture, seed) if images is None else images[:COMPARED_ON]
        return ExportedFiles(out, one, files, features_facts(kept, arrays, files, shown, listener), source)
    check_parity(architecture, files, seed)
    facts: dict[str, dict[str, Any]] = {kind: census_of(kind, path) for kind, path in files.items()}
    if tested is not None:
        for kind, proof in proofs(architecture, arrays, files, tested, entry, listener).items():
            facts[kind].update(proof)
    return ExportedFiles(out, one, files, facts, source)


def _random_images(architecture: Architecture, seed: int) -> Array:
    """Return normal noise (COMPARED_ON, H, W, C) as the network takes it."""
    import numpy as np

    shape = (COMPARED_ON, *axes(architecture.in_size), architecture.c_in)
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def _target(network: str | Path | Architecture | Network) -> Target | None:
    """Return the processor on which the table of a network's search was measured; None where it is not known."""
    from edgenas.base.reading import read_json
    from edgenas.profiler.target import target_of_table
    from edgenas.runs.layout import table_beside
    from edgenas.runs.search import SEARCH

    if isinstance(network, Network):
        return None if network.table is None else target_of_table(network.table)
    if isinstance(network, Architecture) or not str(network).endswith(".json"):
        return None
    data = read_json(Path(network), kind="network")
    table = SEARCH.of_json(data, str(network)).table if SEARCH.fits(data) else None
    return target_of_table(table_beside(Path(network), table)) if table else None


def _names(
    architecture: Architecture, weights: FilePath | Sequence[Weights] | None, listener: Listener
) -> tuple[str, ...] | None:
    """Return the class names in the labels.txt beside the weights; None where there are none for this network."""
    from edgenas.runs.layout import LABELS
    from edgenas.ship.preprocessing import read_labels

    beside = Path(weights).parent / LABELS if isinstance(weights, str | Path) else None
    if beside is None or not beside.is_file():
        return None
    names = read_labels(beside)
    if len(names) != architecture.c_out:
        return None
    listener.message(f"classes are named by {beside}, beside the weights; --labels names another file")
    return names


def _with_notes(pictures: Pictures, listener: Listener) -> Pictures:
    """Send the notes on ``pictures`` to the listener, and return ``pictures``."""
    for note in pictures.notes:
        listener.message(note)
    return pictures


def scaling_of(mean: str | Sequence[float] | None, deviation: str | Sequence[float] | None) -> Scaling:
    """Return the scaling of levels 0..255: as given, else to 0..1."""
    from edgenas.training.pictures import Scaling, numbers

    return Scaling(tuple(numbers(_listed(mean), "--mean")), tuple(numbers(_listed(deviation), "--deviation")))


def _listed(values: str | Sequence[float] | None) -> str | None:
    return values if values is None or isinstance(values, str) else ",".join(map(str, values))
