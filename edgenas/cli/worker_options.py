"""Options of where candidates are judged: in processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--workers", type=click.IntRange(min=0), help="Processes on this machine that judge candidates; "
                 "0: no extra process  [default: 2 where candidates are trained, else 0]"),
    click.option("--ray", "address", metavar="HOST:PORT", help="Ray cluster that judges candidates, as tasks, instead "
                 "of this machine; auto: the address in RAY_ADDRESS, as in a Ray job."),
    click.option("--ray-cpus", type=float, help="CPUs of a node that one Ray task takes  [default: 1]"),
    click.option("--ray-gpus", type=float, help="GPUs that one Ray task takes, for judges that use them  [default: 0]"),
)  # fmt: skip


score_option = click.option(
    "--score",
    is_flag=True,
    help="Accept scores from your own judge: any finite number, higher is better; without this option a judge returns "
    "accuracies in percent.",
)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --workers, --ray, --ray-cpus and --ray-gpus to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
