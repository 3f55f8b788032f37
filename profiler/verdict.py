"""Verdicts: the measured time of a file on a device, and whether it is within the budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from pydantic import Field

from edgenas.latency_tables.setting import SettingField

Milliseconds = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Time of one file on one device: milliseconds per run by ``statistic``, with its 95 % interval.

    within_budget                    whether the interval's upper end, not the estimate, is within the budget; None
                                     without a budget
    predicted_ms                     sum of the network's blocks in a table of the same runtime
    setting                          conditions of the measurement; None for finalists in run.json of edgenas 0.2
    peak_kib                         largest resident memory of a process that runs only this file
    model_kib                        part of ``peak_kib`` that came with the model; both are None where the runtime does
                                     not report them
    median_low_ms, median_high_ms    95 % interval of the median
    load_ms, first_ms                time to load the file in a new process, and of its first run there; None where they
                                     are not reported, and in files of edgenas 0.2
    init_ms                          time of loading, compilation and the first run; None where it was not taken
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("error",)

    file: str
    device: str
    runtime: str
    statistic: str
    measured_ms: Milliseconds
    low_ms: Milliseconds
    high_ms: Milliseconds
    median_ms: Milliseconds
    p90_ms: Milliseconds
    budget_ms: Milliseconds | None = None
    predicted_ms: float | None = None
    within_budget: bool | None = None
    setting: SettingField | None = None
    peak_kib: int | None = None
    model_kib: int | None = None
    median_low_ms: Milliseconds | None = None
    median_high_ms: Milliseconds | None = None
    load_ms: float | None = None
    first_ms: float | None = None
    init_ms: Milliseconds | None = None

    @property
    def disturbed(self) -> bool:
        """Return whether the file is within the budget by its statistic while its median exceeds it."""
        return self.budget_ms is not None and self.within_budget is True and self.median_ms > self.budget_ms

    @property
    def error(self) -> float | None:
        """Relative error: measured over predicted time, minus 1; None without a prediction."""
        return None if not self.predicted_ms else self.measured_ms / self.predicted_ms - 1
