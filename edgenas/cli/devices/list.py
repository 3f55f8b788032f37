"""``edgenas devices list``"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.base.errors import OutcomeError
from edgenas.cli.devices.concurrently import ask_each
from edgenas.cli.devices.options import inventory_option, load_entries, opened
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table

if TYPE_CHECKING:
    from edgenas.base.errors import DeviceError
    from edgenas.devices.facts.facts import Facts
    from edgenas.devices.inventory import Entry

_COLUMNS = ("device", "kind", "model", "processor", "cores", "memory MiB", "governor", "MHz", "°C", "load", "system")


@click.command("list")
@inventory_option
@json_option
def command(inventory: Path | None, as_json: bool) -> None:
    """List the devices of the inventory and what each is: model, processor, memory, clock, temperature, load.

    \b
    Example:
      edgenas devices list
      edgenas devices list --inventory devices.toml --json
    """
    list_devices(inventory, as_json)


def list_devices(inventory: Path | None, as_json: bool) -> None:
    """The same, for the group without a verb. OutcomeError where a device does not answer."""
    from edgenas.base.errors import DeviceError
    from edgenas.devices.facts.facts import printable

    entries = load_entries(inventory)
    answers = ask_each(entries, _facts, "devices")
    silent = {name: printable(str(a), 400) for name, a in answers.items() if isinstance(a, DeviceError)}
    if as_json:
        print_json([_row(entries[n], a, silent.get(n)) for n, a in answers.items()])
    else:
        print_table(_COLUMNS, [_cells(entries[n], a, silent.get(n)) for n, a in answers.items()])
        chosen = f" --inventory {shlex.quote(str(inventory))}" if inventory else ""
        answered = f"{len(entries) - len(silent)} of {len(entries)} answer"
        print_summary({"devices": answered, "next": f"edgenas devices check{chosen}"})
    if silent:
        told = "; ".join(silent.values()) if len(silent) == 1 else f"type: edgenas devices check {' '.join(silent)}"
        raise OutcomeError(f"{len(silent)} of {len(entries)} devices cannot be asked: {told}")


def _facts(entry: Entry) -> Facts | DeviceError:
    from edgenas.base.errors import DeviceError
    from edgenas.devices.facts.facts import read_facts

    try:
        with opened(entry) as device:
            return read_facts(device)
    except DeviceError as error:
        return error


def _row(entry: Entry, answer: Facts | DeviceError, error: str | None) -> dict[str, object]:
    row: dict[str, object] = {"name": entry.name, "kind": entry.kind, "pool": entry.pool or None, "error": error}
    return row if isinstance(answer, Exception) else {**row, **answer.as_dict()}


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
