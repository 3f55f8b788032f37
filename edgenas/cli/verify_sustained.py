"""``edgenas verify --sustained``: minute by minute, and how much slower the last ones are than the first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.naming import among
from edgenas.cli.terminal import print_json, print_summary, print_table, talk
from edgenas.runs.layout import SUSTAINED as SUSTAINED_FILE

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
LEAST_S, MOST_S = 10.0, 86_400.0
DEFAULT_OUT = Path(SUSTAINED_FILE)  #: for a bundle, which itself is never changed


def seconds_of(text: str) -> float:
    """'90s', '10m' or '1.5h' in seconds; InputError."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smh])", text)
    seconds = float(found[1]) * _UNITS_S[found[2]] if found else 0.0
    if not LEAST_S <= seconds <= MOST_S:
        raise InputError(f"--sustained {text!r} is no time from 10s to 24h; write it as 90s, 10m or 1h")
    return seconds


def sustain_files(
    files: Sequence[Path],
    entry: Entry,
    text: str,
    *,
    threads: int,
    statistic: str | None,
    budget_ms: float | None,
    out: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Files, or one bundle: each for as long as ``text`` says, one after another. OutcomeError where one is outside its
    budget in its worst minute, or was broken off; what was measured is printed, and appended to ``out``, either way."""
    from edgenas.profiler.sustained import STATISTICS
    from edgenas.profiler.verify import runtime_of
    from edgenas.runs.sustained import SUSTAINED

    seconds = seconds_of(text)
    if statistic is not None and statistic not in STATISTICS:
        raise InputError(
            f"--statistic {statistic} is not one of {among(statistic, STATISTICS)}; a minute is judged by one of these"
        )
    if len(files) == 1 and files[0].is_dir():
        bundle = files[0]
        out = out or DEFAULT_OUT
        if out.resolve().is_relative_to(bundle.resolve()):
            raise InputError(f"{out} lies in the bundle, which is never changed; name a file elsewhere with -o")
        asked = _of_bundle(bundle, entry)
    else:
        asked = [(path, runtime_of(path, entry), threads, budget_ms) for path in files]
    models = [_read(path) for path, *_ in asked]
    if out is not None and out.exists():
        SUSTAINED.read_lines(out)  # what is appended to is of a version that this edgenas knows
    found: list[SustainedLoad] = []
    try:
        for (path, runtime, using, budget), model in zip(asked, models, strict=True):
            one = _sustain(entry, path, model, runtime, seconds, using, budget, statistic or "median", force)
            found.append(one)
            if out is not None:
                _append(out, one)
            if not as_json:
                print_sustained(one)
            if one.stopped:
                break
    finally:
        if as_json and found:
            print_json([SUSTAINED.to_json(one) for one in found])
    if out is not None and not as_json:
        print_summary({"written": str(out)})
    _judge(found)


def print_sustained(one: SustainedLoad) -> None:
    """A table of minutes, and what they come to."""
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
        last = f"the last {slower.minutes} minutes" if slower.minutes > 1 else "the last minute"
        percent = f"{_percent(slower.ratio)} ({_percent(slower.low)} .. {_percent(slower.high)}, 95 %)"
        print_summary({"slower": f"{last} against the first: {percent}"})
    worst = f"minute {one.worst.minute}: {one.statistic} {one.value_ms(one.worst):.4g} ms"
    kept = {True: f", inside {one.budget_ms} ms", False: f", OUTSIDE {one.budget_ms} ms", None: ""}[one.within_budget]
    print_summary({"worst": worst + kept})


def _sustain(
    entry: Entry,
    path: Path,
    model: bytes,
    runtime: str,
    seconds: float,
    threads: int,
    budget_ms: float | None,
    statistic: str,
    force: bool,
) -> SustainedLoad:
    from edgenas.profiler.sustained import sustain

    def tell(felt: MinuteReading) -> None:
        heat = "" if felt.temperature_c is None else f", {felt.temperature_c:.1f} °C"
        clock = "" if felt.clock_mhz is None else f", {felt.clock_mhz:.0f} MHz"
        held_back = "".join(f", {flag}" for flag in felt.throttled)
        talk(
            f"{path.name}: minute {felt.minute} of {-(-seconds // 60):.0f}: median {felt.median_ms:.4g} ms, "
            f"p90 {felt.p90_ms:.4g} ms{heat}{clock}{held_back}"
        )

    return sustain(
        entry,
        str(path),
        model,
        runtime,
        seconds,
        threads=threads,
        budget_ms=budget_ms,
        statistic=statistic,
        force=force,
        say=talk,
        tell=tell,
    )


def _judge(found: Sequence[SustainedLoad]) -> None:
    for one in found:
        if one.stopped:
            raise OutcomeError(
                f"{one.file} ran for {sum(m.seconds for m in one.minutes) / 60:.1f} of {one.asked_s / 60:.1f} minutes: "
                f"{one.stopped}"
            )
    outside = [one for one in found if one.within_budget is False]
    if outside:
        worst = max(outside, key=lambda one: one.value_ms(one.worst))
        raise OutcomeError(
            f"{worst.file} is not inside {worst.budget_ms:g} ms on {worst.device} in minute {worst.worst.minute}: "
            f"{worst.statistic} {worst.value_ms(worst.worst):.4g} ms; cool the device, or search with a smaller budget"
        )


def _of_bundle(bundle: Path, entry: Entry) -> list[tuple[Path, str, int, float | None]]:
    """Every file of an unchanged bundle with what runs it on the device, and the threads and budget of its record."""
    from edgenas.bundle.repeat import recorded
    from edgenas.cli.verify_bundle import refuse_changed
    from edgenas.profiler.verify import runtime_of

    refuse_changed(bundle, as_json=False)
    files = [(bundle / verdict.file, setting.threads, verdict.budget_ms) for verdict, setting in recorded(bundle)]
    return [(path, runtime_of(path, entry), threads, budget_ms) for path, threads, budget_ms in files]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from error


def _append(out: Path, one: SustainedLoad) -> None:
    from edgenas.runs.sustained import append_sustained

    append_sustained(out, one)


def _minute(felt: MinuteReading, minute_s: float) -> str:
    """Its number, and its length where it was cut."""
    return f"{felt.minute}" if felt.seconds > 0.95 * minute_s else f"{felt.minute} ({felt.seconds:.0f} s)"


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
