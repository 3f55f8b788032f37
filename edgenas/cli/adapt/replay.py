"""The command ``edgenas adapt replay``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgenas.cli.budget_type import BUDGET_MS
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table


@click.command("replay")
@click.argument("menu", type=UserPath(file_okay=False, path_type=Path))
@click.argument("trace", type=UserPath(dir_okay=False, path_type=Path))
@click.option("--budget-ms", type=BUDGET_MS, help="Latency budget of a frame in ms  [default: the menu's]")
@click.option(
    "--frames", default=12_000, show_default=True, type=click.IntRange(1, 1_000_000), help="Frames of a drawn trace."
)
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Random seed of a drawn trace.")
@click.option(
    "--picture", type=UserPath(dir_okay=False, path_type=Path), help="SVG file to draw the timeline into as well."
)
@json_option
def command(
    menu: Path, trace: Path, budget_ms: float | None, frames: int, seed: int, picture: Path | None, as_json: bool
) -> None:
    """Replay a trace of frame times with the policy of a MENU, and compare it with the largest network, the smallest,
    a moving mean, the way of MathNAS, and the oracle, which knows every slowdown beforehand.

    TRACE is a file of JSON lines, one for each frame: {"network": "net-3", "ms": 14.2}, as edgenas adapt try writes
    them, or {"slowdown": 1.3}. Or it is the name of a drawn trace: step, stairs, bursts, step-and-bursts.

    \b
    Example:
      edgenas adapt replay adaptive stairs --picture stairs.svg
      edgenas adapt replay adaptive trial.jsonl
    """
    from edgenas.api.adapt_replay import adapt_replay
    from edgenas.report.pictures import svg_path

    if picture is not None:
        svg_path(picture)  # a wrong name is refused before the trace is read
    found = adapt_replay(menu, trace, budget_ms=budget_ms, frames=frames, seed=seed)
    if picture is not None:
        found.plot().save(picture)
    if as_json:
        print_json(found.to_json())
        return
    print_table(
        ("policy", "over budget %", "accuracy %", "switches"),
        [(each.policy, round(each.late, 2), round(each.accuracy, 3), each.switches) for each in found.replays],
        f"{found.trace}: {len(found.replays[0].ms):,} frames, {found.budget_ms:g} ms",
    )
    then = f"edgenas adapt try {shlex.quote(str(menu))} --device DEVICE"
    print_summary({"written": str(picture) if picture else None, "next": then}, repr(found)[1:-1])
