"""``finalists.json``: the judged networks that a run timed whole, kept so that a run that was stopped goes on."""

from __future__ import annotations

from dataclasses import dataclass

from edgenas.profiler.verdict import Verdict
from edgenas.runs.documents import DocumentKind


@dataclass(frozen=True, slots=True)
class Finalist:
    """A judged network, its accuracy in percent as judged, and how it was timed with random weights."""

    key: str
    accuracy: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Finalists:
    """``of`` is the sha256 of what the finalists were chosen from: space, budget and judged networks."""

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
