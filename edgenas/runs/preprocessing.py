"""``preprocessing.json``: conversion of a picture to the input of a network; ``predict.py`` reads the file, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from edgenas.runs.documents import DocumentKind

PLANES = "planes"  #: mode of inputs with neither 1 nor 3 channels


@dataclass(frozen=True, slots=True)
class SavedPreprocessing:
    """Content of ``preprocessing.json``.

    picture, scale   the steps in words
    mode             'RGB', 'L', or PLANES: each channel of an array is scaled alone, as a grey picture
    mean, deviation  one number for each channel: levels 0..255 become (level - mean) / deviation
    stored           name of a file whose input and output have 8 bits -> their scale and zero point:
                     real = scale * (stored - zero)
    """

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
