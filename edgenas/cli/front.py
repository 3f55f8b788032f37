"""``edgenas front``"""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.completions import STATISTICS, tables, words
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
    from edgenas.runs.from_search import values_of
    from edgenas.runs.layout import table_beside
    from edgenas.runs.search import read_search
    from edgenas.search.cost import macs_cost, params_cost, size_cost
    from edgenas.search.record import front_points
    from edgenas.search.scale import accuracy_heading
    from edgenas.search.spaces import recorded_space
    from edgenas.search.table_cost import table_cost

    saved = read_search(search)
    named_space = saved.space
    space = recorded_space(named_space.name, named_space.in_size, named_space.classes, saved.code.space, str(search))
    score = saved.score
    values = values_of(space, saved.block_values, str(search))
    counted = {"MACs": macs_cost, "params": params_cost, "MB": size_cost}
    if table is None and saved.unit in counted:
        cost = counted[saved.unit]()
    else:
        plain = unvalidated or (table is None and saved.validated is False)
        named = statistic or (saved.statistic if table is None else None)
        cost = table_cost(space, table or table_beside(search, saved.table), named, plain).cost
    points = front_points(space, cost, values)
    if len(saved.winner.limits) > 1:
        talk("this front is of one cost; the other limits of the search are not part of it")
    if picture is not None:
        from edgenas.report.pictures import FrontPicture, draw_front

        draw_front(
            FrontPicture(f"{space.name}: predicted front", [p[:2] for p in points], {}, unit=cost.unit, score=score),
            picture,
        )
    if as_json:
        print_json(
            {
                "space": space.name,
                "unit": cost.unit,
                "front": [{"cost": c, "predicted_accuracy": a, "key": k} for c, a, k in points],
            }
        )
        return
    named = space.code.text if space.code else space.name
    step = 1 if show_all else max(1, -(-len(points) // 20))
    shown = [*points[:-1:step], points[-1]]
    print_table(
        (cost.unit, f"predicted {accuracy_heading(score)}", "network"), shown, f"{space.name}: {len(points)} networks"
    )
    print_summary(
        {
            "written": str(picture) if picture else None,
            "next": f"edgenas export {named}/{points[-1][2]}",
        }
    )
