"""Options that say where candidates are judged: in processes here, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option("--workers", type=click.IntRange(min=0), help="Processes here that judge candidates; 0: this one  "
                 "[default: 2 where candidates are trained, else 0]"),
    click.option("--ray", "address", metavar="HOST:PORT", help="Judge on this Ray cluster instead, as tasks; auto: "
                 "what RAY_ADDRESS names, as in a Ray job."),
    click.option("--ray-cpus", type=float, help="CPUs of a node that one task takes  [default: 1]"),
    click.option("--ray-gpus", type=float, help="GPUs that one task takes, for judges that use them  [default: 0]"),
)  # fmt: skip


score_option = click.option(
    "--score",
    is_flag=True,
    help="Numbers of a judge of your own are scores, any finite number, higher is better; without it they are percent.",
)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--workers, --ray, --ray-cpus, --ray-gpus."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
