"""``edgenas ship``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.budget_options import uncertainty_option
from edgenas.cli.completions import ALGORITHMS, spaces, tables, words_or_own
from edgenas.cli.devices import device_option, inventory_option, range_option
from edgenas.cli.networks import in_size_option
from edgenas.cli.run_pipeline import show_run
from edgenas.cli.set_options import settings_of
from edgenas.cli.terminal import json_option
from edgenas.cli.terminal_listener import TerminalListener
from edgenas.profiler.export.quantize import PRECISIONS, Precision


@click.command("ship")
@click.argument("space", shell_complete=spaces)
@click.option(
    "--images",
    required=True,
    type=click.Path(path_type=Path),
    help="Your pictures: a folder a class (in "
    "train/, val/ and test/, or split for you), an .npz of arrays, or a Hugging Face dataset on "
    "disk.",
)
@click.option(
    "--budget-ms",
    "budget_ms",
    required=True,
    type=click.FloatRange(min=0, min_open=True),
    help="What the file that ships may take, by the upper end of its 95 % interval.",
)
@uncertainty_option
@device_option
@inventory_option
@in_size_option
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("fp32",),
    show_default=True,
    type=click.Choice(PRECISIONS),
    help="Of the files; repeat for siblings. The first, fp32 or int8, is that of the budget: its blocks are measured.",
)
@range_option
@click.option(
    "--accuracy",
    default="supernet",
    show_default=True,
    type=click.Choice(("supernet", "train")),
    help="Who judges networks: one training for all, or one each.",
)
@click.option(
    "--algorithm",
    default="hybrid",
    show_default=True,
    shell_complete=words_or_own(*ALGORITHMS),
    help="Of the search; see edgenas search.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="WHAT.OPTION=VALUE",
    help="An option of the algorithm or a training: supernet.epochs=20, winner.epochs=60.",
)
@click.option("--max-trials", default=200, show_default=True, type=click.IntRange(min=1), help="Networks judged.")
@click.option(
    "--table",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="A latency table of the space that was measured on the device  [default: measure it].",
)
@click.option(
    "--held-out",
    default=24,
    show_default=True,
    type=click.IntRange(12, 1000),
    help="Networks timed whole to see whether sums of blocks can be trusted.",
)
@click.option(
    "--train",
    "trained",
    default=3,
    show_default=True,
    type=click.IntRange(1, 24),
    help="Of the networks that are inside the budget as a whole, train so many in full; the most accurate ships.",
)
@click.option("--train-on", default="auto", show_default=True, help="What trains: auto, cpu or cuda.")
@click.option("--seed", default=0, show_default=True, help="Of the search and of the trainings.")
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Training processes.")
@click.option("--force", is_flag=True, help="Measure also a device that is busy, warm or otherwise not ready.")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("shipped"),
    show_default=True,
    help="The folder of the run; the bundle is OUT/bundle.",
)
@json_option
def command(
    space: str,
    images: Path,
    budget_ms: float,
    uncertainty: str | None,
    device: str,
    inventory: Path | None,
    in_size: int | None,
    precisions: tuple[Precision, ...],
    reduce_range: bool | None,
    accuracy: str,
    algorithm: str,
    settings: tuple[str, ...],
    max_trials: int,
    table: Path | None,
    held_out: int,
    trained: int,
    train_on: str,
    seed: int,
    workers: int,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """From your pictures to files inside a latency budget on your device, in one command: measure every block of SPACE
    there, prove that their sums predict networks, search with a judge trained on the pictures, train the winner with
    its own weights, export it, run every file on test pictures and time it, and bundle what ships.

    The same command goes on where it was stopped.

    \b
    Example:
      edgenas ship mobilenet_v3_small_relu6 --images photos --in-size 96 --budget-ms 4 --precision int8 -o screws
      edgenas ship nas_bench_macro --images photos --device pi4 --budget-ms 20 --set winner.epochs=100
    """
    from edgenas.api.ship import ship
    from edgenas.ship.pipeline import ShipPipeline

    done = ship(
        space,
        images=images,
        budget_ms=budget_ms,
        uncertainty=uncertainty,
        device=device,
        inventory=inventory,
        in_size=in_size,
        precisions=precisions,
        reduce_range=reduce_range,
        accuracy=accuracy,
        algorithm=algorithm,
        options=settings_of((algorithm,), settings, accuracy, winner=True),
        max_trials=max_trials,
        table=table,
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
