"""Summary of ``edgenas verify``, with the next command."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.counted import counted
from edgenas.cli.terminal import Cell, print_summary, talk

if TYPE_CHECKING:
    from edgenas.bundle.repeat import RepeatedVerdict
    from edgenas.profiler.verdict import Verdict

_ROOM = 1.1  # proposed budget over the measured latency


def tell_disturbed(verdicts: Sequence[Verdict]) -> None:
    """Print a message for each file inside its budget by the statistic that counts and not by its median."""
    for v in verdicts:
        if v.disturbed:
            talk(
                f"{v.file} is inside {v.budget_ms:g} ms by the {v.statistic} of its samples, and not by its median of "
                f"{v.median_ms:.4g} ms: other work or heat slowed {v.device} down; verify it again when that is over, "
                "or compare the median with the budget: --statistic median"
            )


def sum_up(files: Sequence[Path], device: str, verdicts: Sequence[Verdict]) -> None:
    """Print the summary of files that are inside their budget, or have none."""
    chosen = "" if device == "local" else f" --device {shlex.quote(device)}"
    again = f"edgenas verify {' '.join(shlex.quote(str(file)) for file in files)}{chosen}"
    budgets = [v.budget_ms for v in verdicts if v.budget_ms is not None]
    summary: dict[str, Cell] = {"files": len(verdicts)}
    if budgets:
        summary["inside budget"] = f"{len(budgets)} of {len(verdicts)}, {budgets[0]:g} ms"
        then = f"{again} --budget-ms {budgets[0]:g} --json > verified.json, then edgenas report verified.json"
    else:
        most = max(v.high_ms for v in verdicts)
        summary["slowest"] = f"{most:.4g} ms, upper end of its 95 % interval"
        then = f"{again} --budget-ms {_ROOM * most:.3g}"
    last = max(verdicts, key=lambda v: v.high_ms)
    inside = f"{counted(len(budgets), 'file', 'is')} inside {budgets[0]:g} ms" if budgets else "no budget was given"
    slowest = f"the slowest, {last.file}, takes {last.measured_ms:.4g} ms, at most {last.high_ms:.4g}"
    print_summary({**summary, "next": then}, f"{inside}; {slowest}")


def sum_up_bundle(bundle: Path, found: Sequence[RepeatedVerdict]) -> None:
    """Print the summary of a bundle whose measurements agree, or cannot be compared."""
    recorded = [each for each in found if each.recorded is not None]
    same = sum(each.agree is True for each in recorded)
    other = sum(each.agree is None for each in recorded)
    others = f", {other} of another device" if other else ""
    agree = f"{same} of {len(recorded) - other}{others}" if recorded else "the bundle records no measurement"
    print_summary(
        {
            "hashes": "unchanged",
            "agree": agree,
            "next": f"read {shlex.quote(str(bundle))}/README.md: contents of the bundle, and how to run it",
        },
        f"no file was changed; {same} of {counted(len(found) - other, 'latency')} agree with the record",
    )
