"""Judges of a search: a name as on the command line, a function of your own, or an ``Accuracy``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import there_are
from edgenas.blocks.architecture import Architecture

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from edgenas.search.accuracy.cluster_address import RayAddress
    from edgenas.search.accuracy.estimate_by_name import EstimateRequest
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space


def judge_name(accuracy: str | Callable[[Architecture], float] | Accuracy) -> str:
    """Return the name of the judge that trains: JUDGE of 'estimate:JUDGE'; '' for a function or an object."""
    from edgenas.search.accuracy.estimate_by_name import fed_by

    return fed_by(accuracy) if isinstance(accuracy, str) else ""


@contextmanager
def opened_judge(
    accuracy: str | Callable[[Architecture], float] | Accuracy,
    space: Space,
    *,
    seed: int,
    workers: int | None = None,
    cluster: RayAddress | None = None,
    listener: Listener = SILENT,
    images: ImageTask | None = None,
    estimate: EstimateRequest | None = None,
    score: bool = False,
) -> Iterator[Accuracy]:
    """Yield the judge, in ``workers`` processes or on ``cluster`` if given; its processes end with the block.

    ``score``: a judge of your own gives scores, any finite number, not percent.
    """
    from edgenas.search.accuracy.by_name import open_accuracy, placed
    from edgenas.search.accuracy.callable import CallableAccuracy
    from edgenas.search.problem import is_score

    if isinstance(accuracy, str):
        with open_accuracy(accuracy, space, seed, workers, cluster, listener, images, estimate, score) as named:
            yield named
        return
    own: Accuracy = accuracy if _is_accuracy(accuracy) else CallableAccuracy(accuracy, score=score)
    if score and not is_score(own):
        raise InputError(f"the judge {own.name} is an object; set its attribute score = True instead of --score")
    with placed(own, [], workers, cluster, listener) as judge:
        yield judge


def _is_accuracy(accuracy: Callable[[Architecture], float] | Accuracy) -> TypeIs[Accuracy]:
    return callable(getattr(accuracy, "evaluate", None)) and isinstance(getattr(accuracy, "name", None), str)


def known_options(algorithms: Sequence[str], accuracy: str, winner: bool = False) -> dict[str, dict[str, Any]]:
    """Return name (of an algorithm, a training, estimate) -> its options with their defaults.

    With ``winner``, the winner's trainings are included.
    """
    from edgenas.search.accuracy.estimate_by_name import NAME, estimate_options, fed_by, is_estimate
    from edgenas.search.accuracy.image_task import NAMES, SCRATCH, WINNER, recipe_options
    from edgenas.search.algorithms.by_name import algorithm_options

    every = {name: algorithm_options(name) for name in algorithms}
    if fed_by(accuracy) in NAMES:
        every |= {name: values for name, values in recipe_options().items() if winner or name in NAMES}
    elif winner:
        every |= {name: recipe_options()[name] for name in (WINNER, SCRATCH)}
    if is_estimate(accuracy):
        every[NAME] = estimate_options()
    return every


def checked_options(
    options: Mapping[str, Mapping[str, Any]], known: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return ``options`` with an empty entry for each other name; InputError for a name that is not ``known``."""
    for name, values in options.items():
        if name not in known:
            raise InputError(f"options of {name!r}: {there_are(name, known, 'there are options of')}")
        if unknown := [option for option in values if option not in known[name]]:
            named = there_are(unknown[0], known[name], "it has")
            raise InputError(f"{name} has no option {', '.join(unknown)}; {named}")
    return {name: dict(options.get(name, {})) for name in known}


def ray_address(workers: int | None, address: str | None, cpus: float | None, gpus: float | None) -> RayAddress | None:
    """Return the cluster at ``address``; InputError where the values contradict each other."""
    from edgenas.search.accuracy.cluster_address import RayAddress

    if address is None:
        if cpus is not None or gpus is not None:
            raise InputError("--ray-cpus and --ray-gpus are the resources of a task on a cluster; add --ray HOST:PORT")
        return None
    if workers is not None:
        raise InputError("give either --workers (processes on this machine) or --ray (a cluster), not both")
    return RayAddress(address, 1.0 if cpus is None else cpus, 0.0 if gpus is None else gpus)
