"""The command ``edgenas adapt SEARCH``, also ``edgenas adapt make SEARCH``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.budget_options import limit_option, unvalidated_option
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.completions import PRECISIONS, STATISTICS, tables, words
from edgenas.cli.devices import device_option, force_option, inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.pretrained_options import pretrained_as_option, pretrained_option
from edgenas.cli.set_options import settings_of
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.training_options import images_option, train_on_option

if TYPE_CHECKING:
    from edgenas.profiler.export.quantize import Precision


@click.command("make")
@click.argument("search", type=UserPath(path_type=Path))
@click.option("--budget-ms", type=BUDGET_MS, required=True, help="Latency budget of a frame in ms.")
@click.option("--nets", default=8, show_default=True, type=int, help="Most networks of the menu, 2 to 64.")
@click.option(
    "--slowdown",
    default=3.0,
    show_default=True,
    type=float,
    help="Largest slowdown that the menu serves: 3 is three times slower than measured.",
)
@images_option()
@click.option(
    "--weights",
    type=click.Choice(("supernet", "alone")),
    help="Weights of the networks: supernet, members of the supernet that judged the search; alone, each network "
    "trained by itself  [default: supernet where one judged the search]",
)
@pretrained_option
@pretrained_as_option
@click.option(
    "--table",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="Latency table that predicts the networks  [default: the search's]",
)
@click.option(
    "--statistic",
    shell_complete=words(*STATISTICS),
    help="Statistic of the samples: min, median or p90  [default: the search's]",
)
@unvalidated_option
@limit_option
@click.option(
    "--also",
    multiple=True,
    metavar="TABLE=MS",
    help="Latency limit in ms on another device, with that device's table; repeat for more devices.",
)
@device_option
@inventory_option
@click.option(
    "--precision",
    default="fp32",
    show_default=True,
    type=click.Choice(PRECISIONS),
    help="Precision of the files.",
)
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(("tflite", "onnx")),
    help="Format of the files; repeat for both. The first is timed  [default: that of the table's runtime]",
)
@click.option(
    "--pack",
    is_flag=True,
    help="One store of weights instead of a file for each network, for members of a supernet in fp32.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="TRAINING.OPTION=VALUE",
    help="Option of a training: supernet.epochs=9 as in the search, winner.epochs=60; repeat for several.",
)
@train_on_option
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Threads of a supernet.")
@click.option("--seed", type=int, help="Random seed of the supernet and of trainings  [default: the search's]")
@force_option
@click.option(
    "-o",
    "--out",
    type=UserPath(path_type=Path),
    default=Path("adaptive"),
    show_default=True,
    help="Folder to create.",
)
@json_option
def command(
    search: Path,
    budget_ms: float,
    nets: int,
    slowdown: float,
    images: Path | None,
    weights: str | None,
    pretrained: str | None,
    pretrained_as: str | None,
    table: Path | None,
    statistic: str | None,
    unvalidated: bool,
    limits: tuple[str, ...],
    also: tuple[str, ...],
    device: str,
    inventory: Path | None,
    precision: Precision,
    formats: tuple[str, ...],
    pack: bool,
    settings: tuple[str, ...],
    train_on: str,
    workers: int,
    seed: int | None,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Choose the networks of a search that lose least accuracy while a device gets up to --slowdown times slower, and
    write them into one folder with adaptive.py, the program that switches between them on the device.

    SEARCH is a file that edgenas search wrote, or the folder of a run of ship or demo. Each network has batch norm
    statistics of its own, is run on the images that judged it, and is timed whole on --device. The choice is made on
    the exact front where the search has block values (mathnas), else on the front of the judged networks.

    \b
    Example:
      edgenas adapt search.json --budget-ms 30 --images photos --device pi4
      edgenas adapt shipped --nets 10 --slowdown 4 --budget-ms 12 \\
        --images photos --precision int8 -o adaptive-int8
    """
    from edgenas.api.adapt import adapt

    made = adapt(
        search,
        out,
        budget_ms=budget_ms,
        nets=nets,
        slowdown=slowdown,
        images=images,
        weights=weights,
        pretrained=pretrained,
        pretrained_as=pretrained_as,
        table=table,
        statistic=statistic,
        unvalidated=unvalidated,
        limits=limits,
        also=also,
        device=device,
        inventory=inventory,
        precision=precision,
        formats=formats,
        pack=pack,
        options=settings_of((), settings, "supernet", winner=True),
        train_on=train_on,
        workers=workers,
        seed=seed,
        force=force,
        listener=TERMINAL,
    )
    if as_json:
        print_json(made.to_json())
        return
    saved = made.saved
    print_table(
        ("network", "key", "ms", "95 % interval", "predicted", "accuracy %", "judged %", "test %"),
        [
            (n.name, n.key, n.ms, f"{n.low_ms:.4g} .. {n.high_ms:.4g}", n.predicted_ms, n.accuracy, n.judged,
             n.test_accuracy)
            for n in saved.networks
        ],
        f"{saved.space}: {len(saved.networks)} of {saved.front_networks} networks of the {saved.front} front",
    )  # fmt: skip
    losses = ", ".join(f"{count}: {loss:.2f}" for count, loss in saved.losses.items())
    print_summary(
        {
            "points lost against the front, by number of networks": losses,
            "written": f"{out}/",
            "files": len(made.files),
            "next": f"edgenas adapt replay {out} stairs",
        },
        repr(made)[1:-1].removeprefix("Menu "),
    )
