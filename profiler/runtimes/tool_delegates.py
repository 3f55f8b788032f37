"""Runs of a tool called benchmark_model with a delegate: the command lines, and what its output proves. Nothing is run.

A run counts only where the log or the file of the runtime's nodes proves that the delegate took the whole model
(``delegation``), or where the plan permits the CPU beside it. Refused besides: an accelerator that is absent, a backend
that was not asked for, a GPU that is imitated in software, and times of a GPU that the tool does not wait for. LiteRT
2's older tools do not: they print how long it takes to hand the work over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.text import printable
from edgenas.profiler.runtimes.benchmark_flags import ToolFlags, command
from edgenas.profiler.runtimes.benchmark_model import ToolReport, parse_run
from edgenas.profiler.runtimes.delegates import WITH_CPU, Delegate, parse_delegate
from edgenas.profiler.runtimes.delegation import LogVerdict, classify
from edgenas.profiler.runtimes.output import OutputError, PartError
from edgenas.profiler.runtimes.tool_accelerators import (
    LITERT,
    OPTIONAL,
    TENSORFLOW,
    TOOL_NAMES,
    accelerator_flags,
    arithmetic,
)
from edgenas.profiler.runtimes.tool_comparison import Difference, difference, wrong
from edgenas.profiler.runtimes.tool_files import files_in, parse_result, parse_runtime_info, without_files
from edgenas.profiler.runtimes.tool_script import TOOL, ToolChoice

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan

RUNTIME = "benchmark_model"
_LISTING = re.compile(r"^ERROR: (?=Following operations are not supported by )", re.M)
_BACKENDS = {"cl": "OpenCL", "gl": "OpenGL", "webgpu": "WebGPU"}


@dataclass(frozen=True, slots=True)
class DelegatedRun:
    """One run with a delegate: its report, what computed, the adapter as it names itself, and the operators that the
    delegate took, of all; None where nothing counts them. ``init_ns``: initialisation and first inference.
    ``difference`` of the outputs to the CPU's, where they were compared; ``left`` are operators that it does not take.
    """

    report: ToolReport
    delegate: str
    accelerator: str
    nodes: tuple[int, int] | None
    init_ns: int
    difference: Difference | None = None
    left: tuple[str, ...] = ()


def choices(plan: Plan, flags: ToolFlags) -> Mapping[str, ToolChoice]:
    """Return the command line for each of the tools; InputError where neither has the delegate of the plan."""
    delegate = parse_delegate(plan.requested, RUNTIME)
    found = {tool: _choice(tool, delegate, plan, flags) for tool in (LITERT, TENSORFLOW)}
    if all(choice.lacks for choice in found.values()):
        raise InputError(f"--delegate {delegate}: the tool would have to be {found[LITERT].lacks}")
    return found


def delegated_flags(tool: str, plan: Plan, flags: ToolFlags) -> ToolFlags:
    """Return the flags of a run with the delegate of the plan. InputError where the tool does not have it."""
    delegate = parse_delegate(plan.requested, RUNTIME)
    added = accelerator_flags(tool, delegate, partial=plan.partial)
    return replace(flags, use_xnnpack=None, accelerator=added, optional=OPTIONAL)


def read_delegated(plan: Plan, tool: str, flags: ToolFlags, stdout: str, stderr: str) -> DelegatedRun:
    """Parse a run that ended well; OutputError where it does not prove that the delegate computed, with the remedy."""
    delegate = parse_delegate(plan.requested, RUNTIME)
    own = without_files(stderr)
    alone = tool == LITERT and delegate.name == "gpu" and not plan.partial and "require_full" not in _unknown(stdout)
    said = classify(f"{stdout}\n{own}", alone=alone, finished=True)
    try:
        files = files_in(stderr)
        said, nodes = _with_nodes(said, files.get("info"), npu=tool == LITERT and delegate.name != "gpu")
    except ValueError as error:
        raise OutputError(f"{RUNTIME}: {error}") from error
    if why := refusal(plan, delegate, tool, said):
        raise PartError(why) if _in_part(said) and not plan.partial else OutputError(why)
    if plan.partial:  # the list of operators that are not taken is no failure then
        stdout, own = (_LISTING.sub("INFO: ", text) for text in (stdout, own))
    report = parse_run(stdout, own, asked=delegated_flags(tool, plan, flags))
    if "result" in files:
        _check_result(files["result"], report)
    found = _difference(files, plan, delegate)
    name = str(replace(delegate, what="")) if delegate.what == "fp32" else str(delegate)
    init_ns = (report.init_us + report.warmup.first_us) * 1000
    left = tuple(dict.fromkeys(text.partition(":")[0] for text in said.operators))
    computed_by = name + (WITH_CPU if plan.partial else "")
    return DelegatedRun(report, computed_by, _accelerator(said), nodes, init_ns, found, left)


def _difference(files: Mapping[str, bytes], plan: Plan, delegate: Delegate) -> Difference | None:
    """Return how far the outputs are from the CPU's, None where the tool did not write them; OutputError where they are
    wrong."""
    if "numbers" not in files or "reference" not in files:
        return None
    try:
        found = difference(files["numbers"], files["reference"], plan.precision)
    except ValueError as error:
        raise OutputError(f"{RUNTIME}: {error}") from error
    if why := wrong(found, str(delegate), plan.precision, arithmetic(delegate)):
        raise OutputError(f"{why}: leave such blocks out, or use another delegate")
    return found


def why_failed(plan: Plan, stdout: str, stderr: str) -> str:
    """Return why a run with a delegate failed; '' where the log does not tell."""
    delegate = parse_delegate(plan.requested, RUNTIME)
    said = classify(f"{stdout}\n{without_files(stderr)}")
    # a run that failed is no partial delegation that was permitted
    return "" if said.verdict in ("unproven", "complete") else refusal(replace(plan, partial=False), delegate, "", said)


def took_part(stdout: str, stderr: str) -> bool:
    """Return whether the log of a run that failed says that the delegate takes only a part of the model."""
    return _in_part(classify(f"{stdout}\n{without_files(stderr)}"))


def _in_part(said: LogVerdict) -> bool:
    return said.verdict == "partial" or (said.verdict == "none" and bool(said.operators))


def refusal(plan: Plan, delegate: Delegate, tool: str, said: LogVerdict) -> str:
    """Return why a run does not count, and what to do; '' where it does."""
    operators = f"; not taken: {'; '.join(said.operators)}" if said.operators else ""
    if delegate.name == "nnapi" and delegate.what and said.available and delegate.what not in said.available:
        return f"{delegate} is absent: the phone has {', '.join(f'nnapi:{name}' for name in said.available)}"
    match said.verdict:
        case "partial" if not plan.partial:
            count = f"takes {said.counted[0]} of {said.counted[1]} operators" if said.counted else "takes a part only"
            return printable(
                f"{delegate} {count} ({said.reason}){operators}; leave such blocks out of the space, or "
                "measure the CPU beside it with --partial",
                900,
            )
        case "none":
            others = f"; the phone has {', '.join(f'nnapi:{n}' for n in said.available)}" if said.available else ""
            return printable(
                f"{delegate} computes nothing: {said.reason}{operators}; the tool would time the CPU{others}", 900
            )
        case "failed":
            return printable(f"{delegate} failed: {said.reason}{operators}; {_after_failure(delegate)}", 900)
        case "unproven":
            return f"no line of {RUNTIME} proves that {delegate} computes; use a newer build of the tool"
    if delegate.what in _BACKENDS and said.backend and said.backend != _BACKENDS[delegate.what]:
        return f"{delegate} was asked for, but {said.backend} computes"
    if said.software and not plan.software:
        return (
            f"{delegate} is imitated by the CPU: {said.adapter}; measure it with --software, or use a phone with a GPU"
        )
    if tool == LITERT and delegate.name == "gpu" and not said.waits:
        return (
            f"{TOOL_NAMES[LITERT]} does not say that it waits for the GPU ('Benchmark mode is enabled.'), so its times "
            f"may be those of an asynchronous start; use gpu:webgpu, a newer build, or {TOOL_NAMES[TENSORFLOW]}"
        )
    return ""


def _after_failure(delegate: Delegate) -> str:
    if delegate.name == "gpu":
        return "the phone may lack this API: try gpu:cl and gpu:gl"
    return "check that the phone's chip has it, and that its libraries are of the same version as the tool"


def _choice(tool: str, delegate: Delegate, plan: Plan, flags: ToolFlags) -> ToolChoice:
    try:
        added = delegated_flags(tool, plan, flags)
    except InputError as error:
        return ToolChoice(TOOL_NAMES[tool], lacks=str(error))
    needed = tuple(name for name in added.accelerator if name not in OPTIONAL and name != "use_xnnpack")
    more = ("external_delegate_path",) if delegate.name == "external" else ()
    run = tuple(command(TOOL, added, plan.cores or ()))
    return ToolChoice(TOOL_NAMES[tool], run, (*needed, *more), compared=_compared(added) if tool == TENSORFLOW else ())


def _compared(flags: ToolFlags) -> tuple[tuple[str, ...], ...]:
    """Return two command lines that compute one output: with the delegate, and with XNNPACK."""
    once = replace(flags, warmup_runs=1, warmup_min_s=0.0, num_runs=1, min_s=0.0)
    named = {k: v for k, v in flags.accelerator.items() if not k.endswith(("_file", "_file_path"))}
    cpu = replace(once, use_xnnpack=True, accelerator={}, threads=1)
    return tuple(command(TOOL, replace(once, accelerator=named), ())), tuple(command(TOOL, cpu, ()))


def _with_nodes(said: LogVerdict, info: bytes | None, *, npu: bool) -> tuple[LogVerdict, tuple[int, int] | None]:
    """Return the verdict with that of the file of nodes, which counts them by delegate and names the others; and
    (taken, total). The file of an NPU's run is of the graph after its compiler, and proves nothing alone."""
    if info is None:
        return said, said.counted
    nodes = parse_runtime_info(info)
    taken = sum(count for name, count in nodes.taken.items() if "xnnpack" not in name.lower())
    left = tuple(f"{name}: not taken" for name in dict.fromkeys(nodes.left))
    counted = said.counted if npu else (taken, nodes.total)
    reason = f"the delegate takes {taken} of {nodes.total} nodes"
    if said.verdict in ("failed", "none", "partial"):
        return replace(said, operators=said.operators or left), counted
    if taken < nodes.total:
        verdict = replace(said, verdict="partial" if taken else "none", reason=reason, operators=said.operators or left)
        return verdict, counted
    if said.verdict == "unproven" and not npu:
        return replace(said, verdict="complete", reason=reason), counted
    return said, counted


def _check_result(raw: bytes, report: ToolReport) -> None:
    """Raise OutputError where the result file contradicts the log."""
    try:
        why = parse_result(raw).contradicts(report.init_us / 1e3, report.warmup, report.runs)
    except ValueError as error:
        why = str(error)
    if why:
        raise OutputError(f"{RUNTIME}: {why}")


def _accelerator(said: LogVerdict) -> str:
    """Return adapter, delegate and API as they name themselves."""
    names = [name for name in said.names if "xnnpack" not in name.lower()]
    return printable(", ".join(filter(None, (said.adapter, *names, said.backend))), 200)


def _unknown(stdout: str) -> str:
    return " ".join(re.findall(r"Unconsumed cmdline flags: (.*)", stdout))
