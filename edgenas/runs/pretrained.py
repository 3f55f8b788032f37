"""``pretrained.json``: whose weights the files beside it have."""

from __future__ import annotations

from edgenas.blocks.pretrained.source import Provenance
from edgenas.runs.documents import DocumentKind

#: 1  the first
PRETRAINED = DocumentKind(
    Provenance,
    "edgenas pretrained",
    1,
    "export the network again: edgenas export NETWORK --pretrained FILE",
)
