"""``edgenas export``"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError
from edgenas.cli.completions import PRECISIONS, networks
from edgenas.cli.devices import device_option, inventory_option, load_entry, range_option
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table, talk

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.weights import Weights
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.export.quantize import Precision
    from edgenas.profiler.target import Target
    from edgenas.training.pictures import Pictures, Scaling

CALIBRATED_ON = 256  #: pictures at most, evenly spaced over those that are given


@click.command("export", epilog=NETWORK_HELP)
@click.argument("network", shell_complete=networks)
@in_size_option
@classes_option
@click.option(
    "--weights",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Trained weights (.npz as the demo writes) [default: seeded random ones].",
)
@click.option("--seed", default=0, show_default=True, help="Of random weights.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    default=("tflite", "onnx"),
    show_default=True,
    type=click.Choice(["tflite", "onnx"]),
    help="Repeat for both.",
)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("fp32",),
    show_default=True,
    type=click.Choice(PRECISIONS),
    help="Repeat for siblings such as model-int8.tflite; fp16 weights are of TFLite alone.",
)
@click.option(
    "--calibrate",
    type=click.Path(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Pictures that int8 is calibrated on: a folder, or an .npz with an array images.",
)
@range_option
@device_option
@inventory_option
@click.option(
    "--test",
    type=click.Path(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Labelled pictures: each file is run on them for its accuracy.",
)
@click.option("--mean", help="Of levels 0..255, as the network was trained, such as 123.7,116.3,103.5.")
@click.option("--deviation", help="Likewise, such as 58.4,57.1,57.4.")
@click.option(
    "--labels",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file with a class a line: TFLite "
    "files then carry labels, --mean and --deviation as metadata, and labels.txt, preprocessing.json and "
    "predict.py are written beside them.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("model"),
    show_default=True,
    help="The folder to write into.",
)
@json_option
def command(
    network: str,
    in_size: int | None,
    classes: int | None,
    weights: Path | None,
    seed: int,
    formats: tuple[str, ...],
    precisions: tuple[Precision, ...],
    calibrate: Path | None,
    reduce_range: bool | None,
    device: str,
    inventory: Path | None,
    test: Path | None,
    mean: str | None,
    deviation: str | None,
    labels: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write NETWORK as model.tflite and model.onnx, batch norm folded, and check that both compute the same; arch.json
    beside them says which network they are.

    \b
    Example:
      edgenas export search.json -o model
      edgenas export mobilenet_v3_small --in-size 160 -o v3_small
      edgenas export search.json --weights weights.npz --precision fp32 --precision int8 --calibrate photos/train
    """
    from edgenas.blocks.weights import load_weights, network_random_weights
    from edgenas.profiler.export.network import export_network
    from edgenas.profiler.target import Target
    from edgenas.runs.layout import ARCH
    from edgenas.runs.network import NETWORK
    from edgenas.ship.preprocessing import preprocessing_of
    from edgenas.training.pictures import Scaling, numbers, read_pictures

    architecture = load_network(network, in_size, classes)
    if architecture.blocks[-1].kind != "head":
        raise InputError(f"{architecture.name} has no head, so that it answers no classes; add one as its last block")
    if ("int8" in precisions) != (calibrate is not None):
        raise InputError("--precision int8 and --calibrate FOLDER_OR_NPZ go together: its scales come from pictures")
    if set(precisions) == {"fp16"} and "tflite" not in formats:
        raise InputError("--precision fp16 writes TFLite alone; add --format tflite, or choose int8")
    scaling = Scaling(tuple(numbers(mean, "--mean")), tuple(numbers(deviation, "--deviation")))
    size, channels = architecture.in_size, architecture.c_in
    images = None
    if calibrate is not None:
        images = _said(read_pictures(calibrate, size, channels, scaling, CALIBRATED_ON)).images
    use = None if labels is None else preprocessing_of(architecture, labels, scaling, talk)
    if weights is None:
        talk("no --weights: seeded random ones, good for timing and nothing else")
        arrays = network_random_weights(architecture.blocks, seed)
    else:
        arrays = load_weights(weights, architecture.blocks)
    about = None if use is None else use.about(architecture.name, "Classifies pictures.")
    entry = load_entry(inventory, device)
    if reduce_range is None and "int8" in precisions and "onnx" in formats:
        target = _target(network, entry)
        reduce_range = target.reduce_range
        talk(f"int8 ONNX weights have {7 if reduce_range else 8} bits, for {target}")
    reduce_range = bool(reduce_range)
    files = export_network(architecture, arrays, out, formats, precisions, images, about, reduce_range)
    NETWORK.write(out / ARCH, architecture)
    if use is not None:
        use.write(out, files)
    _check_parity(architecture, files, seed)
    told: dict[str, dict[str, Any]] = {kind: _census(kind, path) for kind, path in files.items()}
    if test is not None:
        names = _names(architecture, weights) if use is None else use.labels
        for kind, proof in _proofs(architecture, arrays, files, test, scaling, names, entry).items():
            told[kind].update(proof)
    summary: dict[str, Cell] = {
        "network": architecture.name,
        "macs": architecture.macs,
        "params": architecture.params,
        **{kind: f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for kind, path in files.items()},
    }
    if as_json:
        print_json(
            {
                **summary,
                "files": {kind: str(path) for kind, path in files.items()},
                "told": told,
                "network": architecture.to_json(),
            }
        )
        return
    if test is not None:
        print_table(
            ("file", "accuracy %", "on", "same class as torch %", "pictures"),
            [
                (
                    str(files[kind]),
                    t["accuracy"],
                    str(Target(**t["accuracy_on"])),
                    None if t["agreement"] is None else 100 * t["agreement"],
                    t["pictures"],
                )
                for kind, t in told.items()
            ],
            "by running each file",
        )
    for kind, t in told.items():
        for f in t.get("fallbacks", ()):
            talk(
                f"{kind}: {f['number']} {f['kind']} are not int8's own kernels: {f['time_share']:.1%} of the time, "
                f"{f['macs_share']:.1%} of the MACs, {f['values_share']:.1%} of the values written"
            )
    print_summary({**summary, "next": f"edgenas verify {' '.join(map(str, files.values()))} --budget-ms MS"})


