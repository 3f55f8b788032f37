"""The command ``edgenas demo``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.continuing import continued_with
from edgenas.cli.devices import device_option, inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.run_pipeline import show_run
from edgenas.cli.terminal import json_option
from edgenas.cli.terminal_listener import TerminalListener
from edgenas.cli.training_options import training_workers_option


@click.command("demo")
@click.option(
    "--run",
    "folder",
    type=UserPath(file_okay=False, path_type=Path),
    help="Folder to write into, or of a run to continue  [default: runs/NOW]",
)
@device_option
@inventory_option
@click.option("--seed", default=0, show_default=True, help="Random seed of data, search and trainings.")
@training_workers_option
@json_option
def command(folder: Path | None, device: str, inventory: Path | None, seed: int, workers: int, as_json: bool) -> None:
    """Run every step on this machine in five minutes: measure every block of a MobileNet-like space under LiteRT and
    ONNX Runtime, search it with LayerNAS and MathNAS at three latency budgets while training candidates on real images
    (scikit-learn's digits), train the winner, export it, and accept it only if it is inside its budget when measured.

    \b
    Example:
      edgenas demo
      edgenas demo --run runs/20270101-120000   # continues that run
    """
    from edgenas.api.ship import demo
    from edgenas.runs.layout import new_run_folder
    from edgenas.ship.pipeline import ShipPipeline

    listener = TerminalListener(ShipPipeline.STEPS)
    where = new_run_folder() if folder is None else folder
    with continued_with(*(() if folder else ("--run", str(where)))):
        done = demo(where, device=device, inventory=inventory, seed=seed, workers=workers, listener=listener)
    show_run(done, as_json)
