"""What searches, demos and verifications leave behind, as a report reads it: checked, and nothing left to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from edgenas.base.errors import InputError

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


class MoreData(BaseModel):
    """What raising one limit alone would buy; see ``edgenas.search.explain.NextBetter``."""

    model_config = _OURS
    source: str
    key: str
    most: FiniteFloat
    extra: FiniteFloat
    gained: FiniteFloat


class LimitData(BaseModel):
    """A budget or limit, and what a network has of it. ``binds`` is None where nobody said."""

    model_config = _OURS
    name: str = ""
    unit: str
    most: FiniteFloat
    has: FiniteFloat
    binds: bool | None = None
    more: list[MoreData] = Field(default_factory=list)


class SpentData(BaseModel):
    """A block of the winner and what it costs."""

    model_config = _OURS
    layer: str
    block: str
    cost: FiniteFloat
    share: FiniteFloat


class ExplanationData(BaseModel):
    """Of the winner at the first budget; see ``edgenas.search.explain.Explanation``."""

    model_config = _OURS
    dearest_blocks: list[SpentData]
    fixed_cost: FiniteFloat = 0.0
    limits: list[LimitData]


class TauData(BaseModel):
    """Kendall's tau of ``members`` networks with its 95 % interval."""

    model_config = _OURS
    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat
    members: int


class TrustData(BaseModel):
    """How a judge, and MACs alone, rank networks beside trainings of their own; see
    ``edgenas.search.accuracy.trust``."""

    model_config = _OURS
    judge: TauData
    macs: TauData


class RunData(BaseModel):
    """One algorithm at one budget."""

    model_config = _OURS
    algorithm: str
    budget: FiniteFloat
    key: str
    accuracy: FiniteFloat
    cost: FiniteFloat
    predicted_cost: FiniteFloat | None = None
    interval: list[FiniteFloat] | None = None
    judged: int = 0
    paid: int = 0
    seconds: FiniteFloat = 0.0
    network: Network
    limits: list[LimitData] = Field(default_factory=list)
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
    uncertainty: str | None = None
    predicted_blocks: list[str] = Field(default_factory=list)
    explanation: ExplanationData | None = None
    trust: TrustData | None = None


class SettingData(BaseModel):
    """What was held constant while a file was timed; what a page does not show is kept as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)
    version: str
    precision: str
    threads: int


class VerdictData(BaseModel):
    """How a file, or a network with random weights, was timed; see ``edgenas.profiler.verify.Verdict``. ``key`` and
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
    median_low_ms: FiniteFloat | None = None
    median_high_ms: FiniteFloat | None = None
    key: str | None = None
    judged_accuracy: FiniteFloat | None = None
    setting: SettingData | None = None


class MinuteData(BaseModel):
    """One minute of a file that ran without pause, and how the device felt in it."""

    model_config = _OURS
    minute: int = Field(ge=1)
    median_ms: FiniteFloat = Field(gt=0)
    p90_ms: FiniteFloat = Field(gt=0)
    temperature_c: FiniteFloat | None = None
    clock_mhz: FiniteFloat | None = None
    throttled: list[str] = Field(default_factory=list)


class SlowerData(BaseModel):
    """The last minutes over the first, with a 95 % interval."""

    model_config = _OURS
    ratio: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat


class SustainedData(BaseModel):
    """A file under load for minutes: a line of ``sustained.jsonl``."""

    model_config = _OURS
    file: str
    device: str = ""
    runtime: str = ""
    minutes: list[MinuteData] = Field(min_length=1)
    slower: SlowerData | None = None
    statistic: str = "median"
    budget_ms: FiniteFloat | None = None
    worst_minute: int | None = None
    within_budget: bool | None = None


class FileData(BaseModel):
    """A file that ships: its precision, and the accuracy of running it, in percent of so many pictures."""

    model_config = _OURS
    precision: str
    accuracy: FiniteFloat
    pictures: int


class RunRecord(BaseModel):
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