def _target(network: str, entry: Entry) -> Target:
    """What int8 files are written for: --device; without it what the table of the search was measured on, where it
    says so; else this machine."""
    from edgenas.profiler.target import target_of, target_of_table
    from edgenas.runs.documents import read_json
    from edgenas.runs.layout import table_beside
    from edgenas.runs.search import SEARCH

    source = click.get_current_context().get_parameter_source("device")
    if source is not click.core.ParameterSource.COMMANDLINE and network.endswith(".json"):
        data = read_json(Path(network))
        table = SEARCH.of_json(data, network).table if SEARCH.fits(data) else None
        found = target_of_table(table_beside(Path(network), table)) if table else None
        if found is not None:
            return found
    return target_of(entry)


def _check_parity(architecture: Architecture, files: dict[str, Path], seed: int) -> None:
    """OutcomeError where a float32 file computes something else than the other, or holds other operators."""
    import numpy as np

    from edgenas.profiler.export.check import parity
    from edgenas.profiler.export.run import run_model

    floats = [path.read_bytes() for kind, path in files.items() if " " not in kind]
    size = architecture.in_size
    image = np.random.default_rng(seed).random((1, size, size, architecture.c_in), dtype=np.float32)
    reference = run_model(floats[0], image) if floats else None
    for model in floats:
        assert reference is not None
        parity(model, image, reference, blocks=architecture.blocks)


def _census(kind: str, path: Path) -> dict[str, Any]:
    """How an int8 file takes its input and gives its output, and what of it is not computed in int8."""
    from edgenas.profiler.export.integer import fallbacks, weight_bits
    from edgenas.profiler.export.run import ends

    if not kind.endswith("int8"):
        return {}
    model = path.read_bytes()
    found = ends(model)
    scales = {
        name: None if s is None else s._asdict() for name, s in (("input", found.source), ("output", found.target))
    }
    return {**scales, "weight_bits": weight_bits(model), "fallbacks": [f._asdict() for f in fallbacks(model)]}


def _names(architecture: Architecture, weights: Path | None) -> tuple[str, ...] | None:
    """Class names in the labels.txt that a training left beside its weights, where they are those of the network."""
    from edgenas.runs.layout import LABELS
    from edgenas.ship.preprocessing import read_labels

    beside = None if weights is None else weights.parent / LABELS
    if beside is None or not beside.is_file():
        return None
    names = read_labels(beside)
    if len(names) != architecture.c_out:
        return None
    talk(f"classes are named by {beside}, beside the weights; --labels names another file")
    return names


def _said(pictures: Pictures) -> Pictures:
    """``pictures``, after the notes on them were printed."""
    for note in pictures.notes:
        talk(note)
    return pictures


def _proofs(
    architecture: Architecture,
    arrays: Sequence[Weights],
    files: dict[str, Path],
    test: Path,
    scaling: Scaling,
    names: Sequence[str] | None,
    entry: Entry,
) -> dict[str, dict[str, Any]]:
    from edgenas.ship.accuracy import prove, torch_classes
    from edgenas.training.pictures import read_pictures

    size, channels, classes = architecture.in_size, architecture.c_in, architecture.c_out
    pictures = _said(read_pictures(test, size, channels, scaling, classes=classes, names=names))
    expected = torch_classes(architecture, arrays, pictures.images)
    if expected is None:
        talk("no torch here to compare the files with: pip install 'edgenas[train]'")
    return {
        kind: prove(path, kind.partition(" ")[2] or "fp32", pictures, expected, entry, say=talk).as_dict()
        for kind, path in files.items()
    }
