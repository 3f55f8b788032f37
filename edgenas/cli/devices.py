"""``edgenas devices``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.terminal import json_option, print_json, print_table

if TYPE_CHECKING:
    from devices.inventory import Entry

device_option = click.option("--device", default="local", show_default=True, help="A device of the inventory.")
inventory_option = click.option(
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The inventory [default: devices.toml where the command runs, if there is one].",
)


def load_entries(inventory: Path | None) -> dict[str, Entry]:
    """The devices there are, by name."""
    from devices.inventory import load_inventory

    if inventory is None and Path("devices.toml").is_file():
        inventory = Path("devices.toml")
    return load_inventory(inventory)


def load_entry(inventory: Path | None, name: str) -> Entry:
    """One device of the inventory."""
    from devices.inventory import find

    return find(load_entries(inventory), name)


@click.command("devices")
@inventory_option
@json_option
def command(inventory: Path | None, as_json: bool) -> None:
    """List the devices of the inventory and what each is: model, processor, memory, clock, temperature, load.

    \b
    Example:
      edgenas devices
      edgenas devices --inventory devices.toml --json
    """
    from devices.facts import read_facts

    entries = load_entries(inventory)
    facts = {name: read_facts(entry.open()) for name, entry in entries.items()}
    if as_json:
        print_json([{"name": n, "kind": entries[n].kind, **f.as_dict()} for n, f in facts.items()])
        return
    print_table(
        ("device", "kind", "model", "processor", "cores", "memory MiB", "governor", "MHz", "°C", "load", "system"),
        [
            (n, entries[n].kind, f.model, f.soc or f.cpu, f.cores, f.memory_mib, f.governor, f.clock_mhz,
             f.temperature_c, f.load_1min, f.os)
            for n, f in facts.items()
        ],
    )  # fmt: skip
