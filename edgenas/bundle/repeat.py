"""Repeat a bundle's measurement: the same files in the same setting, compared with the record by their intervals."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.setting import Setting
from edgenas.profiler.export.opening import read_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.verdict import Verdict
from edgenas.profiler.verify import plan_in, runtime_of, verify_files
from edgenas.runs.forms import plain
from edgenas.runs.layout import RUN as RUN_FILE
from edgenas.runs.layout import VERIFICATION as VERIFICATION_FILE
from edgenas.runs.menu import MENU_FILE, read_menu
from edgenas.runs.run import RUN, RunRecord
from edgenas.runs.verification import VERIFICATION


@dataclass(frozen=True, slots=True)
class RepeatedVerdict:
    """Verdict on a file that the bundle records, and the verdict of the repeated measurement.

    recorded      None where the bundle records no measurement: its latency is the prediction of an imported table
    differences   facts of the device that differ, such as 'model A / B'
    agree         whether both agree within their intervals; None where ``differences`` forbid the comparison
    """

    recorded: Verdict | None
    repeated: Verdict
    differences: tuple[str, ...]
    agree: bool | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values, as ``edgenas verify BUNDLE --json`` prints them."""
        return {
            "recorded": None if self.recorded is None else plain(self.recorded),
            "repeated": plain(self.repeated),
            "differences": list(self.differences),
            "agree": self.agree,
        }


def recorded(bundle: Path) -> list[tuple[Verdict, Setting]]:
    """Return the verdicts that the bundle records, each with its setting; none where no device was at hand. InputError
    for a damaged file."""
    path = bundle / VERIFICATION_FILE
    packed = _pack(bundle) is not None
    found = []
    for number, verdict in enumerate(VERIFICATION.read_lines(path), 1):
        if verdict.setting is None:
            raise InputError(f"{path}, line {number}: setting is missing; get the bundle again")
        if Path(verdict.file).name != verdict.file or not (packed or (bundle / verdict.file).is_file()):
            raise InputError(f"{path}, line {number}: {verdict.file!r} is no file of the bundle; get the bundle again")
        found.append((verdict, verdict.setting))
    if not found and _predicted(bundle) is None:
        raise InputError(f"{path} records no measurement; make the bundle again: edgenas bundle")
    return found


def _predicted(bundle: Path) -> RunRecord | None:
    """Return the record of a run whose files were predicted by an imported table and not measured; else None."""
    path = bundle / RUN_FILE
    found = RUN.read(path) if path.is_file() else None
    return None if found is None or found.verdicts or found.brought is None else found


def repeat(
    bundle: Path,
    entry: Entry,
    *,
    rounds: int = 20,
    processes: int = 4,
    most: int | None = None,
    force: bool = False,
    listener: Listener = SILENT,
) -> list[RepeatedVerdict]:
    """Time every file of the bundle on a device, and compare each with its record.

    ``rounds`` interleaved rounds in each of ``processes`` fresh processes; up to ``most`` processes while a file is
    outside its budget.
    """
    made: list[RepeatedVerdict] = []
    records = recorded(bundle)
    if not records:
        return _first_time(bundle, entry, rounds, processes, most, force, listener)
    models = _models(bundle, [old.file for old, _ in records])
    for (old, setting), model in zip(records, models, strict=True):
        (new,) = verify_files(
            entry,
            {old.file: model},
            old.runtime,
            plan=plan_in(setting, entry, rounds=rounds),
            processes=processes,
            most=most,
            budget_ms=old.budget_ms,
            predicted_ms=old.predicted_ms,
            statistic=old.statistic,
            force=force,
            listener=listener,
        )
        assert new.setting is not None  # a new measurement has its setting
        # Facts of both devices, read while the clock was held where that is possible
        before, after = dict(setting.device), dict(new.setting.device)
        names = sorted(n for n in {*before, *after} if before.get(n) != after.get(n))
        differences = tuple(f"{name} {before.get(name)} / {after.get(name)}" for name in names)
        made.append(RepeatedVerdict(old, new, differences, None if differences else agree(old, new)))
    return made


def _first_time(
    bundle: Path, entry: Entry, rounds: int, processes: int, most: int | None, force: bool, listener: Listener
) -> list[RepeatedVerdict]:
    """Time the files of a bundle that records no measurement, each that a runtime of the device runs."""
    run = _predicted(bundle)
    assert run is not None
    listener.message(f"{bundle} records no measurement: its latency is predicted by {run.brought}")
    made = []
    for number, (name, file) in enumerate(run.files.items()):
        try:
            runtime = runtime_of(Path(name), entry)
        except InputError as error:
            listener.message(str(error))
            continue
        computed = "int8" if file.precision == "int8" else "fp32"
        (model,) = read_models([bundle / name])
        (new,) = verify_files(
            entry,
            {name: model},
            runtime,
            plan=Plan(rounds=rounds, cores=entry.cores, precision=computed),
            processes=processes,
            most=most if number == 0 else None,
            budget_ms=run.budget_ms if number == 0 else None,
            predicted_ms=run.predicted_ms if number == 0 else None,
            force=force,
            listener=listener,
        )
        made.append(RepeatedVerdict(None, new, (), None))
    return made


def _pack(bundle: Path) -> dict[str, str] | None:
    """Return the names of the files of a packed menu; None for other bundles."""
    return read_menu(bundle).pack if (bundle / MENU_FILE).is_file() else None


def _models(bundle: Path, names: Sequence[str]) -> list[bytes]:
    """Return the contents of model files of a bundle; those of a packed menu are put together first."""
    from edgenas.adaptive.device.pack import unpacked

    pack = _pack(bundle)
    if pack is None:
        return read_models([bundle / name for name in names])
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            (Path(folder) / name).write_bytes(unpacked(bundle, pack, name))
        return read_models([Path(folder) / name for name in names])


def agree(recorded: Verdict, repeated: Verdict) -> bool:
    """Return whether the difference of two independent measurements is within their 95 % intervals.

    The logarithm of their ratio must be at most the root of the sum of squares of both half-widths.
    """
    log_ratio = math.log(repeated.measured_ms / recorded.measured_ms)
    half = [math.log(each.high_ms / each.low_ms) / 2 for each in (recorded, repeated)]
    return abs(log_ratio) <= math.hypot(*half)
