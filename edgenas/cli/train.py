"""``edgenas train``"""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgenas.api.named import NETWORK_HELP
from edgenas.cli.completions import LOSSES, networks, words_or_own
from edgenas.cli.paths import UserPath
from edgenas.cli.set_options import settings_for
from edgenas.cli.terminal import json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.training_options import train_on_option
from edgenas.runs.layout import ARCH, WEIGHTS


@click.command("train", epilog=NETWORK_HELP)
@click.argument("network", shell_complete=networks)
@click.option(
    "--data",
    required=True,
    type=UserPath(dir_okay=False, path_type=Path),
    help=".npz of arrays: images (n, height, width, channels), uint8 or float32, and targets, one for each image; "
    "val_images and val_targets, or a tenth of the images is for validation.",
)
@click.option(
    "--loss",
    required=True,
    shell_complete=words_or_own(*LOSSES),
    help=f"Loss: {', '.join(LOSSES)}; or one of your own: my_loss.py:NAME.",
)
@click.option(
    "--outputs",
    type=click.IntRange(1, 100_000),
    help="Number of outputs [default: as the targets need; for a loss of your own, the network's].",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="train.OPTION=VALUE",
    help="Option of the training: train.epochs=50, train.lr=0.02; repeat for several.",
)
@train_on_option
@click.option("--threads", default=1, show_default=True, type=click.IntRange(1, 256), help="CPU threads that train.")
@click.option(
    "--seed", default=0, show_default=True, help="Random seed of the weights, the order of images, and the validation."
)
@click.option(
    "-o",
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("trained"),
    show_default=True,
    help="Folder to write the network (arch.json) and its weights (weights.npz) into.",
)
@json_option
def command(
    network: str,
    data: Path,
    loss: str,
    outputs: int | None,
    settings: tuple[str, ...],
    train_on: str,
    threads: int,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    """Train NETWORK on targets of your own: numbers, several labels for each image, or what a loss of your own takes.

    \b
    Example:
      edgenas train mobilenet_v3_small --data places.npz --loss mse -o finder
      edgenas train search.json --data labels.npz --loss multi-label \\
        --set train.epochs=50
      edgenas train mobilenet_v2 --data places.npz --loss my_loss.py:limits \\
        --outputs 2
    """
    from edgenas.api.train import read_targets, train, training_options

    options = settings_for({"train": training_options()}, settings)["train"]
    found = read_targets(data)
    done = train(
        network,
        found.images,
        found.targets,
        loss=loss,
        outputs=outputs,
        validation=0.1 if found.validation is None else found.validation,
        options=options,
        seed=seed,
        train_on=train_on,
        threads=threads,
        listener=TERMINAL,
    )
    done.write(out)
    if as_json:
        print_json(done.to_json())
        return
    scaling = {"mean": done.mean, "deviation": done.deviation}
    shown = {name: ",".join(f"{value:g}" for value in values) for name, values in scaling.items() if values}
    then = f"edgenas export {shlex.quote(str(out / ARCH))} --weights {shlex.quote(str(out / WEIGHTS))}"
    print_summary(
        {
            "network": done.network.name,
            "outputs": done.network.architecture.c_out,
            f"{done.loss} of training": f"{done.losses[-1]:.4g}",
            f"{done.loss} of validation": f"{done.validation_loss:.4g}",
            **shown,
            "written": str(out),
            "next": then,
        },
        repr(done)[1:-1],
    )
