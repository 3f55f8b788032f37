"""``finalists.json``: the judged networks that a run timed whole, with which a stopped run continues."""

from __future__ import annotations

from dataclasses import dataclass

from edgenas.profiler.verdict import Verdict
from edgenas.runs.documents import DocumentKind


@dataclass(frozen=True, slots=True)
class Finalist:
    """A judged network.

    accuracy   accuracy by the judge, in percent
    verdict    latency of the whole network with random weights
    """

    key: str
    accuracy: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Finalists:
    """Content of ``finalists.json``; ``of`` is the sha256 of the space, the budget and the judged networks."""

    of: str
    finalists: tuple[Finalist, ...]


#: 1  the first; edgenas 0.2 wrote it without ``format`` and ``version``
FINALISTS = DocumentKind(
    Finalists,
    "edgenas finalists",
    1,
    "delete it, and the run times its finalists again",
    unversioned=frozenset({"of", "finalists"}),
)
