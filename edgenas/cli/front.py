"""``edgenas front``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.base.errors import InputError
from edgenas.cli.completions import STATISTICS, tables, words
from edgenas.cli.networks import load_space, read_json
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk


@click.command("front")
@click.argument("search", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--table",
    type=click.Path(dir_okay=False, path_type=Path),
    shell_complete=tables,
    help="A latency table, of this or of any other device [default: the search's own].",
)
@click.option(
    "--statistic",
    shell_complete=words(*STATISTICS),
    help="Of the samples: min, median or p90  [default: the search's; of another table what its validation found best]",
)
@click.option("--unvalidated", is_flag=True, help="Use a table that no edgenas table validate has proved.")
@click.option("--picture", type=click.Path(dir_okay=False, path_type=Path), help="Also draw it, as PNG or SVG.")
@click.option("--all", "show_all", is_flag=True, help="Every point, not some 20 spread over the front.")
@json_option
def command(
    search: Path,
    table: Path | None,
    statistic: str | None,
    unvalidated: bool,
    picture: Path | None,
    show_all: bool,
    as_json: bool,
) -> None:
    """The exact accuracy-latency front that a search's block values predict.

    SEARCH is what `edgenas search` wrote with mathnas among its algorithms. Block values hold for any device: with the
    table of another one, this is its front, and nothing is trained again.

    \b
    Example:
      edgenas front search.json
      edgenas front search.json --table pi4-litert.jsonl --picture front.png
    """
    from edgenas.search.cost import macs_cost, params_cost, size_cost
    from edgenas.search.record import front_points, values_from_json
    from edgenas.search.table_cost import table_cost

    data = read_json(search)
    described = data.get("space") if isinstance(data, dict) else None
    if not isinstance(described, dict) or not isinstance(described.get("name"), str):
        raise InputError(f"{search} is not what edgenas search writes")
    space = load_space(described["name"], described.get("in_size"), described.get("classes"))
    values = values_from_json(space, data.get("block_values"), str(search))
    own = data.get("table")
    counted = {"MACs": macs_cost, "params": params_cost, "MB": size_cost}
    if table is None and data.get("unit") in counted:
        cost = counted[data["unit"]]()
    elif table is None and not own:
        raise InputError(f"{search} names no latency table; give one: --table TABLE")
    else:
        plain = unvalidated or (table is None and data.get("validated") is False)
        named = statistic or (data.get("statistic") if table is None else None)
        cost = table_cost(space, table or Path(own), named, plain).cost
    points = front_points(space, cost, values)
    winner = data.get("winner")
    if isinstance(winner, dict) and len(winner.get("limits") or ()) > 1:
        talk("this front is of one cost; the other limits of the search are not part of it")
    if picture is not None:
        from edgenas.report.pictures import FrontPicture, draw_front

        draw_front(FrontPicture(f"{space.name}: predicted front", [p[:2] for p in points], {}, unit=cost.unit), picture)
    if as_json:
        print_json(
            {
                "space": space.name,
                "unit": cost.unit,
                "front": [{"cost": c, "predicted_accuracy": a, "key": k} for c, a, k in points],
            }
        )
        return
    step = 1 if show_all else max(1, -(-len(points) // 20))
    shown = [*points[:-1:step], points[-1]]
    print_table((cost.unit, "predicted accuracy %", "network"), shown, f"{space.name}: {len(points)} networks")
    print_summary(
        {"written": str(picture) if picture else None, "next": f"edgenas export {space.name}/{points[-1][2]}"}
    )
