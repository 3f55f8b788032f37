"""Write a bundle: one folder with all files of a run that ship, and with the hashes and measurements that verify them.

model.tflite, model.onnx, model-int8.tflite ...   the network, in each requested format and precision
arch.json                                         the blocks of the network, as JSON
labels.txt, preprocessing.json, predict.py        how to use it; TFLite files also hold labels and scaling as metadata
README.md, report.html                            the model card, and the report page of the run
try.html                                          a page that runs the ONNX file in a browser; with --try-html
verification.jsonl                                latency of each file on the device, with the setting
table-*.jsonl, search.json, search.trials.jsonl, run.json   the measurements and the search that found the network
bundle.json                                       the version of the bundle's layout
MANIFEST                                          sha256 of every file, in the format of sha256sum
"""

from __future__ import annotations

import shutil
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.files import copy_file, write_whole
from edgenas.bundle.try_page import try_page
from edgenas.profiler.export.opening import read_models
from edgenas.report.card import card, card_data
from edgenas.report.page import page
from edgenas.runs.bundle import BUNDLE, BundleRecord, write_manifest
from edgenas.runs.gather import gather
from edgenas.runs.layout import BUNDLE as BUNDLE_FILE
from edgenas.runs.layout import BUNDLE_CARD, MANIFEST, REPORT, TAKEN, TRY
from edgenas.runs.layout import VERIFICATION as VERIFICATION_FILE
from edgenas.runs.verification import VERIFICATION


def write_bundle(run: Path, out: Path, replace: bool = False, licence: str = "", web: Path | None = None) -> list[str]:
    """Write the bundle of a finished ``run`` into the folder ``out``, whole or not at all; return its files' names.
    ``licence`` is stated in the card; ``web`` is a folder with onnxruntime-web, for the page ``try.html``.

    InputError where a file of the run is missing, or ``out`` exists and is not a bundle to ``replace``.
    """
    check_out(out, replace)
    missing = [name for name in TAKEN if not (run / name).is_file()]
    if missing:
        raise InputError(
            f"{run} has no {', '.join(missing)}, so it is not a finished run; finish it with the command that started "
            f"it: edgenas demo --run {run} or edgenas ship"
        )
    found = gather([run])
    if not found.runs or not (found.journals or found.imported):
        raise InputError(f"{run} has no latency table beside run.json; make a run: edgenas demo")
    done = found.runs[0]
    for name in done.files:
        if Path(name).name != name or not (run / name).is_file():
            raise InputError(f"{run} has no {name}, which run.json lists; make the run again: edgenas demo")
    read_models([run / name for name in done.files])
    data = card_data(run, licence)
    made = out.with_name(f".{out.name}.partial")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        for source in [run / name for name in (*TAKEN, *done.files)] + [*found.journals, *found.imported]:
            copy_file(source, made / source.name)
        VERIFICATION.write_lines(made / VERIFICATION_FILE, done.verdicts)
        write_whole(made / BUNDLE_CARD, card(data))
        write_whole(made / REPORT, page(found))
        if web is not None:
            write_whole(made / TRY, try_page(made, list(done.files), web))
        BUNDLE.write(made / BUNDLE_FILE, BundleRecord(data.architecture.name, tuple(done.files)))
        write_manifest(made)
        if out.exists():
            shutil.rmtree(out)
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return sorted(path.name for path in out.iterdir())


def check_out(out: Path, replace: bool = False) -> None:
    """Raise InputError where ``out`` exists and is not a bundle to ``replace``."""
    if out.exists() and not (replace and (out / MANIFEST).is_file()):
        raise InputError(f"{out} exists and is not overwritten; name another folder with -o, or remove it")
