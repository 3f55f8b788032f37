"""The value that a table from elsewhere gives for one block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """What a published table gives for one block. ``sd_ms`` is the spread of ``count`` single runs, where the file has
    it: data about the device, and no interval for the mean, since nobody knows how independent the runs were.
    ``interval_ms`` is the interval of confidence 90 % of a fitted table."""

    mean_ms: float
    sd_ms: float | None = None
    count: int | None = None
    interval_ms: tuple[float, float] | None = None
