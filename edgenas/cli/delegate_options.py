"""Options that choose what computes: --delegate, --partial, --software and --only-delegated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from edgenas.base.errors import InputError
from edgenas.cli import completions

_OPTIONS = (
    click.option(
        "--delegate",
        metavar="NAME[:WHAT]",
        shell_complete=completions.words(*completions.DELEGATES),
        help="Delegate that computes, such as gpu, gpu:fp32, openvino:npu or cuda; edgenas doctor --delegates lists "
        "those of this machine  [default: what the runtime does by itself]",
    ),
    click.option("--partial", is_flag=True, help="Let the CPU compute the operators that the delegate does not take."),
    click.option(
        "--software", is_flag=True, help="Measure a delegate even if it is software that computes on the CPU."
    ),
)

only_delegated_option = click.option(
    "--only-delegated",
    is_flag=True,
    help="Leave out blocks that the delegate does not take whole, and list them; edgenas search leaves them out of the "
    "space.",
)


def delegate_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --delegate, --partial and --software to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_only_delegated(given: bool) -> None:
    """Raise InputError where --only-delegated is ``given`` to a campaign that does not measure every block."""
    if given:
        raise InputError("--only-delegated takes no --whole, --from and --for-search: leave them out")
