"""Parser of the runner's output. The text comes from a device and is not trusted: every line is checked, and any text
that the runner does not write is refused with the reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgenas.base.errors import OutcomeError
from edgenas.base.json_text import parse_line
from edgenas.latency_tables.records import SAMPLE_LIMIT_NS, check_samples
from edgenas.latency_tables.store.fields import Fields

LIMIT_CHARS = 64 << 20
SCHEDULERS = ("fifo", "normal")
_MAX_CPU = 4095


class OutputError(OutcomeError):
    """Error for output that no runner of edgenas writes."""


class PartError(OutputError):
    """Error for a model that a delegate does not take whole."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A runtime installed on a device: the package that contains it, versions, and its configuration (``notes``)."""

    runtime: str
    package: str
    version: str
    python: str
    notes: str


@dataclass(frozen=True, slots=True)
class Description:
    """Description of a runtime on a device.

    delegate         delegate that computes a small model
    library_sha256   digest of the runtime's shared libraries
    cpus             numbers of the CPUs that a process may use
    schedulers       schedulers that a process may request
    cold             whether another model can run between samples
    accelerator      adapter and driver of a requested delegate, ``arithmetic`` the precision in which it computes, and
                     ``nodes_taken`` of ``nodes_total`` operators of the small model: see ``Setting``
    left             names of the operators of the small model that it does not take
    """

    installed: Installed
    delegate: str
    library_sha256: str
    cpus: tuple[int, ...]
    schedulers: tuple[str, ...]
    cold: bool = False
    accelerator: str = ""
    arithmetic: str = ""
    nodes_taken: int = 0
    nodes_total: int = 0
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Header:
    """Conditions in force while a batch ran."""

    installed: Installed
    threads: int
    cores: tuple[int, ...]
    scheduler: str
    cold_kib: int = 0


@dataclass(frozen=True, slots=True)
class Delegated:
    """What a requested delegate did with one model.

    nodes_taken, nodes_total   operators of the model, and how many of them the delegate took
    accelerator                adapter and driver; '' for none
    rel                        largest difference to the CPU's outputs over the largest output
    steps                      the same for int8 outputs, in steps of the quantisation
    wait_share                 wait of the first read after a run, over the time of the run
    init_ns                    ns that loading, compilation and the first run took
    """

    nodes_taken: int
    nodes_total: int
    accelerator: str
    rel: float
    steps: int
    wait_share: float
    init_ns: int


@dataclass(frozen=True, slots=True)
class ModelResult:
    """Raw samples of one model: round -> nanoseconds of ``loops`` runs. ``checksum`` is the sum and the absolute sum of
    its outputs, None for a tool that does not show them; ``partitions`` is the number of parts that ``delegate``
    executed; ``init_ns`` the time of loading, compilation and the first run, 0 where it was not taken; ``delegated``
    what a requested delegate did."""

    name: str
    loops: int
    warmup: int
    samples_ns: Sequence[Sequence[int]]
    checksum: tuple[float, float] | None
    delegate: str
    partitions: int
    init_ns: int = 0
    delegated: Delegated | None = None


@dataclass(frozen=True, slots=True)
class ModelError:
    """A model that failed: ``stage`` is 'load', 'run', 'output', or PART (``edgenas.latency_tables.records``)."""

    name: str
    stage: str
    message: str


@dataclass(frozen=True, slots=True)
class BatchOutput:
    """Output of a batch; not ``complete`` where the end line is missing, but every record in it is whole."""

    header: Header
    results: tuple[ModelResult, ...]
    errors: tuple[ModelError, ...]
    complete: bool


def parse_description(text: str) -> Description:
    """Parse the output of --describe; OutputError for any other text."""
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
            **_found(fields),
        )
        fields.done()
    except ValueError as error:
        raise OutputError(f"the runner's description was not understood: {error}") from error
    return found


def parse_batch(text: str) -> BatchOutput | None:
    """Parse the output of a plan; None when it ended before the first line was complete. OutputError for any text that
    the runner does not write; an incomplete last line is left out."""
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
    unknown = [name for name in names if name not in SCHEDULERS]
    if unknown:
        raise ValueError(f"unknown scheduler {unknown[0]!r:.40}")
    return tuple(names)


def _found(fields: Fields) -> dict[str, Any]:
    """Return the fields of a description that it has only with a requested delegate."""
    if fields.peek("nodes_total") is None:
        return {}
    found: dict[str, Any] = {name: fields.text(name) for name in ("accelerator", "arithmetic")}
    found |= {name: fields.whole(name, 0, 1 << 20) for name in ("nodes_taken", "nodes_total")}
    left = fields.list("left", 1000)
    named = Fields({str(i): name for i, name in enumerate(left)}, "left")
    return {**found, "left": tuple(named.text(str(i), 100) for i in range(len(left)))}


def read_installed(fields: Fields) -> Installed:
    """Read the installed runtime. Raises ValueError."""
    runtime, package, version, python, notes = (fields.text(field.name) for field in dataclasses.fields(Installed))
    return Installed(runtime, package, version, python, notes)


def read_header(fields: Fields) -> Header:
    """Read the conditions in force, with ``cold_kib`` = 0. Raises ValueError."""
    return Header(
        read_installed(fields),
        threads=fields.whole("threads", 1, 1024),
        cores=fields.wholes("cores", 0, _MAX_CPU, 4096),
        scheduler=fields.text("scheduler", 20),
    )


def _result(fields: Fields) -> ModelResult:
    found = ModelResult(
        name=fields.text("name"),
        loops=fields.whole("loops", 1, 10**6),
        warmup=fields.whole("warmup", 1, 10**9),
        samples_ns=check_samples(fields.any("samples_ns")),
        checksum=(fields.number("sum"), fields.number("abs_sum")),
        delegate=fields.text("delegate", 100),
        partitions=fields.whole("partitions", 0, 10**6),
        init_ns=0 if fields.peek("init_ns") is None else fields.whole("init_ns", 0, SAMPLE_LIMIT_NS),
        delegated=_delegated(fields),
    )
    return found if found.delegated is None else replace(found, init_ns=found.delegated.init_ns)


def _delegated(result: Fields) -> Delegated | None:
    if result.peek("delegated") is None:
        return None
    fields = Fields(result.any("delegated"), "delegated")
    found = Delegated(
        nodes_taken=fields.whole("nodes_taken", 0, 1 << 20),
        nodes_total=fields.whole("nodes_total", 0, 1 << 20),
        accelerator=fields.text("accelerator"),
        rel=fields.number("rel"),
        steps=fields.whole("steps", 0, 255),
        wait_share=fields.number("wait_share"),
        init_ns=fields.whole("init_ns", 0, SAMPLE_LIMIT_NS),
    )
    fields.done()
    return found


def _once(name: str, results: dict[str, ModelResult], errors: dict[str, ModelError]) -> None:
    if name in results or name in errors:
        raise ValueError(f"{name!r} is reported twice")
