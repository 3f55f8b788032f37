"""``edgenas devices``: verbs for devices, one file for each verb, loaded when the verb is used."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.devices.options import device_option, force_option, inventory_option, precisions_option, range_option
from edgenas.cli.terminal import json_option
from edgenas.cli.verbs import Verbs

__all__ = ["command", "device_option", "force_option", "inventory_option", "precisions_option", "range_option"]

#: verb -> (module that holds it, one line for --help)
VERBS: dict[str, tuple[str, str]] = {
    "list": ("edgenas.cli.devices.list", "List devices with their facts."),
    "add": ("edgenas.cli.devices.add", "Write a board or a phone into devices.toml."),
    "enroll": ("edgenas.cli.devices.enroll", "Show a board's host key, and trust it from now on."),
    "check": ("edgenas.cli.devices.check", "Check that devices can be measured now, with remedies."),
    "prepare": ("edgenas.cli.devices.prepare", "Install a runtime on a board, or tools on a phone."),
    "facts": ("edgenas.cli.devices.facts", "Print all facts of a device."),
    "exec": ("edgenas.cli.devices.exec", "Run a command on a device."),
    "unlock": ("edgenas.cli.devices.unlock", "Remove the lock of a device."),
}


class DeviceVerbs(Verbs):
    verbs = VERBS


@click.group("devices", cls=DeviceVerbs, invoke_without_command=True)
@inventory_option
@json_option
@click.pass_context
def command(ctx: click.Context, inventory: Path | None, as_json: bool) -> None:
    """Manage boards and phones: add, enroll, prepare and check them. Without a verb: list.

    \b
    Example:
      edgenas devices
      edgenas devices add pi4 --ssh pi@pi4.local
      edgenas devices enroll pi4
      edgenas devices prepare pi4 --write
      edgenas devices check pi4
    """
    if ctx.invoked_subcommand is None:
        from edgenas.cli.devices.list import list_devices

        list_devices(inventory, as_json)
    else:  # options before the verb are defaults of the verb
        ctx.default_map = {ctx.invoked_subcommand: {"inventory": inventory, "as_json": as_json}}
