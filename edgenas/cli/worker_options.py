"""Options that say where candidates are judged: in processes here, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from edgenas.search.accuracy.cluster_address import RayAddress

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


def cluster(workers: int | None, address: str | None, cpus: float | None, gpus: float | None) -> RayAddress | None:
    """The cluster that was asked for; InputError where the options contradict each other."""
    from edgenas.search.accuracy.cluster_address import RayAddress

    if address is None:
        if cpus is not None or gpus is not None:
            raise InputError("--ray-cpus and --ray-gpus say what a task takes on a cluster; name it: --ray HOST:PORT")
        return None
    if workers is not None:
        raise InputError("give --workers, processes on this machine, or --ray, a cluster: not both")
    return RayAddress(address, 1.0 if cpus is None else cpus, 0.0 if gpus is None else gpus)
