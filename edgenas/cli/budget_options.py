"""The options that say what a search is to keep to, and where its numbers come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any

import click

from edgenas.cli.completions import STATISTICS, tables, words
from edgenas.search.budgets import BudgetRequest

uncertainty_option = click.option(
    "--uncertainty",
    type=click.Choice(("mean", "upper", "rss")),
    help="What of a latency counts against a budget: the mean, the sum of each block's upper 95 % bound, or the mean "
    "and the root of the sum of squares  [default: upper; rss where what is found is measured again before it is "
    "accepted, as by --remeasure, ship and demo; mean for imported tables]",
)

_OPTIONS = (
    click.option("--table", type=click.Path(dir_okay=False, path_type=Path), shell_complete=tables,
                 help="Latency table, for --budget-ms."),
    click.option("--statistic", shell_complete=words(*STATISTICS),
                 help="Of the table's samples: min, median or p90; mean of an imported table  [default: "
                 "what its validation found best]"),
    click.option("--unvalidated", is_flag=True, help="Search a table that no edgenas table validate has proved."),
    click.option("--predict", is_flag=True, help="Predict blocks that the table lacks from those it has; see profile "
                 "--for-search."),
    uncertainty_option,
    click.option("--budget-ms", "ms", type=float, multiple=True, help="A latency budget; repeat for several."),
    click.option("--budget-macs", "macs", type=float, multiple=True, help="A budget in MACs, such as 60e6. Budgets of "
                 "several kinds hold at once; one kind may have several."),
    click.option("--budget-params", "params", type=float, multiple=True, help="A budget in parameters."),
    click.option("--budget-mb", "mb", type=float, multiple=True, help="A budget in MB (10^6 bytes) of weights in "
                 "single precision."),
    click.option("--budget-memory-mb", "memory_mb", type=float, multiple=True, help="A limit on the activations that "
                 "live at once, in MB in single precision; beside another budget."),
    click.option("--also", multiple=True, metavar="TABLE=MS", help="A latency limit on another device, by its table; "
                 "repeat for more devices."),
)  # fmt: skip


def budget_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add them all to a command, which gets them as ``request``."""

    @wraps(command)
    def collected(**given: Any) -> None:
        request = BudgetRequest(
            **{field.name: given.pop(field.name) for field in fields(BudgetRequest) if field.name in given}
        )
        command(request=request, **given)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected
