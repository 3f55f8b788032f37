"""Assemble a finished run from the results of single commands: a folder of ``export``, a search and its table.

The files are run on labelled pictures and timed on the device. The result is a run's folder as ``demo`` and ``ship``
write it, so it is bundled, reported and verified in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.files import copy_file
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import check_exists, read_bytes
from edgenas.latency_tables.imported import ImportedTable
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.profiler.export.opening import read_models
from edgenas.profiler.verdict import Verdict
from edgenas.profiler.verify import verify_files
from edgenas.report.run import run_record, table_file, write_records
from edgenas.runs.layout import (
    ARCH,
    LABELS,
    PREDICT,
    PREPROCESSING,
    TRIALS,
    table_beside,
    trials_beside,
)
from edgenas.runs.network import NETWORK
from edgenas.runs.run import BroughtTable
from edgenas.runs.search import Answer, SavedSearch, read_search
from edgenas.search.trial_file import read_trials
from edgenas.ship.accuracy import prove
from edgenas.ship.finish import MOST_PROCESSES, PROCESSES, ShippedFile, plan_for, runs_there
from edgenas.ship.preprocessing import Preprocessing, read_preprocessing
from edgenas.training.pictures import Pictures, Scaling, read_pictures

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.search.space import Space

_MODEL = re.compile(r"model(?:-(fp16|int8))?\.(tflite|onnx)")


@dataclass(frozen=True)
class BundleParts:
    """Parts of a run that is to be assembled.

    model       the folder that ``export`` wrote
    search      the JSON file of the search that found its network
    test        labelled pictures
    table       the latency table that predicts the network; None: the table of the search
    budget_ms   the budget in ms; None: the budget of the search
    """

    model: Path
    search: Path
    test: Path
    table: Path | None = None
    budget_ms: float | None = None


@dataclass(frozen=True)
class BundleAssembly:
    """All parts, read and checked to belong together.

    files          the file that must keep the budget is the first
    found          the answer of the search whose network the files hold
    proof          the last validation of the table; None where there is none
    statistic      the statistic that predicts: 'min', 'median', 'p90' or 'mean'
    predicted_ms   latency that the table predicts for the network, ms
    """

    parts: BundleParts
    architecture: Architecture
    preprocessing: Preprocessing
    files: tuple[Path, ...]
    pictures: Pictures
    search: SavedSearch
    found: Answer
    space: Space
    table_path: Path
    table: LatencyTable | ImportedTable
    proof: Validation | None
    statistic: str
    predicted_ms: float
    budget_ms: float

    @property
    def setting(self) -> Setting | None:
        """Setting of the table; None of an imported one."""
        return None if isinstance(self.table, ImportedTable) else self.table.setting

    def run(
        self,
        entry: Entry,
        into: Path,
        *,
        force: bool = False,
        listener: Listener = SILENT,
    ) -> list[ShippedFile]:
        """Run and time every file, and write a finished run into the new folder ``into``.

        InputError where ``entry`` does not have the table's runtime; OutcomeError where a file cannot be run.
        """
        first, *others = self.files
        wanted, found = None if self.setting is None else self.setting.runtime, runs_there(first, entry)
        if found is None or (wanted is not None and found != wanted):
            raise InputError(
                f"{first.name} and {self.table_path} are for {wanted or 'a runtime'}, which {entry.name} does not "
                f"have; name another device with --device, or another table with --table"
            )
        made = [self._file(path, entry, path == first, force, listener) for path in (first, *others)]
        self._write(made, into)
        return made

    def _file(self, path: Path, entry: Entry, ships: bool, force: bool, listener: Listener) -> ShippedFile:
        from edgenas.profiler.export.integer import fallbacks, weight_bits

        precision = _precision(path)
        proof = prove(path, precision, self.pictures, None, entry, listener=listener.named(f"{path.name}, images"))
        slow = tuple(fallbacks(read_bytes(path))) if precision == "int8" else ()
        runtime, verdict = runs_there(path, entry), None
        if runtime is not None:
            plan = plan_for(self.setting, entry, precision)
            (verdict,) = verify_files(
                entry,
                {path.name: read_bytes(path)},
                runtime,
                plan=plan,
                processes=PROCESSES,
                most=MOST_PROCESSES if ships else None,
                budget_ms=self.budget_ms if ships else None,
                predicted_ms=self.predicted_ms if ships else None,
                statistic=DEFAULT if self.setting is None else self.statistic,
                force=force,
                listener=listener.named(f"{path.name}, whole"),
            )
        return ShippedFile(path, precision, proof, None, slow, verdict, weight_bits(read_bytes(path)))

    def _write(self, made: Sequence[ShippedFile], into: Path) -> None:
        into.mkdir(parents=True)
        for path in (*self.files, *(self.parts.model / name for name in (LABELS, PREPROCESSING, PREDICT))):
            copy_file(path, into / path.name)
        copy_file(self.table_path, into / table_file(self.table))
        copy_file(trials_beside(self.parts.search), into / TRIALS)
        run = run_record(
            made,
            self.proof,
            {"imported" if self.setting is None else self.setting.runtime: self.table},
            space=self.search.space.name,
            networks=self.space.networks,
            budgets_ms=(self.budget_ms,),
            winner=self.found.key,
            budget_ms=self.budget_ms,
            brought=BroughtTable.of(self.table, self.predicted_ms) if isinstance(self.table, ImportedTable) else None,
        )
        write_records(into, run, self._saved(), self.architecture)

    def _saved(self) -> SavedSearch:
        """Return the search with the table's path relative to it and with the network that ships.

        An explanation of another network is left out.
        """
        found, explanation = self.found, self.search.explanation
        shipped = Answer(**{each.name: getattr(found, each.name) for each in fields(Answer)})
        return replace(
            self.search,
            table=table_file(self.table),
            shipped=shipped,
            explanation=explanation if explanation is not None and explanation.key == found.key else None,
        )


def shipped_of(made: Sequence[ShippedFile]) -> Verdict:
    """Return the verdict on the file that must keep the budget, the first one."""
    verdict = made[0].verdict
    assert verdict is not None  # its runtime is on the device
    return verdict


def read_parts(parts: BundleParts) -> BundleAssembly:
    """Read and check all parts before anything is measured.

    InputError for parts that are damaged or missing, or do not belong together.
    """
    check_exists(parts.search, "search")
    check_exists(parts.test, "pictures")
    if parts.table is not None:
        check_exists(parts.table, "table")
    architecture, preprocessing, files = _exported(parts.model)
    trials = trials_beside(parts.search)
    if not trials.is_file():
        raise InputError(f"{parts.search} has no {trials.name} beside it; name a file that edgenas search wrote")
    read_trials(trials)
    search = read_search(parts.search)
    answers = (search.answer, search.winner, *search.runs)
    found = next((answer for answer in answers if answer.network.blocks == architecture.blocks), None)
    if found is None:
        raise InputError(
            f"{parts.model} holds {architecture.name}, which {parts.search} did not find; type: edgenas export "
            f"{parts.search}"
        )
    budget_ms = parts.budget_ms or (found.budget if search.unit == "ms" else None)
    if budget_ms is None:
        raise InputError(f"{parts.search} has a budget of {search.unit}; give the budget in milliseconds: --budget-ms")
    return _with_table(parts, architecture, preprocessing, files, search, found, budget_ms)


def _with_table(
    parts: BundleParts,
    architecture: Architecture,
    preprocessing: Preprocessing,
    files: Sequence[Path],
    search: SavedSearch,
    found: Answer,
    budget_ms: float,
) -> BundleAssembly:
    from edgenas.latency_tables.gate import prediction
    from edgenas.latency_tables.store.open import open_table
    from edgenas.latency_tables.validation import latest
    from edgenas.search.spaces.recorded import recorded_space

    table_path = parts.table or table_beside(parts.search, search.table)
    setting, statistic, predicted_ms = prediction(table_path, architecture, search.statistic)
    table = open_table(table_path)
    fitting = _fitting(files, setting)
    if not fitting:
        precision, runtime = ("fp32", "any runtime") if setting is None else (setting.precision, setting.runtime)
        raise InputError(
            f"{parts.model} has no {precision} file for {runtime}, as {table_path} needs; type: edgenas export "
            f"{parts.search} --precision {precision}"
        )
    size, channels = architecture.in_size, architecture.c_in
    scaling = Scaling(preprocessing.mean, preprocessing.deviation)
    pictures = read_pictures(
        parts.test, size, channels, scaling, classes=architecture.c_out, names=preprocessing.labels
    )
    if pictures.labels is None:
        raise InputError(f"{parts.test} has no labels; name a folder of images for each class")
    known = recorded_space(search.space, search.code.space, str(parts.search))
    return BundleAssembly(
        parts,
        architecture,
        preprocessing,
        (fitting[0], *(path for path in files if path != fitting[0])),
        pictures,
        search,
        found,
        known,
        table_path,
        table,
        None if isinstance(table, ImportedTable) else latest(table, search.statistic),
        statistic,
        predicted_ms,
        budget_ms,
    )


def _exported(model: Path) -> tuple[Architecture, Preprocessing, list[Path]]:
    files = sorted((path for path in model.iterdir() if _MODEL.fullmatch(path.name)), key=lambda path: path.name)
    lacking = [name for name in (ARCH, PREPROCESSING, LABELS, PREDICT) if not (model / name).is_file()]
    if not files or lacking:
        raise InputError(
            f"{model} has no {', '.join([*lacking, *([] if files else ['model.tflite'])])}: it is neither a finished "
            f"run nor a folder of edgenas export NETWORK --weights WEIGHTS --labels FILE --mean M --deviation D"
        )
    architecture = NETWORK.read(model / ARCH)
    read_models(files, "pictures")
    return architecture, read_preprocessing(model, architecture), files


def _precision(path: Path) -> Any:
    found = _MODEL.fullmatch(path.name)
    assert found is not None
    return found[1] or "fp32"


def _fitting(files: Sequence[Path], setting: Setting | None) -> list[Path]:
    """Return the files that a table is of; of an imported table, which does not say it, those in fp32, TFLite first."""
    if setting is None:
        return sorted((path for path in files if _precision(path) == "fp32"), key=lambda path: path.suffix)[::-1]
    from edgenas.profiler.runtimes import find_runtime

    wanted = (find_runtime(setting.runtime).format, setting.precision)
    return [path for path in files if wanted == (path.suffix[1:], _precision(path))]
