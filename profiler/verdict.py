"""Verdict: how a file was timed on a device, and whether it keeps its budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgenas.latency_tables.setting import SettingField


@dataclass(frozen=True, slots=True)
class Verdict:
    """One file on one device: milliseconds a run by ``statistic``, with its 95 % interval.

    ``within_budget`` compares the interval's upper end, not the estimate; None without a budget. ``predicted_ms`` is
    the sum of the network's blocks in a table of the same runtime; ``setting`` says where and how it was measured, None
    for finalists in run.json of edgenas 0.2. ``peak_kib`` is the most memory that a process with nothing but this file
    had resident, ``model_kib`` what of it came with the model; None where no runtime reports it. ``median_low_ms`` and
    ``median_high_ms`` are the median's own interval.
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("error",)

    file: str
    device: str
    runtime: str
    statistic: str
    measured_ms: float
    low_ms: float
    high_ms: float
    median_ms: float
    p90_ms: float
    budget_ms: float | None = None
    predicted_ms: float | None = None
    within_budget: bool | None = None
    setting: SettingField | None = None
    peak_kib: int | None = None
    model_kib: int | None = None
    median_low_ms: float | None = None
    median_high_ms: float | None = None

    @property
    def disturbed(self) -> bool:
        """Inside the budget by its statistic, while its median is over it."""
        return self.budget_ms is not None and self.within_budget is True and self.median_ms > self.budget_ms

    @property
    def error(self) -> float | None:
        """Measured over predicted, less 1; None without a prediction."""
        return None if not self.predicted_ms else self.measured_ms / self.predicted_ms - 1
