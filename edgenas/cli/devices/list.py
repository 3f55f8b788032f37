"""The command ``edgenas devices list``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.counted import counted
from edgenas.cli.devices.options import inventory_option
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL

if TYPE_CHECKING:
    from edgenas.base.errors import DeviceError
    from edgenas.devices.facts.facts import Facts
    from edgenas.devices.inventory import Entry

_COLUMNS = ("device", "kind", "model", "processor", "cores", "memory MiB", "governor", "MHz", "°C", "load", "system")


@click.command("list")
@inventory_option
@json_option
def command(inventory: Path | None, as_json: bool) -> None:
    """List the devices of the inventory with model, processor, memory, clock, temperature and load.

    \b
    Example:
      edgenas devices list
      edgenas devices list --inventory devices.toml --json
    """
    list_devices(inventory, as_json)


def list_devices(inventory: Path | None, as_json: bool) -> None:
    """List devices; the group uses this without a verb, too. OutcomeError where a device does not answer."""
    from edgenas.api.devices import devices

    found = devices(inventory=inventory, listener=TERMINAL)
    entries, silent = found.entries, found.silent
    if as_json:
        print_json(found.to_json())
    else:
        print_table(_COLUMNS, [_cells(entries[n], a, silent.get(n)) for n, a in found.facts.items()])
        chosen = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
        answered = f"{len(entries) - len(silent)} of {counted(len(entries), 'device')} answered"
        print_summary({"next": f"edgenas devices check{chosen}"}, answered)
    found.check()


def _cells(entry: Entry, answer: Facts | DeviceError, error: str | None) -> tuple[Cell, ...]:
    if isinstance(answer, Exception):
        return (entry.name, entry.kind, error, *[None] * (len(_COLUMNS) - 3))
    f = answer
    return (
        entry.name,
        entry.kind,
        f.model,
        f.soc or f.cpu,
        f.cores,
        f.memory_mib,
        f.governor,
        f.clock_mhz,
        f.temperature_c,
        f.load_1min,
        f.os,
    )
