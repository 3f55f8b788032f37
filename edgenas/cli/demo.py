"""``edgenas demo``"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from edgenas.cli.devices import device_option, inventory_option, load_entry
from edgenas.cli.run_pipeline import make
from edgenas.cli.terminal import json_option, talk


@click.command("demo")
@click.option(
    "--run",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder to write into, or to continue in [default: runs/NOW].",
)
@device_option
@inventory_option
@click.option("--seed", default=0, show_default=True, help="Of data, search and trainings.")
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Training processes.")
@json_option
def command(folder: Path | None, device: str, inventory: Path | None, seed: int, workers: int, as_json: bool) -> None:
    """The whole story on this machine in five minutes: measure every block of a MobileNet-like space under LiteRT and
    ONNX Runtime, search it with LayerNAS and MathNAS at three latency budgets while training candidates on real images
    (scikit-learn's digits), train the winner, export it, and accept it only if it is inside its budget here.

    \b
    Example:
      edgenas demo
      edgenas demo --run runs/20270101-120000      # goes on where that run was stopped
    """
    from edgenas.ship.demo import demo_order
    from edgenas.ship.pipeline import ShipPipeline

    folder = folder or Path("runs") / datetime.now().strftime("%Y%m%d-%H%M%S")
    entry = load_entry(inventory, device)
    talk(f"writing into {folder}; after an interruption, continue with: edgenas demo --run {folder}")
    make(ShipPipeline(folder, entry, demo_order(), seed, workers), "demo", folder / "bundle", as_json)
