"""``edgenas spaces``"""

from __future__ import annotations

import click

from edgenas.cli.completions import spaces
from edgenas.cli.networks import classes_option, in_size_option, sizes
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table


@click.command("spaces")
@click.argument("name", required=False, shell_complete=spaces)
@in_size_option
@classes_option
@json_option
def command(name: str | None, in_size: int | None, classes: int | None, as_json: bool) -> None:
    """List the spaces a search may choose from; with NAME, its layers and their options.

    NAME may be a space of your own: my_space.py:tiny, or package.module:tiny.

    \b
    Example:
      edgenas spaces
      edgenas spaces nas_bench_macro
      edgenas spaces my_space.py:tiny
    """
    from edgenas.search.spaces import known_spaces, space

    if name is None:
        rows = []
        for each in known_spaces():
            s = space(each, in_size, classes)
            rows.append((each, s.in_size, len(s.layers), s.networks, len(s.blocks()), s.source))
        if as_json:
            keys = ("name", "in_size", "layers", "networks", "distinct_blocks", "source")
            print_json([dict(zip(keys, row, strict=True)) for row in rows])
        else:
            shown = [(n, size, layers, _count(networks), b, source) for n, size, layers, networks, b, source in rows]
            print_table(("space", "pixels", "layers", "networks", "distinct blocks", "source"), shown)
            own = "my_space.py:NAME, or package.module:NAME, wherever a space is named"
            then = "edgenas spaces NAME, or edgenas profile NAME"
            print_summary({"spaces": len(rows), "your own": own, "next": then})
        return
    s = space(name, in_size, classes)
    layers = [{"layer": layer.name, "options": [option.key for option in layer.options]} for layer in s.layers]
    if as_json:
        print_json(
            {
                "name": s.name,
                "in_size": s.in_size,
                "networks": s.networks,
                "distinct_blocks": len(s.blocks()),
                "source": s.source,
                "layers": layers,
            }
        )
    else:
        title = f"{s.name}: {_count(s.networks)} networks of {len(s.blocks())} distinct blocks at {s.in_size} px"
        print_table(
            ("layer", "options", "keys"),
            [(layer.name, len(layer.options), ", ".join(o.key for o in layer.options)) for layer in s.layers],
            title,
        )
        print_summary({"networks": _count(s.networks), "next": f"edgenas profile {name}{sizes(in_size, classes)}"})


def _count(networks: int) -> str:
    return f"{networks:,}" if networks < 10**9 else f"{networks:.2e}"
