"""Which device, and of which inventory: what every verb that needs a device asks."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.cli.completions import devices

device_option = click.option(
    "--device", default="local", show_default=True, shell_complete=devices, help="A device of the inventory."
)
inventory_option = click.option(
    "--inventory",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The inventory [default: devices.toml where the command runs, if there is one].",
)

range_option = click.option(
    "--reduce-range/--full-range",
    default=None,
    help="Weights of int8 ONNX files in 7 bits, or in 8  [default: 7 where sums of 8-bit products saturate on the "
    "device, as edgenas devices facts says].",
)
