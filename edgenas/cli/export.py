"""``edgenas export``"""

from __future__ import annotations

from pathlib import Path

import click

from blocks.errors import InputError
from edgenas.cli.networks import NETWORK_HELP, classes_option, in_size_option, load_network
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, talk


@click.command("export", epilog=NETWORK_HELP)
@click.argument("network")
@in_size_option
@classes_option
@click.option("--weights", type=click.Path(dir_okay=False, path_type=Path),
              help="Trained weights (.npz as the demo writes) [default: seeded random ones].")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of random weights.")
@click.option("--format", "formats", multiple=True, default=("tflite", "onnx"), show_default=True,
              type=click.Choice(["tflite", "onnx"]), help="Repeat for both.")  # fmt: skip
@click.option("-o", "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("model"),
              show_default=True, help="The folder to write into.")  # fmt: skip
@json_option
def command(
    network: str,
    in_size: int | None,
    classes: int | None,
    weights: Path | None,
    seed: int,
    formats: tuple[str, ...],
    out: Path,
    as_json: bool,
) -> None:
    """Write NETWORK as model.tflite and model.onnx, batch norm folded, and check that both compute the same.

    \b
    Example:
      edgenas export search.json -o model
      edgenas export mobilenet_v3_small --in-size 160 -o v3_small
    """
    import numpy as np

    from blocks.weights import load_weights, network_random_weights
    from edgenas.shipping import export_network
    from profiler.export.check import parity
    from profiler.export.run import run_model

    architecture = load_network(network, in_size, classes)
    if architecture.blocks[-1].kind != "head":
        raise InputError(f"{architecture.name} has no head, so that it answers no classes; add one as its last block")
    if weights is None:
        talk("no --weights: seeded random ones, good for timing and nothing else")
        arrays = network_random_weights(architecture.blocks, seed)
    else:
        arrays = load_weights(weights, architecture.blocks)
    files = export_network(architecture, arrays, out, formats)
    image = np.random.default_rng(seed).random(
        (1, architecture.in_size, architecture.in_size, architecture.c_in), dtype=np.float32
    )
    reference = run_model(next(iter(files.values())).read_bytes(), image)
    for path in files.values():
        parity(path.read_bytes(), image, reference, blocks=architecture.blocks)
    summary: dict[str, Cell] = {
        "network": architecture.name,
        "macs": architecture.macs,
        "params": architecture.params,
        **{kind: f"{path} ({path.stat().st_size / 1e6:.2f} MB)" for kind, path in files.items()},
    }
    if as_json:
        print_json({**summary, "files": {kind: str(path) for kind, path in files.items()},
                    "network": architecture.to_json()})  # fmt: skip
    else:
        print_summary({**summary, "next": f"edgenas verify {' '.join(map(str, files.values()))} --budget-ms MS"})
