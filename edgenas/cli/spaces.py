"""The command ``edgenas spaces``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgenas.api.named import size_options
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize
from edgenas.cli import completions
from edgenas.cli.budget_type import Budget
from edgenas.cli.devices import force_option, inventory_option
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.spaces_shown import TYPICAL, count_text
from edgenas.cli.terminal import duration, json_option, print_json, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.latency_tables.campaign_time import typical_s


class _Fits(Budget):
    """A budget in ms, with its unit or without: 8, 8ms."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        return super().convert(value.removesuffix("ms").strip() if isinstance(value, str) else value, param, ctx)


@click.command("spaces")
@click.argument("name", required=False, shell_complete=completions.spaces)
@in_size_option
@classes_option
@channels_option
@click.option(
    "--fits",
    "budget_ms",
    type=_Fits("ms"),
    metavar="MS",
    help="Latency budget in ms, such as 8ms: which spaces and sizes reach it, estimated from a dozen blocks.",
)
@click.option(
    "--device",
    default="local",
    show_default=True,
    metavar="DEVICE_OR_TABLE",
    shell_complete=completions.devices,
    help="With --fits: device of the inventory, on which a dozen blocks are measured (a minute), or a latency table.",
)
@inventory_option
@force_option
@json_option
def command(
    name: str | None,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    budget_ms: float | None,
    device: str,
    inventory: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """List the spaces that a search can use, with the MACs and parameters of their smallest and largest networks; with
    NAME, list its layers and their options; with --fits, list what reaches a latency budget on a device.

    NAME may be a space of your own: my_space.py:tiny, or package.module:tiny.
    A space may take parameters: ofa_mobilenet_v3:width=1.2.

    \b
    Example:
      edgenas spaces
      edgenas spaces nas_bench_macro
      edgenas spaces ofa_mobilenet_v3:width=1.2
      edgenas spaces --fits 8ms --device pi4
    """
    from edgenas.api.spaces import space, spaces
    from edgenas.cli.spaces_shown import print_inside, print_spaces
    from edgenas.search.keys import keys_text
    from edgenas.search.spaces import parameters_of
    from edgenas.search.spaces.published_members import published_members

    if budget_ms is not None:
        from edgenas.api.spaces_fit import spaces_inside

        if name is not None or (in_size, classes, channels) != (None, None, None):
            raise InputError("--fits lists all spaces at several sizes: leave out NAME, --in-size and the like")
        found = spaces_inside(budget_ms, device=device, inventory=inventory, force=force, listener=TERMINAL)
        if as_json:
            print_json(found.to_json())
        else:
            print_inside(found, device)
        return
    if name is None:
        listed = spaces(in_size=in_size, classes=classes, channels=channels)
        if as_json:
            print_json(listed.to_json())
        else:
            print_spaces(listed)
        return
    s = space(name, in_size, classes, channels)
    if as_json:
        print_json(s.to_json())
    else:
        title = f"{s.name}: {count_text(s.networks)} networks of {len(s.blocks())} distinct blocks at {s.in_size} px"
        print_table(
            ("layer", "options", "keys"),
            [(layer.name, len(layer.options), keys_text([o.key for o in layer.options])) for layer in s.layers],
            title,
        )
        defaults = ", ".join(f"{key} (default {value})" for key, value in parameters_of(name).items())
        print_summary(
            {
                "parameters": defaults or None,
                "profiling": f"~{duration(typical_s(len(s.blocks()), s.in_size))}, {TYPICAL}",
                **{f"weights {weights}": f"{name}/{s.key(choice)}" for weights, choice in published_members(s).items()},
                "next": f"edgenas profile {name}{size_options(in_size, classes, channels)}",
            },
            f"{s.name}: {count_text(s.networks)} networks of {counted(len(s.blocks()), 'distinct block')}",
        )
