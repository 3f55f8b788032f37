"""Options of the device, the inventory, and the files that run on a device."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgenas.cli.completions import PRECISIONS, devices
from edgenas.cli.paths import UserPath

device_option = click.option(
    "--device", default="local", show_default=True, shell_complete=devices, help="Device of the inventory."
)
inventory_option = click.option(
    "--inventory",
    type=UserPath(dir_okay=False, path_type=Path),
    help="Inventory file  [default: devices.toml in the current folder, if it exists]",
)
force_option = click.option("--force", is_flag=True, help="Measure a device even if it is busy, warm or not ready.")

range_option = click.option(
    "--reduce-range/--full-range",
    default=None,
    help="Weights of int8 ONNX files in 7 bits (reduced) or 8 (full)  [default: 7 where sums of 8-bit products "
    "saturate on the device, see edgenas devices facts]",
)


def precisions_option(rule: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of the precisions of exported files; ``rule`` ends its help: which ones a verb takes."""
    return click.option(
        "--precision",
        "precisions",
        multiple=True,
        default=("fp32",),
        show_default=True,
        type=click.Choice(PRECISIONS),
        help=f"Precision of the exported files; {rule}",
    )
