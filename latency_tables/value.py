"""What somebody else's table says of one block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """``sd_ms`` is the spread of ``count`` single runs, where the file has it: data about the device, and no interval
    for the mean, since nobody knows how independent the runs were."""

    mean_ms: float
    sd_ms: float | None = None
    count: int | None = None
