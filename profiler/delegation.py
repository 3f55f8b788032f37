"""Delegates in a campaign: the runtime that requests one, and the refusal of what was not requested."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from edgenas.base.errors import InputError, OutcomeError
from edgenas.latency_tables.setting import Setting
from edgenas.profiler.runtimes.base import Runtime
from edgenas.profiler.runtimes.delegates import LARGEST_REL, Delegate, is_software, parse_delegate
from edgenas.profiler.runtimes.output import Description, ModelResult
from edgenas.profiler.runtimes.python_runner import PythonRunner

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan


@runtime_checkable
class Delegating(Protocol):
    """A runtime that can run models on a delegate."""

    def with_delegate(self, delegate: Delegate, plan: Plan) -> Runtime:
        """Return the runtime whose commands run models on ``delegate``, on the terms of ``plan``."""
        ...


def check_plan(plan: Plan, runtime: str) -> Delegate | None:
    """Return the delegate that ``plan`` requests of ``runtime``, None for none; InputError where they do not fit."""
    if not plan.requested:
        if plan.partial or plan.software:
            option = "--partial" if plan.partial else "--software"
            raise InputError(f"{option} belongs to --delegate: add --delegate NAME")
        return None
    delegate = parse_delegate(plan.requested, runtime)
    if plan.threads > 1 and not delegate.on_cpu:
        raise InputError(f"--threads {plan.threads}: {delegate} does not use the CPU's threads; leave out --threads")
    if plan.precision == "int8" and not delegate.kind.int8:
        raise InputError(
            f"{delegate} computes int8 files in floating point, so their times are not those of int8: measure fp32, or "
            "leave out --delegate"
        )
    return delegate


def fits(plan: Plan, runtime: str) -> bool:
    """Return whether ``runtime`` has the delegate that ``plan`` requests, for models of its precision."""
    try:
        check_plan(plan, runtime)
    except InputError:
        return False
    return True


def delegated(runtime: Runtime, plan: Plan, libraries: str = "") -> Runtime:
    """Return the runtime that measures by ``plan``, with the delegate that it requests, whose vendor's libraries are in
    the folder ``libraries`` of the device; InputError where the runtime has none of that name."""
    delegate = check_plan(plan, runtime.name)
    if delegate is None:
        return runtime
    if not isinstance(runtime, Delegating):
        raise InputError(f"--delegate {delegate}: {runtime.name} runs no delegates of the user's choice")
    made = runtime.with_delegate(delegate, plan)
    if isinstance(made, PythonRunner) and made.delegate is not None:
        return replace(made, delegate={**made.delegate, "libraries": libraries})
    return made


def without_meaningless(plan: Plan, runtime: str) -> Plan:
    """Return ``plan`` without what its delegate makes meaningless: another model before a run changes the caches of
    the CPU only."""
    delegate = check_plan(plan, runtime)
    return plan if delegate is None or delegate.cold else replace(plan, cold_kib=0)


def check_found(device: str, found: Description, plan: Plan) -> None:
    """Raise OutcomeError where the delegate that computes is not what ``plan`` allows: software, or a part only."""
    if not plan.requested:
        return
    if is_software(found.accelerator) and not plan.software:
        raise OutcomeError(
            f"{device}: {plan.requested} is software here ({found.accelerator}), whose times say nothing of an "
            "accelerator; add --software to measure it anyhow, in a table of its own"
        )
    if found.nodes_taken < found.nodes_total and not plan.partial:
        raise OutcomeError(
            f"{device}: {plan.requested} takes {found.nodes_taken} of {found.nodes_total} operators; add --partial to "
            "measure it together with the CPU, in a table of its own"
        )


def fault_of(result: ModelResult, setting: Setting) -> str | None:
    """Return a message where a model was not computed as ``setting`` says; None otherwise."""
    if result.delegate != setting.delegate:
        found = result.delegated
        if found is not None and result.delegate == setting.delegate.removesuffix("+cpu"):
            return None  # the delegate took this model whole, and others of the table in part
        return f"computed by {result.delegate}, but the setting of this table says {setting.delegate}"
    found = result.delegated
    if found is None:
        return f"{setting.delegate} does not say that it computed" if setting.nodes_total else None
    if found.accelerator != setting.accelerator:
        return f"computed on {found.accelerator}, but the setting of this table says {setting.accelerator}"
    limit = LARGEST_REL.get(setting.arithmetic)
    if limit is not None and found.rel > limit:
        return (
            f"{setting.delegate} computes other numbers than the CPU: they are {found.rel:.2g} of the largest output "
            f"apart, and {limit:g} is the most for {setting.arithmetic}"
        )
    return None
