"""``edgenas.verify``: time exported files on a device and compare their latency with a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import predicted as predicted_by
from edgenas.api.gate import table_path
from edgenas.api.inventory import load_entry
from edgenas.api.network import Network
from edgenas.api.network import network as network_of
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.amounts import check_budget
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import check_exists
from edgenas.blocks.architecture import Architecture

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.table import Table
    from edgenas.devices.inventory import Entry
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.verdict import Verdict

_SHOWN = ("file", "device", "runtime", "statistic", "measured_ms", "low_ms", "high_ms", "predicted_ms", "budget_ms",
          "within_budget")  # fmt: skip
Key = tuple[str, str]  #: runtime, and the precision where a table predicts (else '')


@dataclass(frozen=True, repr=False)
class VerifiedFiles:
    """A verdict for each file: its latency in ms with its interval, and whether it is inside the budget."""

    device: str
    verdicts: tuple[Verdict, ...]

    def __iter__(self) -> Iterator[Verdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    @property
    def within_budget(self) -> bool | None:
        """Return True where every file is inside its budget by the upper end of its interval; None without a budget."""
        known = [v.within_budget for v in self.verdicts if v.within_budget is not None]
        return all(known) if known else None

    def check(self) -> None:
        """Raise OutcomeError where a file is not inside its budget."""
        outside = [v for v in self.verdicts if v.within_budget is False]
        if outside:
            worst = max(outside, key=lambda v: v.high_ms)
            raise OutcomeError(
                f"{worst.file} is not inside {worst.budget_ms:g} ms on {self.device}: {worst.statistic} "
                f"{worst.measured_ms:.4g} ms, upper end {worst.high_ms:.4g} ms; search again with a smaller budget"
            )

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas verify --json`` prints."""
        from edgenas.runs.verification import VERIFICATION

        return [VERIFICATION.to_json(verdict) for verdict in self.verdicts]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each file; the setting is left out."""
        return frame({key: value for key, value in row.items() if key != "setting"} for row in self.to_json())

    def __repr__(self) -> str:
        words = {True: "inside", False: "OUTSIDE", None: "no budget"}
        parts = [
            f"{v.file} {number(v.measured_ms)} ms ({number(v.low_ms)} .. {number(v.high_ms)}), {words[v.within_budget]}"
            + ("" if v.budget_ms is None else f" {v.budget_ms:g} ms")
            for v in self.verdicts
        ]
        return f"<Verified on {self.device}: {'; '.join(parts)}>"

    def _repr_html_(self) -> str:
        return html_table(f"{counted(len(self.verdicts), 'file')} on {self.device}", self.to_json(), _SHOWN)


def verify(
    *files: FilePath,
    device: str = "local",
    inventory: FilePath | None = None,
    budget_ms: float | None = None,
    network: str | Path | Architecture | Network | None = None,
    table: FilePath | Table | Sequence[FilePath | Table] = (),
    statistic: str | None = None,
    threads: int | None = None,
    delegate: str | None = None,
    partial: bool = False,
    software: bool = False,
    rounds: int = 20,
    processes: int = 3,
    most_processes: int = 12,
    force: bool = False,
    listener: Listener = SILENT,
) -> VerifiedFiles:
    """Time .tflite and .onnx files on a device, as ``edgenas verify FILES`` does.

    budget_ms    budget in ms; a file is inside it where the upper end of its 95 % interval is
    network      network of the files
    table        latency tables that predict ``network``, each for the files of its runtime
    statistic    'min', 'median' or 'p90' (default: that of the table's validation, or 'median')
    threads      threads of the runtime (default: those of the table, or 1)
    delegate     what computes, NAME or NAME:WHAT (default: what the table was measured with, or what the runtime does
                 by itself); ``partial`` and ``software`` as in ``edgenas.profile``
    rounds       rounds in each process
    processes    fresh processes; up to ``most_processes`` while a file is outside the budget
    force        measure a device even if it is busy, warm or not ready

    ``check()`` of the result raises OutcomeError where a file is outside the budget. InputError for a value that breaks
    a rule; OutcomeError or DeviceError where a file cannot be measured.

    See also ``edgenas.verify_bundle`` for a bundle, ``edgenas.sustain`` for sustained load, and
    ``edgenas.verify_images`` for accuracy on the device.

        edgenas.verify("model/model.tflite", device="pi4", budget_ms=8).check()
    """
    from edgenas.latency_tables.statistics.estimates import DEFAULT
    from edgenas.profiler.verify import verify_files

    paths = [Path(file) for file in files]
    tables = [table] if isinstance(table, str | Path) or not isinstance(table, Sequence) else list(table)
    if not paths:
        raise InputError("name at least one .tflite or .onnx file to verify")
    if folders := [path for path in paths if path.is_dir()]:
        raise InputError(f"{folders[0]} is a folder: name the files in it, or edgenas.verify_bundle for a bundle")
    if (network is None) != (not tables):
        raise InputError("a prediction needs both --network and --table")
    if budget_ms is not None:
        check_budget(budget_ms, "ms", "budget_ms")
    if processes < 1:
        raise InputError(f"--processes {processes} is below 1")
    for path in paths:
        check_exists(path, "model")
    for each in tables:
        check_exists(table_path(each), "table")
    entry = load_entry(inventory, device)
    by_key = _by_key(paths, entry, bool(tables))
    terms = {"requested": delegate or "", "partial": partial, "software": software}
    plans, expected, used = _predictions(by_key, entry, network, tables, statistic, rounds, threads, terms)
    verdicts: list[Verdict] = []
    with listener.task(f"verify on {device}") as task:
        for key, models in by_key.items():
            verdicts += verify_files(
                entry,
                models,
                key[0],
                plan=plans[key],
                processes=processes,
                most=most_processes,
                budget_ms=budget_ms,
                predicted_ms=expected.get(key),
                statistic=statistic or used.get(key, DEFAULT),
                force=force,
                listener=task,
            )
    return VerifiedFiles(device, tuple(verdicts))


def _by_key(paths: Sequence[Path], entry: Entry, predicts: bool) -> dict[Key, dict[str, bytes]]:
    """Return (runtime, precision where ``predicts``, else '') -> file -> content."""
    from edgenas.profiler.export.integer import computed_in
    from edgenas.profiler.export.opening import read_models
    from edgenas.profiler.verify import runtime_of

    found: dict[Key, dict[str, bytes]] = {}
    runtimes = [runtime_of(path, entry) for path in paths]
    for path, runtime, model in zip(paths, runtimes, read_models(paths), strict=True):
        found.setdefault((runtime, computed_in(model) if predicts else ""), {})[str(path)] = model
    return found


def _predictions(
    by_key: dict[Key, dict[str, bytes]],
    entry: Entry,
    network: str | Path | Architecture | Network | None,
    tables: Sequence[FilePath | Table],
    statistic: str | None,
    rounds: int,
    threads: int | None,
    terms: dict[str, Any],
) -> tuple[dict[Key, Plan], dict[Key, float], dict[Key, str]]:
    """Return the plan for each key and, where a table predicts it, the predicted latency (ms) and the statistic."""
    from edgenas.profiler.plan import Plan
    from edgenas.profiler.verify import plan_in

    expected: dict[Key, float] = {}
    used: dict[Key, str] = {}
    used_threads = 1 if threads is None else threads
    plans = {key: Plan(rounds=rounds, threads=used_threads, cores=entry.cores, **terms) for key in by_key}
    if network is None:
        return plans, expected, used
    architecture = network_of(network).architecture
    for table in tables:
        setting, name, predicted_ms = predicted_by(table, architecture, statistic)
        if setting is None:  # an imported table does not say what it is of; samples have no mean
            expected.update(dict.fromkeys(by_key, predicted_ms))
            continue
        key = setting.runtime, setting.precision
        used[key], expected[key] = name, predicted_ms
        if key in plans:
            if threads is not None and threads != setting.threads:
                raise InputError(
                    f"{table_path(table)} was measured with --threads {setting.threads}, so it does not predict files "
                    f"that run with --threads {threads}: leave out --threads, or name a table of {threads} threads"
                )
            plans[key] = plan_in(setting, entry, rounds=rounds)
            if terms["requested"] and terms["requested"] != plans[key].requested:
                raise InputError(
                    f"{table_path(table)} was measured with {setting.delegate}, so it does not predict files that "
                    f"{terms['requested']} computes: leave out --delegate, or name a table of {terms['requested']}"
                )
    for runtime, precision in by_key:
        precisions = [other for name, other in expected if name == runtime]
        if precisions and precision not in precisions:
            raise InputError(
                f"{', '.join(by_key[runtime, precision])} computes in {precision}, but the table for {runtime} is of "
                f"{' and '.join(precisions)} blocks, which do not predict it; measure a table with: edgenas profile "
                f"--precision {precision}"
            )
    return plans, expected, used
