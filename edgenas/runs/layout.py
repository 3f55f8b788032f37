"""Names of the files in a run folder and in a bundle, and where a search finds the files beside it."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from edgenas.base.errors import InputError

RUN = "run.json"  #: the network that shipped, its files and their measurements
SEARCH = "search.json"  #: what the search found
TRIALS = "search.trials.jsonl"  #: judged networks
ESTIMATE_TRIALS = "search.estimate.trials.jsonl"  #: networks that an estimate is fitted to
FINALISTS = "finalists.json"  #: judged networks that were timed whole
ARCH = "arch.json"  #: the network that shipped
WEIGHTS = "weights.npz"
TRAINED = "trained.safetensors"  #: the same weights, batch norm not folded, for trainings that begin from them
PRETRAINED = "pretrained.json"  #: whose published weights they are, or began as
LABELS, PREPROCESSING, PREDICT = "labels.txt", "preprocessing.json", "predict.py"
CARD, REPORT = "card.md", "report.html"
BUNDLE_CARD = "README.md"  #: the card in a bundle, where Hugging Face looks for it
IMPORTED_TABLE = "table-imported.jsonl"  #: a table that the user brought, not measured by edgenas
FRONT_PICTURE, TABLE_PICTURE = "front.svg", "table.svg"
TRY = "try.html"  #: of a bundle: a page that runs the network in a browser
VERIFICATION = "verification.jsonl"  #: of a bundle: how its files were timed
SUSTAINED = "sustained.jsonl"  #: files under load for minutes
BUNDLE = "bundle.json"  #: what a bundle says about itself
MANIFEST = "MANIFEST"  #: of a bundle: sha256 of every file

#: what a bundle takes from a run as it is, beside tables and models
TAKEN = (ARCH, LABELS, PREPROCESSING, PREDICT, SEARCH, TRIALS, RUN)


def new_run_folder() -> Path:
    """Return the path of a new run in the working folder: runs/, and the date and time."""
    return Path("runs", datetime.now().strftime("%Y%m%d-%H%M%S"))


def table_name(runtime: str, precision: str) -> str:
    """Return the name of the latency table of a runtime and a precision in a run folder."""
    return f"table-{runtime}{'' if precision == 'fp32' else f'-{precision}'}.jsonl"


def trials_beside(search: Path) -> Path:
    """Return the path of the journal of judged networks of the search file ``search``."""
    return search.with_suffix(".trials.jsonl")


def table_from(search: Path, table: Path) -> str:
    """Return the path of ``table`` as the file ``search`` names it: relative to the folder of ``search``."""
    try:
        return Path(os.path.relpath(table, search.parent)).as_posix()
    except OSError:  # the working directory is gone
        return str(table)


def table_beside(search: Path, table: str | None) -> Path:
    """Return the path of the latency table that the file ``search`` names.

    The name is relative to the folder of ``search``; else the table lies beside ``search``; else the name is the path
    as it was typed (files of edgenas 0.2). InputError where ``search`` names no table, or the table does not exist.
    """
    if table is None:
        raise InputError(f"{search} names no latency table; name one that predicts its networks: --table TABLE")
    named = Path(table)
    places = list(dict.fromkeys((search.parent / named, search.parent / named.name, named)))
    for place in places:
        if place.is_file():
            return place
    raise InputError(
        f"{search} was made with the latency table {table}, and there is no {' or '.join(map(str, places))}; "
        f"name the table: --table TABLE"
    )
