"""The command ``edgenas front``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.base.counted import counted
from edgenas.cli.budget_options import limit_option, unvalidated_option
from edgenas.cli.completions import STATISTICS, tables, words
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL


@click.command("front")
@click.argument("search", type=UserPath(dir_okay=False, path_type=Path))
@click.option(
    "--table",
    type=UserPath(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="Latency table, of the search's device or of any other  [default: the search's own]",
)
@click.option(
    "--statistic",
    shell_complete=words(*STATISTICS),
    help="Statistic of the samples: min, median or p90  [default: the search's; for another table the one that its "
    "validation found best]",
)
@unvalidated_option
@limit_option
@click.option(
    "--picture", type=UserPath(dir_okay=False, path_type=Path), help="SVG file to draw the front into as well."
)
@click.option("--all", "show_all", is_flag=True, help="Print all points, instead of about 20 spread over the front.")
@json_option
def command(
    search: Path,
    table: Path | None,
    statistic: str | None,
    unvalidated: bool,
    limits: tuple[str, ...],
    picture: Path | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """Compute the exact accuracy-latency front that a search's block values predict.

    SEARCH is a file that `edgenas search` wrote with mathnas among its algorithms. Block values hold for any device:
    with the table of another device, the result is the front of that device, and nothing is trained again. With
    --limit, it is the front of the networks that keep the limit.

    \b
    Example:
      edgenas front search.json
      edgenas front search.json --table pi4-litert.jsonl --picture front.svg
    """
    from edgenas.api.front import front
    from edgenas.report.pictures import draw_front, svg_path
    from edgenas.search.scale import accuracy_heading

    if picture is not None:
        svg_path(picture)  # a wrong name is refused before the search is read
    found = front(search, table=table, statistic=statistic, unvalidated=unvalidated, limits=limits, listener=TERMINAL)
    if picture is not None:
        draw_front(found.picture(), picture)
    if as_json:
        print_json(found.to_json())
        return
    points = [(p.cost, p.accuracy, p.key) for p in found]
    step = 1 if show_all else max(1, -(-len(points) // 20))
    shown = [*points[:-1:step], points[-1]]
    heads = (found.unit, f"predicted {accuracy_heading(found.score)}", "network")
    print_table(heads, shown, f"{found.space.name}: {counted(len(points), 'network')}")
    then = f"edgenas export {found.space_text}/{points[-1][2]}"
    print_summary({"written": str(picture) if picture else None, "next": then})
