"""What searches, demos and verifications leave behind, as a report reads it: checked, and nothing left to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from blocks.errors import InputError

_OURS = ConfigDict(extra="ignore", frozen=True, strict=False)


class Network(BaseModel):
    """A network as text."""

    model_config = _OURS
    name: str
    blocks: list[str]


class SpaceName(BaseModel):
    """Which space a search was over."""

    model_config = _OURS
    name: str
    in_size: int | None = None
    classes: int | None = None


class TrialData(BaseModel):
    """A network that was judged, and what the search thought it costs."""

    model_config = _OURS
    key: str
    accuracy: FiniteFloat
    cost: FiniteFloat
    paid: bool = True


class FrontPoint(BaseModel):
    """A network on the front that a search's estimates predict."""

    model_config = _OURS
    cost: FiniteFloat
    predicted_accuracy: FiniteFloat
    key: str


class RunData(BaseModel):
    """One algorithm at one budget."""

    model_config = _OURS
    algorithm: str
    budget: FiniteFloat
    key: str
    accuracy: FiniteFloat
    cost: FiniteFloat
    interval: list[FiniteFloat] | None = None
    judged: int = 0
    paid: int = 0
    seconds: FiniteFloat = 0.0
    network: Network
    trials: list[TrialData] = Field(default_factory=list)


class SearchData(BaseModel):
    """``search.json``."""

    model_config = _OURS
    space: SpaceName
    accuracy: str
    unit: str
    winner: RunData
    runs: list[RunData]
    front: list[FrontPoint] = Field(default_factory=list)
    table: str | None = None
    statistic: str | None = None
    seed: int | None = None
    validated: bool | None = None


class VerdictData(BaseModel):
    """How a file, or a network with random weights, was timed; see ``edgenas.measuring.Verdict``. ``key`` and
    ``judged_accuracy`` where it is known which network it is."""

    model_config = _OURS
    file: str
    device: str
    runtime: str
    statistic: str
    measured_ms: FiniteFloat
    low_ms: FiniteFloat
    high_ms: FiniteFloat
    median_ms: FiniteFloat | None = None
    p90_ms: FiniteFloat | None = None
    budget_ms: FiniteFloat | None = None
    predicted_ms: FiniteFloat | None = None
    within_budget: bool | None = None
    peak_kib: int | None = None
    model_kib: int | None = None
    key: str | None = None
    judged_accuracy: FiniteFloat | None = None
    setting: dict[str, Any] | None = None


class FileData(BaseModel):
    """A file that ships: its precision, and the accuracy of running it, in percent of so many pictures."""

    model_config = _OURS
    precision: str
    accuracy: FiniteFloat
    pictures: int


class DemoData(BaseModel):
    """``run.json``: the network that ships, how its files did, and what else was timed whole."""

    model_config = _OURS
    winner: str
    accuracy: FiniteFloat
    files: dict[str, FileData]
    verdicts: list[VerdictData]
    finalists: list[VerdictData] = Field(default_factory=list)


def checked(kind: type[BaseModel], data: Any, path: Path) -> Any:
    """``data`` as a ``kind``; InputError names the file, the field and what is wrong with it."""
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(f"{path}: {place}: {first['msg']}; write the file again with edgenas") from error
