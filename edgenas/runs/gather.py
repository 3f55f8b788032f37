"""Content of a report, found in files and folders: tables, searches, verifications, journals of judged networks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgenas.adaptive.trial import FORMAT as TRIAL_FORMAT
from edgenas.adaptive.trial import AdaptiveTrial, parsed
from edgenas.base.errors import InputError
from edgenas.base.json_text import glanced
from edgenas.base.reading import check_exists, first_line, read_bytes
from edgenas.latency_tables.imported import FORMAT as IMPORTED
from edgenas.latency_tables.imported import ImportedTable, read_imported
from edgenas.latency_tables.store.journal import FORMAT as MEASURED
from edgenas.latency_tables.store.journal import Journal, read_journal
from edgenas.profiler.sustained_load import SustainedLoad
from edgenas.profiler.verdict import Verdict
from edgenas.runs.bundle import BUNDLE
from edgenas.runs.documents import DocumentKind
from edgenas.runs.finalists import FINALISTS
from edgenas.runs.menu import MENU, SavedMenu
from edgenas.runs.network import NETWORK
from edgenas.runs.preprocessing import PREPROCESSING
from edgenas.runs.pretrained import PRETRAINED
from edgenas.runs.run import RUN, RunRecord
from edgenas.runs.search import SEARCH, SavedSearch, read_search
from edgenas.runs.sustained import SUSTAINED
from edgenas.runs.verification import VERIFICATION, fits_list, read_list
from edgenas.search.trial_file import FORMAT as TRIALS
from edgenas.search.trial_file import TrialJournal, read_trials

#: documents of a run folder that a report shows nothing of: their version is checked, too
_BESIDE: tuple[DocumentKind[Any], ...] = (BUNDLE, FINALISTS, NETWORK, PREPROCESSING, PRETRAINED)


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A file that went into a report."""

    path: Path
    kind: str
    size: int
    sha256: str


@dataclass
class RunFiles:
    """All files that were found, sorted by name."""

    journals: dict[Path, Journal] = field(default_factory=dict)
    imported: dict[Path, ImportedTable] = field(default_factory=dict)
    searches: dict[Path, SavedSearch] = field(default_factory=dict)
    trials: list[TrialJournal] = field(default_factory=list)
    runs: list[RunRecord] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    sustained: list[SustainedLoad] = field(default_factory=list)
    menus: dict[Path, SavedMenu] = field(default_factory=dict)
    menu_trials: list[AdaptiveTrial] = field(default_factory=list)
    sources: list[ReportSource] = field(default_factory=list)
    #: content of the files of runs, beside their run.json, the shipped one first
    models: dict[Path, bytes] = field(default_factory=dict)
    run_paths: list[Path] = field(default_factory=list)  #: of ``runs``, in the same order


def gather(runs: Sequence[Path], *, empty: bool = False) -> RunFiles:
    """Return the content of ``runs``: of files, and of folders without their subfolders.

    InputError for a named file of another format, for a damaged file, and, unless ``empty``, for runs without files.
    """
    found = RunFiles()
    seen: set[Path] = set()
    for run in runs:
        check_exists(run, "run")
        for path in sorted(run.iterdir()) if run.is_dir() else [run]:
            if path.resolve() in seen or (run.is_dir() and (not path.is_file() or path.name.startswith("."))):
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
    """Add the file to ``found``, and return True, if edgenas knows its format."""
    if path.suffix == ".jsonl":
        kind = _take_lines(found, path)
    elif path.suffix == ".json":
        kind = _take_json(found, path)
    else:
        return False
    if kind:
        data = read_bytes(path)
        found.sources.append(ReportSource(path, kind, len(data), hashlib.sha256(data).hexdigest()))
    return bool(kind)


def _take_lines(found: RunFiles, path: Path) -> str:
    first = glanced(first_line(path))  # other programs' files may lie in the folder
    form = first.get("format") if isinstance(first, dict) else None
    if form == MEASURED:
        found.journals[path] = read_journal(path)
        return "latency table"
    if form == IMPORTED:
        found.imported[path] = read_imported(path)
        return "imported table"
    if form == TRIALS:
        found.trials.append(read_trials(path))
        return "judged networks"
    if VERIFICATION.fits(first):
        found.verdicts += VERIFICATION.read_lines(path)
        return "verification"
    if SUSTAINED.fits(first):
        found.sustained += SUSTAINED.read_lines(path)
        return "sustained load"
    if form == TRIAL_FORMAT:
        found.menu_trials.append(parsed(read_bytes(path).decode("utf-8").split("\n")[:-1], "a device", str(path)))
        return "trial of a menu"
    return ""


def _take_json(found: RunFiles, path: Path) -> str:
    data = glanced(read_bytes(path))
    if SEARCH.fits(data):
        found.searches[path] = read_search(path)
        return "search"
    if RUN.fits(data):
        run = RUN.read(path)
        found.runs.append(run)
        found.run_paths.append(path)
        for model in (path.parent / name for name in run.files):
            if model.is_file():
                found.models[model] = read_bytes(model)
        return "run"
    if MENU.fits(data):
        found.menus[path] = MENU.read(path)
        return "menu"
    if fits_list(data):
        found.verdicts += read_list(path)
        return "verification"
    for kind in _BESIDE:
        if kind.fits(data):
            kind.check_version(data, str(path))
    return ""
