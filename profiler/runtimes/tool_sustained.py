"""Sustained run of one model by a tool: runs of a few seconds, one after another, as rounds of a batch.

A tool prints no single inferences: the deciles of a minute are those of the means of its runs. Between two runs the
tool loads the model again, which keeps the cores busy as well. Nothing is run by this module.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from edgenas.profiler.runtimes.sustained import Minute, SustainedRequest, deciles
from edgenas.profiler.runtimes.tool_dialects import Burst
from edgenas.profiler.runtimes.tool_output import ToolRun

if TYPE_CHECKING:
    from edgenas.profiler.plan import Plan

_A_MINUTE = 20  # runs of the tool per minute: of 3 s each in a minute of 60 s
_MOST_RUNS = 9_000  # most runs in all, below a plan's limit of rounds
_ONE_RUN_S = 60  # time limit, s, for a slow device to begin the single run that shows the memory


def burst_plan(plan: Plan, task: SustainedRequest) -> Plan:
    """Return ``plan`` with rounds that are runs of the tool, until ``task.seconds`` have passed; one round for memory
    only."""
    burst_s = max(task.minute_s / _A_MINUTE, task.seconds / _MOST_RUNS, 0.1)
    tenths = max(1, round(burst_s * 10))
    return replace(
        plan,
        rounds=math.ceil(task.seconds / burst_s) + 1 if task.seconds else 1,
        samples=tenths,
        min_sample_us=100_000,
        max_round_ms=tenths * 100,
        warmup_runs=1,
        warmup_ms=0,
        limit_s=math.ceil(task.seconds) or _ONE_RUN_S,
    )


def minutes_of(ran: Sequence[tuple[ToolRun, Burst]], minute_s: float) -> tuple[Minute, ...]:
    """Return the minutes of a sustained run: each run of the tool counts in the minute in which it began, and the last
    minute ends with its last run."""
    first_s = ran[0][0].began_s
    found: dict[int, list[tuple[ToolRun, Burst]]] = {}
    for run, burst in ran:
        found.setdefault(int((run.began_s - first_s) // minute_s), []).append((run, burst))
    minutes = []
    for number, bursts in found.items():
        means = [burst.mean_ns for _, burst in bursts]
        last, begin_s = bursts[-1][0], first_s + number * minute_s
        seconds = minute_s if number < max(found) else max(1.0, last.began_s + last.seconds - begin_s)
        runs = sum(burst.runs for _, burst in bursts)
        minutes.append(Minute(number, number * minute_s, seconds, runs, deciles(means), tuple(means)))
    return tuple(minutes)
