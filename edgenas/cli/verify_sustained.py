"""``edgenas verify --sustained``: latency of each minute, and how much slower the last minutes are than the first."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.counted import counted
from edgenas.cli.terminal import print_json, print_pairs, print_summary, print_table
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.verify_bundle import refuse_changed

if TYPE_CHECKING:
    from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad


def sustain_files(
    files: Sequence[Path],
    text: str,
    *,
    device: str,
    inventory: Path | None,
    threads: int,
    statistic: str | None,
    budget_ms: float | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Run files, or those of one bundle, one after another, each for the time ``text`` (90s, 10m, 1h).

    OutcomeError where one is outside its budget in its worst minute, or was interrupted; measured minutes are printed,
    and appended to ``out``, in every case.
    """
    from edgenas.api.sustain import DEFAULT_OUT, changed_files, sustain
    from edgenas.runs.sustained import SUSTAINED

    if len(files) == 1 and files[0].is_dir():
        out = out or DEFAULT_OUT
        refuse_changed(changed_files(files[0], device), as_json=False)
    ended: list[SustainedLoad] = []

    def show(one: SustainedLoad) -> None:
        ended.append(one)
        if not as_json:
            print_sustained(one)

    try:
        found = sustain(
            *files,
            time=text,
            device=device,
            inventory=inventory,
            budget_ms=budget_ms,
            statistic=statistic,
            threads=threads,
            out=out,
            force=force,
            listener=TERMINAL,
            ended=show,
        )
    finally:
        if as_json and ended:
            print_json([SUSTAINED.to_json(one) for one in ended])
    if not as_json:
        print_summary({"written": str(out) if out else None}, "; ".join(f"{one.file}: {_worst(one)}" for one in ended))
    found.check()


def print_sustained(one: SustainedLoad) -> None:
    """Print a table of minutes, then how much slower the last ones are and which is the worst."""
    of = "single runs" if one.of == "run" else f"means of {one.runtime}'s runs of some seconds"
    print_table(
        ("minute", "runs", "median, ms", "p90, ms", "°C", "MHz", "throttled"),
        [
            (
                _minute(m, one.minute_s),
                m.runs,
                m.median_ms,
                m.p90_ms,
                m.temperature_c,
                None if m.clock_mhz is None else round(m.clock_mhz),
                ", ".join(m.throttled) or "-",
            )
            for m in one.minutes
        ],
        f"{one.file} on {one.device}, {one.runtime}: {of}, back to back",
    )
    slower = one.slower
    if slower is not None:
        last = f"the last {counted(slower.minutes, 'minute')}" if slower.minutes > 1 else "the last minute"
        percent = f"{_percent(slower.ratio)} ({_percent(slower.low)} .. {_percent(slower.high)}, 95 %)"
        print_pairs({"slower": f"{last} against the first: {percent}"})
    print_pairs({"worst": _worst(one)})


def _worst(one: SustainedLoad) -> str:
    """Return the worst minute in words: its time, and whether it is inside the budget."""
    kept = {True: f", inside {one.budget_ms} ms", False: f", OUTSIDE {one.budget_ms} ms", None: ""}[one.within_budget]
    return f"minute {one.worst.minute}: {one.statistic} {one.value_ms(one.worst):.4g} ms{kept}"


def _minute(reading: MinuteReading, minute_s: float) -> str:
    """Return the number of a minute, with its length in s where it was cut short."""
    return f"{reading.minute}" if reading.seconds > 0.95 * minute_s else f"{reading.minute} ({reading.seconds:.0f} s)"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
