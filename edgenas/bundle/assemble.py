"""A finished run from what single commands made: a folder of ``export``, a search and its table.

Its files are run on labelled pictures and timed on the device; what comes of it is what ``demo`` and ``ship`` leave,
so that it is bundled, reported and verified like theirs.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.base.version import installed_version
from edgenas.profiler.verify import Verdict, verify_files
from edgenas.report.card import CardData, card, named
from edgenas.runs.gather import gather
from edgenas.ship.accuracy import prove
from edgenas.ship.finish import MOST_PROCESSES, PROCESSES, ShippedFile, plan_for, runs_there
from edgenas.ship.preprocessing import LABELS, PREDICT, PREPROCESSING, Preprocessing, read_preprocessing
from edgenas.training.pictures import Pictures, Scaling, read_pictures

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.runs.files import RunData, SearchData
    from edgenas.search.space import Space

ARCH = "arch.json"
_MODEL = re.compile(r"model(?:-(fp16|int8))?\.(tflite|onnx)")


@dataclass(frozen=True)
class BundleParts:
    """What is put together: the folder ``model`` of ``export``, the ``search`` that found its network, the ``table``
    that predicts it (that of the search if None), labelled pictures ``test``, and the budget (the search's if None)."""

    model: Path
    search: Path
    test: Path
    table: Path | None = None
    budget_ms: float | None = None


@dataclass(frozen=True)
class BundleAssembly:
    """All parts, read and found to belong together; ``files`` begin with the one that the budget is about."""

    parts: BundleParts
    architecture: Architecture
    preprocessing: Preprocessing
    files: tuple[Path, ...]
    pictures: Pictures
    search: SearchData
    found: RunData
    space: Space
    table_path: Path
    table: LatencyTable
    proof: Validation | None
    statistic: str
    predicted_ms: float
    budget_ms: float

    @property
    def table_file(self) -> str:
        """The table's name beside the files."""
        setting = self.table.setting
        return f"table-{setting.runtime}{'' if setting.precision == 'fp32' else f'-{setting.precision}'}.jsonl"

    def run(
        self,
        entry: Entry,
        into: Path,
        *,
        force: bool = False,
        say: Callable[[str], None] = lambda text: None,
        update: Callable[[int, int | None, str], None] = lambda done, total, note: None,
    ) -> list[ShippedFile]:
        """Run and time every file, and write a finished run into the new folder ``into``. OutcomeError where a file
        cannot be run."""
        first, *others = self.files
        if runs_there(first, entry) != self.table.setting.runtime:
            raise InputError(
                f"{first.name} is for {self.table.setting.runtime}, as {self.table_path} is, which {entry.name} does "
                f"not have; name the device with --device, or another table with --table"
            )
        made = [self._file(path, entry, path == first, force, say, update) for path in (first, *others)]
        self._write(made, into)
        return made

    def _file(
        self,
        path: Path,
        entry: Entry,
        ships: bool,
        force: bool,
        say: Callable[[str], None],
        update: Callable[[int, int | None, str], None],
    ) -> ShippedFile:
        from edgenas.profiler.export.integer import fallbacks

        precision = _precision(path)
        proof = prove(path, precision, self.pictures, None)
        slow = tuple(fallbacks(path.read_bytes())) if precision == "int8" else ()
        runtime, verdict = runs_there(path, entry), None
        if runtime is not None:
            setting = self.table.setting
            plan = replace(plan_for(precision, entry.cores), threads=setting.threads, cold_kib=setting.cold_kib)
            (verdict,) = verify_files(
                entry,
                {path.name: path.read_bytes()},
                runtime,
                plan=plan,
                processes=PROCESSES,
                most=MOST_PROCESSES if ships else None,
                budget_ms=self.budget_ms if ships else None,
                predicted_ms=self.predicted_ms if ships else None,
                statistic=self.statistic,
                force=force,
                say=say,
                progress=lambda done, total: update(done, total, f"{path.name}, whole"),
            )
        return ShippedFile(path, precision, proof, None, slow, verdict)

    def _write(self, made: Sequence[ShippedFile], into: Path) -> None:
        into.mkdir(parents=True)
        for path in (*self.files, *(self.parts.model / name for name in (ARCH, LABELS, PREPROCESSING, PREDICT))):
            shutil.copyfile(path, into / path.name)
        shutil.copyfile(self.table_path, into / self.table_file)
        shutil.copyfile(trials_of(self.parts.search), into / "search.trials.jsonl")
        search = {**json.loads(self.parts.search.read_text()), "table": self.table_file}
        write_whole(into / "search.json", json.dumps(search, indent=1) + "\n")
        write_whole(into / "run.json", json.dumps(self._told(made), indent=1, allow_nan=False) + "\n")
        judged = len({trial.key for run in self.search.runs for trial in run.trials})
        chosen = f"""Chosen among
{self.space.networks:,} networks by {judged} that were judged ({self.search.accuracy.partition(":")[0]}) and a latency
table of {len(self.table.blocks)} blocks measured on {named(self.table.setting)}."""
        shown = CardData(
            self.architecture,
            made,
            self.preprocessing,
            "pictures",
            chosen,
            self.table,
            self.table_file,
            self.proof,
            self.statistic,
            self.budget_ms,
        )
        write_whole(into / "card.md", card(shown))

    def _told(self, made: Sequence[ShippedFile]) -> dict[str, Any]:
        """``run.json``."""
        shipped = shipped_of(made)
        return {
            "space": self.search.space.name,
            "networks": self.space.networks,
            "tables": {self.table.setting.runtime: self.table.setting.as_dict()},
            "budgets_ms": [self.budget_ms],
            "winner": self.found.key,
            "budget_ms": self.budget_ms,
            "predicted_ms": self.predicted_ms,
            "validation": None
            if self.proof is None
            else {k: v for k, v in self.proof.as_dict().items() if k != "networks"},
            "measured_ms": shipped.measured_ms,
            "measured_interval_ms": [shipped.low_ms, shipped.high_ms],
            "within_budget": shipped.within_budget,
            "accuracy": made[0].proof.accuracy,
            "files": {
                file.path.name: {
                    "precision": file.precision,
                    "bytes": file.path.stat().st_size,
                    **file.proof.as_dict(),
                    "fallbacks": [f._asdict() for f in file.fallbacks],
                }
                for file in made
            },
            "verdicts": [file.verdict.as_dict() for file in made if file.verdict is not None],
            "finalists": [],
            "edgenas": installed_version(),
        }


def shipped_of(made: Sequence[ShippedFile]) -> Verdict:
    """The verdict on the file that the budget is about."""
    verdict = made[0].verdict
    assert verdict is not None  # its runtime is on the device
    return verdict


def trials_of(search: Path) -> Path:
    """The journal of judged networks beside a search."""
    return search.with_suffix(".trials.jsonl")


def read_parts(parts: BundleParts) -> BundleAssembly:
    """Everything that can be said before anything is measured; InputError for parts that are damaged or lacking, or do
    not belong together."""
    architecture, preprocessing, files = _exported(parts.model)
    if not trials_of(parts.search).is_file():
        raise InputError(
            f"{parts.search} has no {trials_of(parts.search).name} beside it; name what edgenas search wrote"
        )
    material = gather([parts.search])
    if parts.search not in material.searches:
        raise InputError(f"{parts.search} is no search; name what edgenas search wrote")
    search = material.searches[parts.search]
    blocks = [str(block) for block in architecture.blocks]
    found = next((run for run in (search.winner, *search.runs) if run.network.blocks == blocks), None)
    if found is None:
        raise InputError(
            f"{parts.model} holds {architecture.name}, which no run of {parts.search} found; type: edgenas export "
            f"{parts.search}"
        )
    budget_ms = parts.budget_ms or (found.budget if search.unit == "ms" else None)
    if budget_ms is None:
        raise InputError(f"{parts.search} was within a budget of {search.unit}; say which time to hold: --budget-ms")
    return _with_table(parts, architecture, preprocessing, files, search, found, budget_ms)


def _with_table(
    parts: BundleParts,
    architecture: Architecture,
    preprocessing: Preprocessing,
    files: Sequence[Path],
    search: SearchData,
    found: RunData,
    budget_ms: float,
) -> BundleAssembly:
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.latency_tables.validation import latest
    from edgenas.search.spaces import space
    from edgenas.search.table_cost import prediction

    table_path = parts.table or (None if search.table is None else Path(search.table))
    if table_path is None:
        raise InputError(f"{parts.search} used no latency table; name one that predicts the network: --table")
    setting, statistic, predicted_ms = prediction(table_path, architecture, search.statistic)
    journal = read_journal(table_path)
    fitting = [path for path in files if (_runtime_format(setting.runtime), setting.precision) == _kind(path)]
    if not fitting:
        raise InputError(
            f"{parts.model} has no {setting.precision} file for {setting.runtime}, which {table_path} is of; type: "
            f"edgenas export {parts.search} --precision {setting.precision}"
        )
    size, channels = architecture.in_size, architecture.c_in
    pictures = read_pictures(parts.test, size, channels, Scaling(preprocessing.mean, preprocessing.deviation))
    if pictures.labels is None:
        raise InputError(f"{parts.test} has no labels; name a folder of pictures for each class")
    _same_order(parts.test, preprocessing.labels)
    return BundleAssembly(
        parts,
        architecture,
        preprocessing,
        (fitting[0], *(path for path in files if path != fitting[0])),
        pictures,
        search,
        found,
        space(search.space.name, search.space.in_size, search.space.classes),
        table_path,
        journal.table,
        latest(journal, search.statistic),
        statistic,
        predicted_ms,
        budget_ms,
    )


def _exported(model: Path) -> tuple[Architecture, Preprocessing, list[Path]]:
    from edgenas.blocks.architecture import Architecture

    files = sorted((path for path in model.iterdir() if _MODEL.fullmatch(path.name)), key=lambda path: path.name)
    lacking = [name for name in (ARCH, PREPROCESSING, LABELS, PREDICT) if not (model / name).is_file()]
    if not files or lacking:
        raise InputError(
            f"{model} has no {', '.join([*lacking, *([] if files else ['model.tflite'])])}: it is neither a finished "
            f"run nor what edgenas export NETWORK --weights WEIGHTS --labels FILE --mean M --deviation D wrote"
        )
    try:
        architecture = Architecture.from_json(json.loads((model / ARCH).read_text()))
    except ValueError as error:
        raise InputError(f"{model / ARCH}: {error}; export it again") from error
    return architecture, read_preprocessing(model, architecture), files


def _same_order(test: Path, labels: Sequence[str]) -> None:
    """InputError where folders of pictures are the classes in another order, so that each would count as another."""
    there = sorted(inside.name for inside in test.iterdir() if inside.is_dir()) if test.is_dir() else []
    if there != list(labels) and sorted(there) == sorted(labels):
        raise InputError(
            f"{test} has the classes {', '.join(there)} in this order, {LABELS} has {', '.join(labels)}; both must be "
            f"in the order in which the network was trained"
        )


def _precision(path: Path) -> Any:
    found = _MODEL.fullmatch(path.name)
    assert found is not None
    return found[1] or "fp32"


def _kind(path: Path) -> tuple[str, str]:
    return path.suffix[1:], _precision(path)


def _runtime_format(runtime: str) -> str:
    from edgenas.profiler.runtimes import RUNTIMES

    return RUNTIMES[runtime].format
