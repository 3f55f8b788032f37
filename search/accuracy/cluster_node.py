"""A Ray task on a node: check the versions of the software, then judge one candidate. This module does not import
Ray."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

from edgenas.search.accuracy.judging import Failed, judge_one
from edgenas.search.problem import Accuracy, Candidate

#: distributions whose versions may change an accuracy
DECIDING = ("edgenas", "torch", "numpy")


def versions() -> dict[str, str]:
    """Return distribution -> version without its build ('+cpu'), for the distributions of DECIDING that are installed
    on this machine."""
    installed = {}
    for name in DECIDING:
        try:
            installed[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return installed


def judge_on_node(accuracy: Accuracy, candidate: Candidate, wanted: Mapping[str, str]) -> float | Failed:
    """Return the accuracy of a candidate in percent, or a failure.

    It is a failure when a distribution of DECIDING has another version on the node than in ``wanted``, the versions of
    the searching machine. Distributions that only one of the two has do not count.
    """
    here = versions()
    other = [
        f"{name} {here[name]} instead of {wanted[name]}"
        for name in wanted
        if here.get(name) not in (None, wanted[name])
    ]
    if other:
        return Failed(
            f"node {platform.node()} has {' and '.join(other)}: accuracies from different versions never mix; install "
            f"the same on every node"
        )
    return judge_one(accuracy, candidate)
