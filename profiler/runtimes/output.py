"""What the runner prints, read back. The text comes from a device and is not to be believed: every line is checked, and
anything that is not exactly what the runner writes is refused with the reason."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

from edgenas.base.errors import OutcomeError
from edgenas.latency_tables.records import check_samples
from edgenas.latency_tables.store.fields import Fields
from edgenas.latency_tables.store.jsonl import parse_line

LIMIT_CHARS = 64 << 20
SCHEDULERS = ("fifo", "normal")
_MAX_CPU = 4095


class OutputError(OutcomeError):
    """Text that no runner of ours writes."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A runtime as found on a device: the package that brings it, versions, and how it is set up (``notes``)."""

    runtime: str
    package: str
    version: str
    python: str
    notes: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a device offers: CPUs a process may use, schedulers it may ask for, who computes (``delegate``), and whether
    another model can run between samples (``cold``)."""

    installed: Installed
    delegate: str
    library_sha256: str
    cpus: tuple[int, ...]
    schedulers: tuple[str, ...]
    cold: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """What was in force while a batch ran."""

    installed: Installed
    threads: int
    cores: tuple[int, ...]
    scheduler: str
    cold_kib: int = 0


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's raw samples: round -> nanoseconds of ``loops`` runs. ``checksum`` is the sum and the absolute sum of
    its outputs, None from a tool that does not show them; ``partitions`` counts the parts a delegate took, ``delegate``
    names it."""

    name: str
    loops: int
    warmup: int
    samples_ns: tuple[tuple[int, ...], ...]
    checksum: tuple[float, float] | None
    delegate: str
    partitions: int


@dataclass(frozen=True, slots=True)
class ModelError:
    """A model that failed: ``stage`` is 'load', 'run' or 'output'."""

    name: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchOutput:
    """Everything a batch printed; not ``complete`` where the end line is missing: what is here is still whole."""

    header: Header
    results: tuple[ModelResult, ...]
    errors: tuple[ModelError, ...]
    complete: bool


def parse_description(text: str) -> Description:
    """The answer to --describe; OutputError when it is anything else."""
    try:
        fields = Fields(parse_line(text[:100_000]))
        if fields.text("kind") != "description":
            raise ValueError("not a description")
        found = Description(
            read_installed(fields),
            delegate=fields.text("delegate"),
            library_sha256=fields.text("library_sha256", 64),
            cpus=fields.wholes("cpus", 0, _MAX_CPU, 4096),
            schedulers=_schedulers(fields.list("schedulers", 8)),
            cold=True,
        )
        fields.done()
    except ValueError as error:
        raise OutputError(f"the runner's description was not understood: {error}") from error
    return found


def parse_batch(text: str) -> BatchOutput | None:
    """What a plan printed; None when it ended before the first line was whole. OutputError on anything that the runner
    would not write; a last line that was cut is left out."""
    if len(text) > LIMIT_CHARS:
        raise OutputError(f"the runner printed {len(text):,} characters, more than {LIMIT_CHARS:,}")
    header: Header | None = None
    results: dict[str, ModelResult] = {}
    errors: dict[str, ModelError] = {}
    complete = False
    for number, line in enumerate(text.rpartition("\n")[0].split("\n") if "\n" in text else [], start=1):
        try:
            fields = Fields(parse_line(line))
            kind = fields.text("kind", 20)
            if complete:
                raise ValueError("something follows the end")
            if (kind == "header") != (number == 1):
                raise ValueError("the header is not the first line" if number == 1 else "a second header")
            if kind == "header":
                cold_kib = fields.whole("cold_kib", 0, 1 << 30)
                header = replace(read_header(fields), cold_kib=cold_kib)
            elif kind == "model":
                result = _result(fields)
                _once(result.name, results, errors)
                results[result.name] = result
            elif kind == "error":
                error = ModelError(fields.text("name"), fields.text("stage"), fields.text("message"))
                _once(error.name, results, errors)
                errors[error.name] = error
            elif kind == "end":
                if (fields.whole("models", 0, 10**6), fields.whole("errors", 0, 10**6)) != (len(results), len(errors)):
                    raise ValueError("lines are missing or too many: the counts at the end differ")
                complete = True
            else:
                raise ValueError(f"unknown kind {kind!r}")
            fields.done()
        except ValueError as problem:
            raise OutputError(f"line {number} of the runner's output was not understood: {problem}") from problem
    if header is None:
        return None
    return BatchOutput(header, tuple(results.values()), tuple(errors.values()), complete)


def _schedulers(names: list[Any]) -> tuple[str, ...]:
    odd = [name for name in names if name not in SCHEDULERS]
    if odd:
        raise ValueError(f"unknown scheduler {odd[0]!r:.40}")
    return tuple(names)


def read_installed(fields: Fields) -> Installed:
    """What ran; ValueError."""
    runtime, package, version, python, notes = (fields.text(field.name) for field in dataclasses.fields(Installed))
    return Installed(runtime, package, version, python, notes)


def read_header(fields: Fields) -> Header:
    """What was in force, of runs back to back; ValueError."""
    return Header(
        read_installed(fields),
        threads=fields.whole("threads", 1, 1024),
        cores=fields.wholes("cores", 0, _MAX_CPU, 4096),
        scheduler=fields.text("scheduler", 20),
    )


def _result(fields: Fields) -> ModelResult:
    return ModelResult(
        name=fields.text("name"),
        loops=fields.whole("loops", 1, 10**6),
        warmup=fields.whole("warmup", 1, 10**9),
        samples_ns=check_samples(fields.any("samples_ns")),
        checksum=(fields.number("sum"), fields.number("abs_sum")),
        delegate=fields.text("delegate", 100),
        partitions=fields.whole("partitions", 0, 10**6),
    )


def _once(name: str, results: dict[str, ModelResult], errors: dict[str, ModelError]) -> None:
    if name in results or name in errors:
        raise ValueError(f"{name!r} is reported twice")
