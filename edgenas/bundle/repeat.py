"""Repeating a bundle's measurement: the same files in the same way, and whether both agree within their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgenas.base.errors import InputError
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.jsonl import read_lines
from edgenas.profiler.verify import Verdict, verify_files
from edgenas.runs.files import VerdictData, checked


@dataclass(frozen=True, slots=True)
class RepeatedVerdict:
    """A file then and now. ``agree`` is None where the two are not to be compared, for what is in ``differences``."""

    then: VerdictData
    now: Verdict
    differences: tuple[str, ...]
    agree: bool | None

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "then": self.then.model_dump(),
            "now": self.now.as_dict(),
            "differences": list(self.differences),
            "agree": self.agree,
        }


def recorded(bundle: Path) -> list[tuple[VerdictData, Setting]]:
    """What the bundle says was measured, each with its setting; InputError for a damaged file."""
    path = bundle / "verification.jsonl"
    found = []
    for number, record in read_lines(path).records:
        try:
            setting = Setting.from_dict(record.get("setting"))
        except ValueError as error:
            raise InputError(f"{path}, line {number}: {error}; get the bundle again") from error
        verdict: VerdictData = checked(VerdictData, record, path)
        if Path(verdict.file).name != verdict.file:
            raise InputError(f"{path}, line {number}: {verdict.file!r} is no file of the bundle; get the bundle again")
        found.append((verdict, setting))
    if not found:
        raise InputError(f"{path} says nothing was measured; make the bundle again: edgenas bundle")
    return found


def repeat(
    bundle: Path,
    entry: Entry,
    *,
    rounds: int = 20,
    processes: int = 4,
    most: int | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[RepeatedVerdict]:
    """Time every file of the bundle on a device, and hold each against its own record."""
    from edgenas.devices.facts.facts import fingerprint, read_facts
    from edgenas.latency_tables.setting import device_pairs
    from edgenas.profiler.plan import Plan

    here = dict(device_pairs(fingerprint(read_facts(entry.open()))))
    made = []
    for then, setting in recorded(bundle):
        was = dict(setting.device)
        names = sorted(n for n in {*was, *here} if was.get(n) != here.get(n))
        differences = tuple(f"{name} {was.get(name)} / {here.get(name)}" for name in names)
        plan = Plan(
            rounds=rounds,
            threads=setting.threads,
            cores=entry.cores,
            cold_kib=setting.cold_kib,
            precision=setting.precision,
        )
        (now,) = verify_files(
            entry,
            {then.file: (bundle / then.file).read_bytes()},
            then.runtime,
            plan=plan,
            processes=processes,
            most=most,
            budget_ms=then.budget_ms,
            predicted_ms=then.predicted_ms,
            statistic=then.statistic,
            force=force,
            say=say,
            progress=progress,
        )
        made.append(RepeatedVerdict(then, now, differences, None if differences else agree(then, now)))
    return made


def agree(then: VerdictData, now: Verdict) -> bool:
    """Whether two independent measurements differ by no more than their 95 % intervals explain: the logarithm of their
    ratio within the root of the sum of the squares of both half-widths."""
    apart = math.log(now.measured_ms / then.measured_ms)
    half = [math.log(high / low) / 2 for low, high in ((then.low_ms, then.high_ms), (now.low_ms, now.high_ms))]
    return abs(apart) <= math.hypot(*half)
