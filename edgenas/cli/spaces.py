"""The command ``edgenas spaces``."""

from __future__ import annotations

import click

from edgenas.api.named import size_options
from edgenas.blocks.size import ImageSize, size_json
from edgenas.cli import completions
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table


@click.command("spaces")
@click.argument("name", required=False, shell_complete=completions.spaces)
@in_size_option
@classes_option
@channels_option
@json_option
def command(
    name: str | None, in_size: ImageSize | None, classes: int | None, channels: int | None, as_json: bool
) -> None:
    """List the spaces that a search can use; with NAME, list its layers and their options.

    NAME may be a space of your own: my_space.py:tiny, or package.module:tiny.
    A space may take parameters: ofa_mobilenet_v3:width=1.2.

    \b
    Example:
      edgenas spaces
      edgenas spaces nas_bench_macro
      edgenas spaces ofa_mobilenet_v3:width=1.2
      edgenas spaces my_space.py:tiny
    """
    from edgenas.api.spaces import space, spaces
    from edgenas.search.keys import keys_text
    from edgenas.search.spaces import parameters_of
    from edgenas.search.spaces.published_members import published_members

    if name is None:
        listed = spaces(in_size=in_size, classes=classes, channels=channels)
        if as_json:
            print_json(listed.to_json())
        else:
            shown = [
                (
                    r.name,
                    size_json(r.in_size),
                    r.layers,
                    _count(r.networks),
                    r.distinct_blocks,
                    ", ".join(r.parameters),
                    r.source,
                )
                for r in listed
            ]
            print_table(("space", "pixels", "layers", "networks", "distinct blocks", "parameters", "source"), shown)
            own = "my_space.py:NAME, or package.module:NAME, wherever a space is named"
            then = "edgenas spaces NAME, or edgenas profile NAME"
            print_summary({"spaces": len(listed), "your own": own, "next": then})
        return
    s = space(name, in_size, classes, channels)
    if as_json:
        print_json(s.to_json())
    else:
        title = f"{s.name}: {_count(s.networks)} networks of {len(s.blocks())} distinct blocks at {s.in_size} px"
        print_table(
            ("layer", "options", "keys"),
            [(layer.name, len(layer.options), keys_text([o.key for o in layer.options])) for layer in s.layers],
            title,
        )
        defaults = ", ".join(f"{key} (default {value})" for key, value in parameters_of(name).items())
        print_summary(
            {
                "networks": _count(s.networks),
                "parameters": defaults or None,
                **{f"weights {weights}": f"{name}/{s.key(choice)}" for weights, choice in published_members(s).items()},
                "next": f"edgenas profile {name}{size_options(in_size, classes, channels)}",
            }
        )


def _count(networks: int) -> str:
    return f"{networks:,}" if networks < 10**9 else f"{networks:.2e}"
