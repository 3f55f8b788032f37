"""``edgenas.sustain``: latency of files under sustained load, minute by minute."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import among
from edgenas.runs.layout import SUSTAINED as SUSTAINED_FILE

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.verify_bundle import VerifiedBundle
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.sustained_load import SustainedLoad

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0}
LEAST_S, MOST_S = 10.0, 86_400.0
DEFAULT_OUT = Path(SUSTAINED_FILE)  #: for the results of a bundle, whose folder is never changed
Load = tuple[Path, str, int, float | None]  #: file, runtime, threads, budget in ms


def seconds_of(text: str) -> float:
    """Return a duration such as '90s', '10m' or '1.5h' in seconds; InputError unless it is from 10 s to 24 h."""
    found = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smh])", text)
    seconds = float(found[1]) * _UNITS_S[found[2]] if found else 0.0
    if not LEAST_S <= seconds <= MOST_S:
        raise InputError(f"--sustained {text!r} is not a duration from 10s to 24h; write it as 90s, 10m or 1h")
    return seconds


@dataclass(frozen=True, repr=False)
class SustainedFiles:
    """Results of each file on ``device``: statistics, temperature and clock of each minute, and the worst minute."""

    device: str
    loads: tuple[SustainedLoad, ...]

    def check(self) -> None:
        """Raise OutcomeError where a run was stopped early, or a file is outside its budget in its worst minute."""
        for one in self.loads:
            if one.stopped:
                raise OutcomeError(
                    f"{one.file} ran for {sum(m.seconds for m in one.minutes) / 60:.1f} of {one.requested_s / 60:.1f} "
                    f"minutes: {one.stopped}"
                )
        outside = [one for one in self.loads if one.within_budget is False]
        if outside:
            worst = max(outside, key=lambda one: one.value_ms(one.worst))
            raise OutcomeError(
                f"{worst.file} is not inside {worst.budget_ms:g} ms on {worst.device} in minute {worst.worst.minute}: "
                f"{worst.statistic} {worst.value_ms(worst.worst):.4g} ms; cool the device, or search with a smaller "
                "budget"
            )

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas verify --sustained --json`` prints."""
        from edgenas.runs.sustained import SUSTAINED

        return [SUSTAINED.to_json(one) for one in self.loads]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each minute of each file."""
        return frame({"file": one["file"], **minute} for one in self.to_json() for minute in one["minutes"])

    def __repr__(self) -> str:
        parts = [f"{one.file} worst minute {number(one.value_ms(one.worst))} ms" for one in self.loads]
        return f"<Sustained on {self.device}: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        rows = [{"file": one["file"], **minute} for one in self.to_json() for minute in one["minutes"]]
        return html_table(repr(self)[1:-1], rows)


def sustain(
    *files: FilePath,
    time: str = "10m",
    device: str = "local",
    inventory: FilePath | None = None,
    budget_ms: float | None = None,
    statistic: str | None = None,
    threads: int = 1,
    out: FilePath | None = None,
    force: bool = False,
    listener: Listener = SILENT,
    ended: Callable[[SustainedLoad], None] = lambda load: None,
) -> SustainedFiles:
    """Run files, or the files of one bundle, without pause for ``time`` each, as ``edgenas verify --sustained`` does.

    time        duration for each file, from '10s' to '24h', such as '90s', '10m' or '1h'
    budget_ms   budget in ms; a file is inside it where its worst minute is (a bundle has its own budgets)
    statistic   statistic of a minute that is compared with the budget (default: 'median')
    threads     threads of the runtime (a bundle has its own)
    out         file to which results are appended (default for a bundle: sustained.jsonl)
    force       measure a device even if it is busy, warm or not ready
    ended       function that is called with the result of each file as soon as it is known

    ``check()`` of the result raises OutcomeError where a file is outside its budget, or a run was stopped early.

        edgenas.sustain("model/model.tflite", time="10m", device="pi4", budget_ms=8).check()
    """
    from edgenas.profiler.export.opening import read_models
    from edgenas.profiler.sustained import STATISTICS
    from edgenas.profiler.verify import runtime_of
    from edgenas.runs.sustained import append_sustained, check_sustained

    paths, entry = [Path(file) for file in files], load_entry(inventory, device)
    kept = None if out is None else output_path(out)
    seconds = seconds_of(time)
    if not paths:
        raise InputError("name at least one .tflite or .onnx file, or a bundle")
    if budget_ms is not None:
        check_budget(budget_ms, "ms", "budget_ms")
    if statistic is not None and statistic not in STATISTICS:
        raise InputError(
            f"--statistic {statistic} is not a statistic of a minute; give one of {among(statistic, STATISTICS)}"
        )
    if len(paths) == 1 and paths[0].is_dir():
        kept = kept or DEFAULT_OUT
        if kept.resolve().is_relative_to(paths[0].resolve()):
            raise InputError(f"{kept} lies in the bundle, which is never changed; name a file elsewhere with -o")
        loads = _of_bundle(paths[0], entry)
    else:
        loads = [(path, runtime_of(path, entry), threads, budget_ms) for path in paths]
    models = read_models([path for path, *_ in loads])
    if kept is not None:
        check_sustained(kept)
    found: list[SustainedLoad] = []
    for load, model in zip(loads, models, strict=True):
        one = _sustain(entry, load, model, seconds, statistic or "median", force, listener)
        found.append(one)
        if kept is not None:
            append_sustained(kept, one)
        ended(one)
        if one.stopped:
            break
    return SustainedFiles(entry.name, tuple(found))


def _sustain(
    entry: Entry, load: Load, model: bytes, seconds: float, statistic: str, force: bool, listener: Listener
) -> SustainedLoad:
    from edgenas.profiler.sustained import sustain as run

    path, runtime, threads, budget_ms = load

    return run(
        entry,
        str(path),
        model,
        runtime,
        seconds,
        threads=threads,
        budget_ms=budget_ms,
        statistic=statistic,
        force=force,
        listener=listener,
    )


def _of_bundle(bundle: Path, entry: Entry) -> list[Load]:
    """Return every file of an unchanged bundle with its runtime on the device, and the threads and budget recorded."""
    from edgenas.bundle.repeat import recorded
    from edgenas.profiler.verify import runtime_of

    changed_files(bundle, entry.name).check()
    files = [(bundle / verdict.file, setting.threads, verdict.budget_ms) for verdict, setting in recorded(bundle)]
    return [(path, runtime_of(path, entry), threads, budget_ms) for path, threads, budget_ms in files]


def changed_files(bundle: Path, device: str) -> VerifiedBundle:
    """Return the changed files of a bundle; nothing is measured."""
    from edgenas.api.verify_bundle import VerifiedBundle
    from edgenas.runs.bundle import changed

    return VerifiedBundle(bundle, device, tuple(changed(bundle)), ())
