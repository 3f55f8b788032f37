"""``run.json``: the network that shipped, accuracy and latency of its files, and the finalists that were timed whole.

Versions:
    1 (edgenas 0.2)  the first, without ``format`` and ``version``
    2 (edgenas 0.3)  a finalist has its ``verdict`` in a field of its own
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from edgenas.blocks.pretrained.source import Provenance
from edgenas.latency_tables.setting import SettingField
from edgenas.profiler.export.integer import Fallback
from edgenas.profiler.target import Target
from edgenas.profiler.verdict import Verdict
from edgenas.runs.documents import DocumentKind
from edgenas.runs.finalists import Finalist

if TYPE_CHECKING:
    from edgenas.latency_tables.imported import ImportedTable


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """A file that ships.

    bytes         size of the file
    pictures      number of test pictures
    accuracy      accuracy of running the file on them, in percent
    agreement     share of pictures on which the file and torch choose the same class; None without torch
    accuracy_on   device and processor that ran the file on the pictures
    weight_bits   bits of int8 weights; None for other files
    """

    precision: str
    bytes: int | None = None
    pictures: int
    accuracy: float
    agreement: float | None = None
    accuracy_on: Target | None = None
    weight_bits: int | None = None
    fallbacks: tuple[Fallback, ...] = ()


@dataclass(frozen=True, slots=True)
class StartedFrom(Provenance):
    """Published weights that the trainings of a run began from; ``recipe`` is the one that the validation images chose
    for the network that shipped."""

    recipe: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BroughtTable:
    """The imported table of a run: edgenas did not measure it.

    source         file that it was imported from, and the ``format`` of that file
    device         device that it was measured on, as far as it is documented; '' where it is not
    networks       number of whole networks that it was fitted to; 0 where blocks were timed
    error_share    relative half-width of the 95 % interval of a prediction; None where it is not known
    predicted_ms   latency that it predicts for the file that must keep the budget, ms
    """

    source: str
    format: str
    device: str = ""
    networks: int = 0
    error_share: float | None = None
    predicted_ms: float

    @classmethod
    def of(cls, table: ImportedTable, predicted_ms: float, error_share: float | None = None) -> BroughtTable:
        """Return the record of a table and of what it predicts."""
        return cls(
            source=table.source.file,
            format=table.source.format,
            device=table.source.device,
            networks=len(table.networks),
            error_share=error_share,
            predicted_ms=predicted_ms,
        )

    def __str__(self) -> str:
        on = f", times of {self.device}" if self.device else ""
        made = f"a table fitted to {self.networks} whole networks" if self.networks else "an imported table"
        return f"{made} ({self.source}{on})"


@dataclass(frozen=True, slots=True)
class FromScratch:
    """The network that shipped, trained once more from random weights, on the same images with the same seed.

    pictures          number of test images that judge both trainings, in torch
    accuracy          accuracy of the training from random weights, in percent
    pretrained        accuracy of the training from published weights, in percent
    epochs, seconds   of the training from random weights
    """

    DERIVED: ClassVar[tuple[str, ...]] = ("gain",)

    pictures: int
    accuracy: float
    pretrained: float
    epochs: int
    seconds: float

    @property
    def gain(self) -> float:
        """Percentage points that the published weights are worth."""
        return self.pretrained - self.accuracy

    def __str__(self) -> str:
        return (
            f"{self.pretrained:.2f} % of {self.pictures:,} test images from published weights, {self.accuracy:.2f} % "
            f"from random ones ({self.epochs} epochs, {self.seconds:.0f} s, the same images and seed): "
            f"{self.gain:+.2f} points"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Content of ``run.json``. Times are in ms and s, accuracies in percent.

    files      the first is the file that must keep the budget
    recipe     how the network that ships was trained, in words
    verdicts   latencies of the files that a runtime of the device runs, in the same order; none without a device
    brought    the imported table that predicted; None where the run measured its tables

    Fields are None where the command that made the run does not know them.
    """

    DERIVED: ClassVar[tuple[str, ...]] = (
        "predicted_ms",
        "measured_ms",
        "measured_interval_ms",
        "within_budget",
        "accuracy",
        "parity_max_rel",
    )

    space: str | None = None
    networks: int | None = None
    blocks: int | None = None
    data: str | None = None
    tables: dict[str, SettingField] = field(default_factory=dict)
    budgets_ms: tuple[float, ...] = ()
    winner: str
    budget_ms: float | None = None
    validation: dict[str, Any] | None = None
    parity: dict[str, float] = field(default_factory=dict)
    files: dict[str, FileRecord]
    verdicts: tuple[Verdict, ...]
    finalists: tuple[Finalist, ...] = ()
    pretrained: StartedFrom | None = None
    recipe: str | None = None
    from_scratch: FromScratch | None = None
    brought: BroughtTable | None = None
    seconds: float | None = None
    seconds_by_step: dict[str, float] = field(default_factory=dict)

    @property
    def shipped(self) -> Verdict | None:
        """Verdict on the file that must keep the budget; None where it was not timed."""
        first = next(iter(self.files), None)
        return next((verdict for verdict in self.verdicts if verdict.file == first), None)

    @property
    def predicted_ms(self) -> float | None:
        """Latency that the table predicts for the file that must keep the budget."""
        if self.shipped is None:
            return None if self.brought is None else self.brought.predicted_ms
        return self.shipped.predicted_ms

    @property
    def measured_ms(self) -> float | None:
        """Measured latency of the file that must keep the budget."""
        return None if self.shipped is None else self.shipped.measured_ms

    @property
    def measured_interval_ms(self) -> tuple[float, float] | None:
        """95 % interval of ``measured_ms``."""
        return None if self.shipped is None else (self.shipped.low_ms, self.shipped.high_ms)

    @property
    def within_budget(self) -> bool | None:
        """Return whether the upper end of that interval is within the budget."""
        return None if self.shipped is None else self.shipped.within_budget

    @property
    def accuracy(self) -> float | None:
        """Accuracy of the file that must keep the budget, in percent of the test pictures."""
        return next((file.accuracy for file in self.files.values()), None)

    @property
    def parity_max_rel(self) -> float | None:
        """Largest relative difference between a float32 file's outputs and those of the trained network."""
        return max(self.parity.values(), default=None)


def _from_1(data: dict[str, Any]) -> dict[str, Any]:
    """Move the fields of a finalist's verdict into ``verdict``; version 1 has no settings of verdicts."""
    finalists = []
    for flat in data["finalists"]:
        verdict = {name: value for name, value in flat.items() if name not in ("key", "judged_accuracy")}
        finalists.append({"key": flat["key"], "accuracy": flat["judged_accuracy"], "verdict": verdict})
    return {**data, "finalists": finalists}


RUN = DocumentKind(
    RunRecord,
    "edgenas run",
    2,
    "make the run again with the command that began it",
    {1: _from_1},
    unversioned=frozenset({"winner", "verdicts", "finalists"}),
)
