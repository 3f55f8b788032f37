"""Finds in files and folders what a report can show: tables, searches, verifications, journals of judged networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgenas.base.errors import InputError
from edgenas.latency_tables.imported import FORMAT as IMPORTED
from edgenas.latency_tables.imported import ImportedTable, read_imported
from edgenas.latency_tables.store.journal import Journal, read_journal
from edgenas.latency_tables.store.jsonl import read_lines
from edgenas.runs.files import RunRecord, SearchData, SustainedData, VerdictData, checked
from edgenas.search.journal import FORMAT as TRIALS

MEASURED = "edgenas latency table"
SEARCH = "edgenas search"
SUSTAINED = "edgenas sustained load"


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A file that went into a report."""

    path: Path
    kind: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class JudgedNetworks:
    """A journal of judged networks: the space and its pixels, the judge, and (network, accuracy) in order."""

    path: Path
    space: str
    in_size: int | None
    accuracy: str
    judged: tuple[tuple[str, float], ...]


@dataclass
class RunFiles:
    """All that was found, in order of name."""

    journals: dict[Path, Journal] = field(default_factory=dict)
    imported: dict[Path, ImportedTable] = field(default_factory=dict)
    searches: dict[Path, SearchData] = field(default_factory=dict)
    trials: list[JudgedNetworks] = field(default_factory=list)
    demos: list[RunRecord] = field(default_factory=list)
    verdicts: list[VerdictData] = field(default_factory=list)
    sustained: list[SustainedData] = field(default_factory=list)
    sources: list[ReportSource] = field(default_factory=list)


def gather(runs: Sequence[Path], *, empty: bool = False) -> RunFiles:
    """What is in ``runs``: folders, whose own files are looked through, and files. InputError for a file that is named
    and none of ours, for a damaged one, and, unless ``empty`` may be, where nothing is found."""
    found = RunFiles()
    seen: set[Path] = set()
    for run in runs:
        if not run.exists():
            raise InputError(f"{run}: no such file or folder; name what demo, profile, search or verify wrote")
        for path in sorted(run.iterdir()) if run.is_dir() else [run]:
            if path.resolve() in seen or not path.is_file() or path.name.startswith("."):
                continue
            seen.add(path.resolve())
            if not _take(found, path) and not run.is_dir():
                raise InputError(
                    f"{path} is no latency table, search, demo or verification; name what demo, profile, search or "
                    f"verify --json wrote"
                )
    if not found.sources and not empty:
        names = " ".join(map(str, runs))
        raise InputError(f"{names}: no latency table, search or verification in there; make some: edgenas demo")
    return found


def _take(found: RunFiles, path: Path) -> bool:
    """Add the file to ``found`` when it is one of ours."""
    if path.suffix == ".jsonl":
        kind = _take_lines(found, path)
    elif path.suffix == ".json":
        kind = _take_json(found, path)
    else:
        return False
    if kind:
        data = path.read_bytes()
        found.sources.append(ReportSource(path, kind, len(data), hashlib.sha256(data).hexdigest()))
    return bool(kind)


def _take_lines(found: RunFiles, path: Path) -> str:
    with path.open("rb") as file:
        head = file.readline(1 << 20)
    first = _loaded(head)
    form = first.get("format") if isinstance(first, dict) else None
    if form == MEASURED:
        found.journals[path] = read_journal(path)
        return "latency table"
    if form == IMPORTED:
        found.imported[path] = read_imported(path)
        return "imported table"
    if form == TRIALS:
        found.trials.append(_trials(path))
        return "judged networks"
    if isinstance(first, dict) and {"file", "measured_ms", "low_ms"} <= first.keys():
        found.verdicts += [checked(VerdictData, record, path) for _, record in read_lines(path).records]
        return "verification"
    if form == SUSTAINED:
        found.sustained += [checked(SustainedData, record, path) for _, record in read_lines(path).records]
        return "sustained load"
    return ""


def _take_json(found: RunFiles, path: Path) -> str:
    data = _loaded(path.read_bytes())
    if isinstance(data, dict) and data.get("format") == SEARCH:
        found.searches[path] = checked(SearchData, data, path)
        return "search"
    if isinstance(data, dict) and {"winner", "verdicts", "finalists"} <= data.keys():
        for finalist in data["finalists"] if isinstance(data["finalists"], list) else []:
            if isinstance(finalist, dict):
                finalist["file"] = finalist.get("key", finalist.get("file"))
        found.demos.append(checked(RunRecord, data, path))
        return "demo"
    if isinstance(data, list) and data and isinstance(data[0], dict) and "measured_ms" in data[0]:
        found.verdicts += [checked(VerdictData, record, path) for record in data]
        return "verification"
    return ""


def _trials(path: Path) -> JudgedNetworks:
    records = [record for _, record in read_lines(path).records]
    head, rest = records[0], records[1:]
    judged = []
    for record in rest:
        network, accuracy = record.get("network"), record.get("accuracy")
        if isinstance(network, str) and isinstance(accuracy, int | float):
            judged.append((network, float(accuracy)))
    in_size = head.get("in_size")
    size = in_size if isinstance(in_size, int) else None
    return JudgedNetworks(path, str(head.get("space", "")), size, str(head.get("accuracy", "")), tuple(judged))


def _loaded(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
