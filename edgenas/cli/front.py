"""The command ``edgenas front``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.counted import counted
from edgenas.cli.budget_options import limit_option, unvalidated_option
from edgenas.cli.budget_type import Budget
from edgenas.cli.completions import STATISTICS, tables, words
from edgenas.cli.paths import UserPath
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, talk
from edgenas.cli.terminal_listener import TERMINAL

if TYPE_CHECKING:
    from edgenas.api.front import Front, FrontMember


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
@click.option(
    "--nets",
    type=int,
    help="Print a menu instead: the networks, at most so many, that lose least accuracy while a device gets slower; "
    "see edgenas adapt.",
)
@click.option("--slowdown", default=3.0, show_default=True, type=float, help="Largest slowdown, with --nets.")
@click.option(
    "--budget",
    type=Budget("the front's unit"),
    help="Budget of the menu in the unit of the front, with --nets  [default: the cost of the most accurate network]",
)
@json_option
def command(
    search: Path,
    table: Path | None,
    statistic: str | None,
    unvalidated: bool,
    limits: tuple[str, ...],
    picture: Path | None,
    show_all: bool,
    nets: int | None,
    slowdown: float,
    budget: float | None,
    as_json: bool,
) -> None:
    """Compute the exact accuracy-latency front that a search's block values predict.

    SEARCH is a file that `edgenas search` wrote with mathnas among its algorithms. Block values hold for any device:
    with the table of another device, the result is the front of that device, and nothing is trained again. With
    --limit, it is the front of the networks that keep the limit. Predictions are calibrated on the judged networks and
    have a 95 % interval; below them is the front of the judged networks. The network that is recommended is a judged
    one, unless a prediction is higher even at the low end of its interval. With the search's own table, it is inside
    the largest budget of the search.

    \b
    Example:
      edgenas front search.json
      edgenas front search.json --table pi4-litert.jsonl --picture front.svg
    """
    from edgenas.api.front import front
    from edgenas.report.pictures import draw_front, svg_path
    from edgenas.search.scale import accuracy_heading, accuracy_text

    if picture is not None:
        svg_path(picture)  # a wrong name is refused before the search is read
    found = front(search, table=table, statistic=statistic, unvalidated=unvalidated, limits=limits, listener=TERMINAL)
    menu = None if nets is None else found.menu(nets, slowdown, budget)
    if picture is not None:
        draw_front(found.picture(), picture)
    if as_json:
        print_json(found.to_json() if menu is None else menu.to_json())
        return
    if menu is not None:
        chosen = [(p.cost, p.accuracy, p.key) for p in menu.front]
        columns = (found.unit, f"predicted {accuracy_heading(found.score)}", "network")
        print_table(columns, chosen, f"{found.space.name}: {len(chosen)} of {counted(len(found), 'network')}")
        losses = ", ".join(f"{count}: {loss:.2f}" for count, loss in menu.losses.items())
        then = f"edgenas adapt {search} --nets {nets} --slowdown {slowdown:g} --budget-ms {chosen[-1][0] * 1.05:.3g}"
        print_summary(
            {"points lost against the front, by number of networks": losses, "next": then},
            f"a menu of {counted(len(chosen), 'network')}, from {chosen[0][0]:.4g} to {chosen[-1][0]:.4g} {found.unit}",
        )
        return
    points = [(p.cost, p.accuracy, interval(p), p.key) for p in found]
    step = 1 if show_all else max(1, -(-len(points) // 20))
    shown = [*points[:-1:step], points[-1]]
    heads = (found.unit, f"predicted {accuracy_heading(found.score)}", "95 % interval", "network")
    print_table(heads, shown, f"{found.space.name}: {counted(len(points), 'network')}, predicted")
    rows = [(p.cost, p.accuracy, p.key) for p in found.judged]
    print_table(
        (found.unit, accuracy_heading(found.score), "network"),
        rows,
        f"{found.space.name}: {counted(len(rows), 'network')}, judged",
    )
    talk(trust(found))
    best = found.recommended()
    then = f"edgenas export {found.space_text}/{best.key}"
    within = "" if found.budget is None or best.cost > found.budget else f" within {found.budget:g} {found.unit}"
    known = "judged" if best in found.judged else "predicted, not judged"
    print_summary(
        {"written": str(picture) if picture else None, "next": then},
        f"the best network{within} is {best.key}, {accuracy_text(best.accuracy, found.score)} {known}",
    )


def interval(point: FrontMember) -> str:
    """Return the 95 % interval of a predicted accuracy as text; '-' where the error is not known."""
    return "-" if point.low is None or point.high is None else f"{point.low:.4g} .. {point.high:.4g}"


def trust(front: Front) -> str:
    """Return one sentence on the error of a predicted front."""
    if front.error is None:
        return f"the predicted front is not to be trusted: {front.doubt}"
    return (
        f"the predictions are calibrated on the judged networks; each of these left out in turn, the error is "
        f"{front.error:.3g} points"
    )
