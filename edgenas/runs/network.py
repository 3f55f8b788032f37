"""``arch.json``: a network as text."""

from __future__ import annotations

from edgenas.blocks.architecture import NetworkField
from edgenas.runs.documents import DocumentKind

#: 1  the first. Files of edgenas 0.2 and those that people write have ``name`` and ``blocks`` alone
NETWORK = DocumentKind(
    NetworkField,
    "edgenas network",
    1,
    "name a network or a search, or export it again",
    unversioned=frozenset({"name", "blocks"}),
)
