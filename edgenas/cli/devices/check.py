"""The command ``edgenas devices check``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from edgenas.cli.completions import devices
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL


@click.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=devices)
@click.option(
    "--delegates", is_flag=True, help="Also probe GPUs, NPUs and other delegates of boards, phones and this machine."
)
@inventory_option
@json_option
def command(names: tuple[str, ...], delegates: bool, inventory: Path | None, as_json: bool) -> None:
    """Check that devices can be measured now, and print a table of findings and remedies. Without a NAME, check all
    devices of the inventory.

    \b
    States:
      ok       no problem
      mark     is measured, with a note beside the results
      wait     a temporary state: the profiler waits until it ends
      refuse   is not measured in this state (exit code 1)

    \b
    Example:
      edgenas devices check
      edgenas devices check pi4 pixel --json
      edgenas devices check pi5 pixel --delegates
    """
    from edgenas.api.devices import check_devices

    found = check_devices(*names, inventory=inventory, delegates=delegates, listener=TERMINAL)
    rows = found.rows
    if as_json:
        print_json(found.to_json())
    else:
        columns = ("device", "check", "state", "finding", "remedy")
        print_table(columns, [(n, r.what, r.state, r.reason, r.remedy) for n, rs in rows.items() for r in rs])
        fit = [name for name in rows if name not in found.refused]
        summary: dict[str, Cell] = {"devices": len(rows)}
        named = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
        if fit:
            summary["next"] = f"edgenas profile SPACE --device {fit[0]}{named}"
        ready = f"ready to be measured: {', '.join(fit)}" if fit else "no device is ready to be measured"
        print_summary(summary, ready)
    found.check()
