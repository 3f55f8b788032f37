"""``edgenas.bundle``: one folder with everything that ships of a run, and with hashes and measurements to verify it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import table_path
from edgenas.api.inventory import load_entry
from edgenas.api.shown import FilePath
from edgenas.base.amounts import check_budget
from edgenas.base.counted import counted
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import check_exists

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.profiler.verdict import Verdict


@dataclass(frozen=True, repr=False)
class Bundle:
    """The bundle in ``folder``.

    files      names of its files
    verdicts   latency of each file that was timed for it; empty for a finished run, whose files were timed before
    """

    folder: Path
    files: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()
    outside: str = ""  #: message where the first file is outside its budget; else empty

    def check(self) -> None:
        """Raise OutcomeError where the first file was timed for the bundle and is outside its budget."""
        if self.outside:
            raise OutcomeError(self.outside)

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas bundle --json`` prints."""
        return {"written": str(self.folder), "files": list(self.files)}

    def __repr__(self) -> str:
        return f"<Bundle {self.folder}: {counted(len(self.files), 'file')}>"


def bundle(
    run: FilePath,
    out: FilePath = "bundle",
    *,
    search: FilePath | None = None,
    test: FilePath | None = None,
    table: FilePath | Table | None = None,
    budget_ms: float | None = None,
    device: str = "local",
    inventory: FilePath | None = None,
    force: bool = False,
    license: str = "",
    try_html: FilePath | None = None,
    listener: Listener = SILENT,
) -> Bundle:
    """Put everything that ships of a run into the new folder ``out``, as ``edgenas bundle`` does.

    run         folder of a finished run of ``demo`` or ``ship``; or a folder that ``export`` wrote with ``labels``. The
                files of such a folder are first run on the images ``test`` and timed on ``device``
    search      JSON file of the search that found the exported network
    test        labelled images: a folder of images for each class, or an .npz with labels
    table       latency table that predicts the network (default: that of the search)
    budget_ms   budget in ms (default: that of the search)
    force       measure a device even if it is busy, warm or not ready
    license     identifier of the licence that the card states, such as 'apache-2.0' (default: unknown)
    try_html    folder of onnxruntime-web (npm install onnxruntime-web), with which the bundle gets try.html: a page
                that classifies images in a browser, without a network

    ``check()`` of the result raises OutcomeError where the first file is outside its budget. InputError where a
    part of the run is missing, or ``out`` exists.

        edgenas.bundle("runs/20270101-120000", "bundle").files
    """
    from edgenas.bundle.try_page import web_folder
    from edgenas.bundle.write import check_out, write_bundle
    from edgenas.runs.layout import RUN

    source, folder = Path(run), output_path(out)
    check_exists(source, "run")
    web = None if try_html is None else web_folder(Path(try_html))
    if license and not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", license):
        raise InputError(f"license {license!r} is not an identifier such as apache-2.0, mit or cc-by-4.0")
    if (source / RUN).is_file():
        values = {"--search": search, "--test": test, "--table": table, "--budget-ms": budget_ms}
        refuse_options(source, [option for option, value in values.items() if value is not None])
        return Bundle(folder, tuple(write_bundle(source, folder, licence=license, web=web)))
    check_out(folder)
    if budget_ms is not None:
        check_budget(budget_ms, "ms", "budget_ms")
    made = folder.with_name(f".{folder.name}.run")
    shutil.rmtree(made, ignore_errors=True)
    try:
        verdicts, outside = _assemble(
            source,
            None if search is None else Path(search),
            None if test is None else Path(test),
            None if table is None else table_path(table),
            budget_ms,
            device,
            inventory,
            force,
            made,
            listener,
        )
        return Bundle(folder, tuple(write_bundle(made, folder, licence=license, web=web)), verdicts, outside)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def refuse_options(run: Path, options: Sequence[str]) -> None:
    """Raise InputError where there are ``options`` for a finished run, whose files are bundled as they are."""
    if options:
        raise InputError(f"{run} is a finished run, whose files are bundled as they are: leave out {options[0]}")


def _assemble(
    model: Path,
    search: Path | None,
    test: Path | None,
    table: Path | None,
    budget_ms: float | None,
    device: str,
    inventory: FilePath | None,
    force: bool,
    made: Path,
    listener: Listener,
) -> tuple[tuple[Verdict, ...], str]:
    """Make a finished run of a folder of export; return its verdicts, and why the first file is outside, or ''."""
    from edgenas.bundle.assemble import BundleParts, read_parts, shipped_of

    if search is None or test is None:
        raise InputError(
            f"{model} has no run.json, so it is not a finished run of demo or ship; for a folder of export, add "
            f"--search search.json --test IMAGES"
        )
    parts = read_parts(BundleParts(model, search, test, table, budget_ms))
    for note in parts.pictures.notes:
        listener.message(note)
    with listener.task(f"bundle on {device}") as task:
        files = parts.run(load_entry(inventory, device), made, force=force, listener=task)
    shipped, outside = shipped_of(files), ""
    if not shipped.within_budget:
        outside = (
            f"{shipped.file} is not inside {shipped.budget_ms:g} ms on {shipped.device}: upper end "
            f"{shipped.high_ms:.4g} ms; the bundle records it; search again with a smaller budget"
        )
    return tuple(file.verdict for file in files if file.verdict is not None), outside
