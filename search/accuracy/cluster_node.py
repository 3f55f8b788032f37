"""What a Ray task does on a node: check that it is the same software, judge one candidate. Imports no Ray."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata

from edgenas.search.accuracy.judging import Failed, judge_one
from edgenas.search.problem import Accuracy, Candidate

#: distributions whose version may change an accuracy
DECIDING = ("edgenas", "torch", "numpy")


def versions() -> dict[str, str]:
    """Distribution -> version without its build ('+cpu'), of those in DECIDING that are installed here."""
    found = {}
    for name in DECIDING:
        try:
            found[name] = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return found


def judge_on_node(accuracy: Accuracy, candidate: Candidate, wanted: Mapping[str, str]) -> float | Failed:
    """Accuracy in percent, or a failure; it is one when a node has another version of what decides about accuracies
    than ``wanted``, the searching machine's. What is installed at one end only does not count."""
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
