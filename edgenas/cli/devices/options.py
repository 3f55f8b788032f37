"""Options of the device and the inventory, for every verb that uses a device."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.completions import devices

device_option = click.option(
    "--device", default="local", show_default=True, shell_complete=devices, help="Device of the inventory."
)
inventory_option = click.option(
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inventory file  [default: devices.toml in the current folder, if it exists]",
)

range_option = click.option(
    "--reduce-range/--full-range",
    default=None,
    help="Weights of int8 ONNX files in 7 bits (reduced) or 8 (full)  [default: 7 where sums of 8-bit products "
    "saturate on the device, see edgenas devices facts]",
)
