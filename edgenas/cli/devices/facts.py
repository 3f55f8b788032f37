"""``edgenas devices facts``"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option, load_entry, next_command, opened
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("facts")
@click.argument("name", shell_complete=devices)
@inventory_option
@json_option
def command(name: str, inventory: Path | None, as_json: bool) -> None:
    """Everything known of a device: what identifies it, and how it is now. '-' is what it does not tell.

    \b
    Example:
      edgenas devices facts pi4
      edgenas devices facts pixel --json
    """
    from edgenas.devices.facts import int8_products, throttle
    from edgenas.devices.facts.facts import printable, read_facts
    from edgenas.devices.transports.remote_device import RemoteDevice

    entry = load_entry(inventory, name)
    with opened(entry) as device:
        facts = read_facts(device)
        about = device.about() if isinstance(device, RemoteDevice) else None
    known: dict[str, Any] = {
        "device": entry.name,
        "kind": entry.kind,
        "address": str(entry.target) if entry.target else (entry.phone.serial or None) if entry.phone else None,
        "hardware_serial": (printable(about.serial) or None) if about else None,
        "folder": about.path if about else None,
        **facts.as_dict(),
    }
    if as_json:
        print_json({**known, "int8_exact": int8_products.exact(facts.int8_isa)})
        return
    known["8-bit products"] = int8_products.described(known.pop("int8_isa"))
    if facts.throttled is not None:
        names = throttle.holding(facts.throttled)
        before = [n for n in throttle.since_boot(facts.throttled) if n not in names]
        known["throttled"] = ", ".join((*names, *(f"{n} since boot" for n in before))) or "no"
    print_summary({**known, "next": next_command(inventory, "check", name)})
