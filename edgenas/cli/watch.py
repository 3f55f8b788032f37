"""The command ``edgenas watch``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from edgenas.base.counted import counted
from edgenas.blocks.size import ImageSize
from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.completions import spaces
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, talk


@click.command("watch")
@click.argument("runs", nargs=-1, required=True, type=UserPath(path_type=Path))
@click.option(
    "--space",
    shell_complete=spaces,
    help="Space being measured, so that progress counts all of its blocks  [default: the blocks measured so far]",
)
@in_size_option
@classes_option
@channels_option
@click.option(
    "--budget-ms",
    "budgets_ms",
    multiple=True,
    type=BUDGET_MS,
    help="Latency budget in ms of a running search, to show the best network so far inside it; repeat for several.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8710, show_default=True, help="TCP port; 0 for any free one."
)
@json_option
def command(
    runs: tuple[Path, ...],
    space: str | None,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    budgets_ms: tuple[float, ...],
    port: int,
    as_json: bool,
) -> None:
    """Serve the report page of RUNS to browsers on this machine until Ctrl-C. The page follows the journals, with
    progress, the estimated end and failures. It only reads files: it cannot start, stop or change anything.

    \b
    Example:
      edgenas watch runs/20270101-120000
      edgenas watch pi4-litert.jsonl --space mobilenet_v3_small
      edgenas watch pi4-litert.jsonl search.trials.jsonl --budget-ms 12
    """
    from edgenas.api.watch import watch

    os.nice(10)  # lower priority than measurements on this machine
    with watch(
        *runs, space=space, in_size=in_size, classes=classes, channels=channels, budget_ms=budgets_ms, port=port
    ) as page:
        if as_json:
            print_json(page.to_json())
        else:
            click.echo(page.url)
        talk("only this machine can open the page; Ctrl-C ends it")
        try:
            page.wait()
        except KeyboardInterrupt:
            talk("")
    if not as_json:
        names = " ".join(shlex.quote(str(run)) for run in runs)
        print_summary({"next": f"edgenas report {names} -o report.html"}, f"{counted(len(runs), 'run')} watched")
