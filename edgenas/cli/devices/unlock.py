"""The command ``edgenas devices unlock``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.api.inventory import load_entry, next_command, opened
from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import json_option, print_json, print_summary


@click.command("unlock")
@click.argument("name", shell_complete=devices)
@inventory_option
@json_option
def command(name: str, inventory: Path | None, as_json: bool) -> None:
    """Remove the lock of a device, and print the process that held it. That process may still measure: check first.

    \b
    Example:
      edgenas devices unlock pi4
    """
    from edgenas.base.text import printable
    from edgenas.devices.session import lock
    from edgenas.devices.transports.owner import Owner, this_process

    with opened(load_entry(inventory, name)) as device:
        line = lock.unlock(device)
    owner, here = Owner.parse(line.split(" ")[0]), this_process()
    if not line:
        held = None
    elif owner is None:
        held = printable(line)
    elif owner.host != here.host:
        held = f"process {owner.pid} of another computer"
    else:
        held = f"process {owner.pid} of this computer, {'ended' if owner.is_dead(here) else 'which still runs'}"
    if as_json:
        print_json({"device": name, "unlocked": bool(line), "held_by": held})
    else:
        print_summary(
            {
                "device": name,
                "lock": f"removed; it was held by {held}" if held else "there was none",
                "next": next_command(inventory, "check", name),
            },
            f"{name} is not locked",
        )
