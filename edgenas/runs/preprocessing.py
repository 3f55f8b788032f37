"""``preprocessing.json``: how a picture becomes the input of a network; ``predict.py`` beside it reads it, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgenas.runs.documents import DocumentKind


@dataclass(frozen=True, slots=True)
class SavedPreprocessing:
    """``picture`` and ``scale`` say in words what is done, ``mode`` is 'RGB' or 'L'. Levels 0..255 become
    (level - mean) / deviation, a number a channel. ``stored`` has, by file, how those that take and give 8 bits store
    real numbers: real = scale * (stored - zero)."""

    picture: str
    mode: str
    width: int
    height: int
    scale: str
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    stored: dict[str, Any]


#: 1  the first; edgenas 0.2 wrote it without ``format`` and ``version``
PREPROCESSING = DocumentKind(
    SavedPreprocessing,
    "edgenas preprocessing",
    1,
    "export the network again: edgenas export NETWORK --labels FILE --mean M --deviation D",
    unversioned=frozenset({"width", "mean", "deviation"}),
)
