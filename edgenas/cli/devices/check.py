"""``edgenas devices check``"""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from edgenas.base.errors import OutcomeError
from edgenas.cli.completions import devices
from edgenas.cli.devices.concurrently import ask_each
from edgenas.cli.devices.options import inventory_option, load_entries
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table


@click.command("check")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=devices)
@inventory_option
@json_option
def command(names: tuple[str, ...], inventory: Path | None, as_json: bool) -> None:
    """Whether devices can be measured now, in a table: what is fine, what is not, and what to type. Without a NAME, all
    of the inventory.

    \b
    States:
      ok       as it should be
      mark     measured all the same, and said beside the results
      wait     passes by itself: the profiler waits for it
      refuse   not measured so (exit code 1)

    \b
    Example:
      edgenas devices check
      edgenas devices check pi4 pixel --json
    """
    from edgenas.cli.devices.readiness import check_device
    from edgenas.devices.inventory import find

    entries = load_entries(inventory)
    chosen = {name: find(entries, name) for name in names} or entries
    rows = ask_each(chosen, lambda entry: check_device(entry, inventory), "checking")
    if as_json:
        print_json([{"device": name, **asdict(row)} for name, found in rows.items() for row in found])
    else:
        columns = ("device", "what", "state", "what is so", "what to type or do")
        print_table(columns, [(n, r.what, r.state, r.reason, r.remedy) for n, found in rows.items() for r in found])
    refused = [name for name, found in rows.items() if any(row.state == "refuse" for row in found)]
    fit = [name for name in rows if name not in refused]
    if not as_json:
        told: dict[str, Cell] = {"devices": len(rows), "ready": ", ".join(fit) or "none"}
        named = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
        if fit:
            told["next"] = f"edgenas profile SPACE --device {fit[0]}{named}"
        print_summary(told)
    if refused:
        raise OutcomeError(f"{len(refused)} of {len(rows)} devices cannot be measured so: {', '.join(refused)}")
