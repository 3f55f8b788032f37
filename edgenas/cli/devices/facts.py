"""The command ``edgenas devices facts``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.api.inventory import next_command
from edgenas.base.counted import counted
from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("facts")
@click.argument("name", shell_complete=devices)
@inventory_option
@json_option
def command(name: str, inventory: Path | None, as_json: bool) -> None:
    """Print all facts of a device: its identity and its present state. '-' stands for a fact that it does not report.

    \b
    Example:
      edgenas devices facts pi4
      edgenas devices facts pixel --json
    """
    from edgenas.api.devices import device_facts
    from edgenas.devices.facts import int8_products, throttle

    found = device_facts(name, inventory=inventory)
    known, facts = {**found.to_json()}, found.facts
    if as_json:
        print_json(found.to_json())
        return
    del known["int8_exact"]
    known["8-bit products"] = int8_products.described(known.pop("int8_isa"))
    if facts.throttled is not None:
        names = throttle.holding(facts.throttled)
        before = [n for n in throttle.since_boot(facts.throttled) if n not in names]
        known["throttled"] = ", ".join((*names, *(f"{n} since boot" for n in before))) or "no"
    reported = sum(value is not None for value in known.values())
    print_summary(
        {**known, "next": next_command(inventory, "check", name)}, f"{name} reports {counted(reported, 'fact')}"
    )
