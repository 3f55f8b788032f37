"""The command ``edgenas adapt try``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.devices import device_option, inventory_option
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL


@click.command("try")
@click.argument("menu", type=UserPath(file_okay=False, path_type=Path))
@device_option
@inventory_option
@click.option(
    "--load",
    default="cpu:50",
    show_default=True,
    help="Load in the middle third of the time: cpu:PERCENT, a process for each CPU that is busy for this share, of "
    "higher priority where the device allows it; or none.",
)
@click.option("--seconds", default=60.0, show_default=True, type=float, help="Duration, 3 to 3600 seconds.")
@click.option("--budget-ms", type=BUDGET_MS, help="Latency budget of a frame in ms  [default: the menu's]")
@click.option(
    "--picture", type=UserPath(dir_okay=False, path_type=Path), help="SVG file to draw the timeline into as well."
)
@click.option(
    "-o",
    "--out",
    type=UserPath(dir_okay=False, path_type=Path),
    default=Path("trial.jsonl"),
    show_default=True,
    help="File of the frames and events to write, which adapt replay reads.",
)
@json_option
def command(
    menu: Path,
    device: str,
    inventory: Path | None,
    load: str,
    seconds: float,
    budget_ms: float | None,
    picture: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Run a MENU on a device, under a real load in the middle third of the time, and print how many frames were over
    the budget, and after how many seconds the first network was back.

    \b
    Example:
      edgenas adapt try adaptive --device pi4 --load cpu:50 --picture trial.svg
      edgenas adapt replay adaptive trial.jsonl
    """
    from edgenas.api.adapt_try import adapt_try
    from edgenas.report.pictures import svg_path

    if picture is not None:
        svg_path(picture)  # a wrong name is refused before the device runs
    done = adapt_try(
        menu, device=device, inventory=inventory, load=load, seconds=seconds, budget_ms=budget_ms, listener=TERMINAL
    )
    done.save(out)
    if picture is not None:
        done.plot().save(picture)
    if as_json:
        print_json(done.to_json())
        return
    told = done.to_json()
    back = told["back_after_s"]
    print_summary(
        {
            "frames": told["frames"],
            "over budget": f"{done.trial.late():.2f} %, under load {done.trial.late(True):.2f} %, otherwise "
            f"{done.trial.late(False):.2f} %",
            "accuracy": f"{done.accuracy:.2f} %",
            "switches": done.switches,
            "first network back": "-" if back is None else f"{back:.1f} s after the load",
            "priority of the load": told["load_priority"] or "-",
            "written": str(out),
            "picture": str(picture) if picture else None,
            "next": f"edgenas adapt replay {menu} {out}",
        },
        repr(done)[1:-1],
    )
