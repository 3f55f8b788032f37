"""The model card of a run and of its bundle, in the Markdown of Hugging Face: the network, its latency with intervals,
its use, and the commands that repeat the measurement."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.version import installed_version
from edgenas.blocks.size import axes, both_sides
from edgenas.latency_tables.imported import ImportedTable
from edgenas.runs.layout import ARCH, MANIFEST, PREDICT, REPORT, SEARCH, table_beside

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.profiler.verdict import Verdict
    from edgenas.runs.run import BroughtTable, FileRecord, RunRecord
    from edgenas.runs.search import SavedSearch
    from edgenas.ship.preprocessing import Preprocessing


@dataclass(frozen=True)
class CardData:
    """Content of the files of a finished run that its card is made from. ``table`` is the table of the search and lies
    beside the card as ``table_file``; ``proof`` is its validation, None without one."""

    run: RunRecord
    search: SavedSearch
    architecture: Architecture
    preprocessing: Preprocessing
    table: LatencyTable | ImportedTable
    table_file: str
    proof: Validation | None


def card_data(folder: Path) -> CardData:
    """Read the data of the card of a run folder; InputError if a file is missing or damaged."""
    from edgenas.latency_tables.store.open import open_table
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import latest
    from edgenas.runs.layout import RUN as RUN_FILE
    from edgenas.runs.network import NETWORK
    from edgenas.runs.run import RUN
    from edgenas.runs.search import read_search
    from edgenas.ship.preprocessing import read_preprocessing

    search = read_search(folder / SEARCH)
    architecture = NETWORK.read(folder / ARCH)
    path = table_beside(folder / SEARCH, search.table)
    table = open_table(path)
    try:
        proof = latest(table, search.statistic, search.space.name) if isinstance(table, LatencyTable) else None
    except InputError:  # the table has no such statistic
        proof = None
    return CardData(
        RUN.read(folder / RUN_FILE),
        search,
        architecture,
        read_preprocessing(folder, architecture),
        table,
        path.name,
        proof,
    )


def card(data: CardData) -> str:
    """Return the whole card as Markdown."""
    architecture, pre, run = data.architecture, data.preprocessing, data.run
    statistic = data.search.statistic or "median"
    blocks = "\n".join(
        f"| {b} | {both_sides(b.out_size)}x{b.c_out} | {b.macs:,} | {_block_ms(data.table, b, statistic)} |"
        for b in architecture.blocks
    )
    (high, wide), channels = axes(architecture.in_size), architecture.c_in
    first, again = next(iter(run.files)), "Repeat the measurement" if run.verdicts else "Measure it"
    slow = "".join(f"- {name}: {each.text}.\n" for name, file in run.files.items() for each in file.fallbacks)
    return f"""---
pipeline_tag: image-classification
tags: [tflite, litert, onnx, edge, latency, neural-architecture-search, edgenas]
metrics: [accuracy]
---
# {_plain(architecture.name)}

Classifies {f"images like those of {_plain(run.data)}" if run.data else "images"}, {wide}x{high}, {channels} \
channel{"s" * (channels > 1)}, {len(pre.labels)} classes.
{architecture.params:,} parameters, {architecture.macs:,} MACs. {_chosen(data)}{_started(run)}

{files_table(run)}

{_how_timed(data)} Each
accuracy was measured by running the file on {run.files[first].pictures:,} test images{taken(run)}. A file is inside \
its budget if the upper end of the 95 % interval under "Verified" is.

- {proved(data.proof, run.shipped, run.brought)}.
{slow}- Input: an image, rotated by its EXIF orientation, resized to cover {wide}x{high}, cropped at the centre; pixel
  values 0..255, minus {_numbers(pre.mean)}, divided by {_numbers(pre.deviation)}. Shape in TFLite:
  (1, {high}, {wide}, {channels}), in ONNX: (1, {channels}, {high}, {wide}). Output: {architecture.c_out} scores.

| block | output | MACs | {statistic} ms in the table |
|---|---|---|---|
{blocks}

Use: `python {PREDICT} IMAGE`; `--model FILE` selects another file. Needs the runtime of the file, numpy, pillow.
{again}: `edgenas verify {first} --network {ARCH} --table {data.table_file}{_budget(run)}`; in a bundle,
`edgenas verify .`. `sha256sum -c {MANIFEST}` checks the files of a bundle. Report: `{REPORT}`.
Made by edgenas {installed_version()}.
"""


def named(setting: Setting) -> str:
    """Return the name of the device of a setting: its model, else its processor."""
    facts = dict(setting.device)
    return str(facts.get("model") or facts.get("cpu") or "an unnamed device")


def _how_timed(data: CardData) -> str:
    """Return the conditions in which the files were timed; that they were not timed where no device was at hand."""
    run = data.run
    setting = None if isinstance(data.table, ImportedTable) else data.table.setting
    if run.shipped is not None and run.shipped.setting is not None:
        setting = setting or run.shipped.setting
    if setting is None:
        return (
            f"**The latency was not measured.** {_number(run.predicted_ms)} ms is predicted by "
            f"{_plain(str(run.brought or 'a table from elsewhere'))}."
        )
    cores = ", ".join(map(str, setting.cores)) or "any"
    threads = f"{setting.threads} thread{'s' * (setting.threads > 1)}"
    return f"Measured with {threads} on core {cores}, scheduler {setting.scheduler}."


def _block_ms(table: LatencyTable | ImportedTable, block: BlockSpec, statistic: str) -> str:
    """Return the time of a block in the table; 'predicted' where it was carried over from another table."""
    return "predicted" if table.missing([block]) else _number(table.ms(block, statistic))


def proved(proof: Validation | None, verdict: Verdict | None, brought: BroughtTable | None = None) -> str:
    """Return the result of a table's validation as a sentence without a full stop; if a file was measured outside its
    prediction interval, with that."""
    if brought is not None and brought.error_share is not None:
        return (
            f"Sums of blocks were fitted to {brought.networks} whole networks; by those left out of the fit, 95 % of "
            f"networks are within {100 * brought.error_share:.0f} % of their prediction"
        )
    if proof is None and verdict is None:
        return "Sums of blocks were not validated, and nothing was measured: measure the file before you rely on it"
    if proof is None:
        return "Sums of blocks were not validated: rely on the measurement of the whole file"
    mape, networks = 100 * proof.chosen.calibrated.mape, len(proof.networks)
    return (
        f"Sums of blocks differ from whole networks by {mape:.1f} % on average ({networks} held-out networks, "
        f"leave-one-out calibration; {100 * proof.noise:.1f} % is measurement noise); the 95 % prediction interval is "
        f"{proof.interval_text}"
        + (f"; {clause}" if verdict and (clause := beyond(proof, verdict.file, verdict.error)) else "")
    )


def beyond(proof: Validation, name: str, error: float | None) -> str:
    """Return a clause that says that a file was measured outside its prediction interval; '' if it was not. ``error``
    is measured / predicted - 1."""
    if error is None or abs(error) <= proof.error_share():
        return ""
    way = "longer" if error > 0 else "less time"
    return (
        f"{name} took {100 * abs(error):.0f} % {way} than predicted, outside that interval: the device runs at another "
        "speed than when the blocks were measured; measure the blocks again for predictions that hold now"
    )


def taken(run: RunRecord) -> str:
    """Return the target on which each accuracy was measured: ', on pi4 (Arm dot product)'. The accuracy of an int8 file
    depends on the processor."""
    places: dict[str, list[str]] = {}
    for name, file in run.files.items():
        if file.accuracy_on is not None:
            places.setdefault(str(file.accuracy_on), []).append(name)
    if len(places) == 1:
        return f", on {next(iter(places))}"
    return "".join(f"{', ' if i else ': '}{' and '.join(n)} on {on}" for i, (on, n) in enumerate(places.items()))


def _chosen(data: CardData) -> str:
    """Return how the network was chosen: from how many networks, by which judge and with which table."""
    judged = len({trial.key for trial in data.search.trials})
    among = "" if data.run.networks is None else f"among {data.run.networks:,} networks "
    budget = "" if data.run.budget_ms is None else f" within {data.run.budget_ms:g} ms"
    chosen = f"Chosen {among}after judging {judged} ({_plain(data.search.accuracy.partition(':')[0])}){budget}, with "
    if isinstance(data.table, ImportedTable):
        known = _plain(str(data.run.brought or "a table from elsewhere"))
        return f"{chosen}{known} of\n{len(data.table.blocks)} blocks."
    measured = f"a latency table of\n{len(data.table.blocks)} blocks measured on {_plain(named(data.table.setting))}"
    prior = data.table.prior
    return chosen + measured + ("." if prior is None else f"; other blocks are predicted from {_plain(prior.file)}.")


def _started(run: RunRecord) -> str:
    """Return whose weights the training began from, and how it was trained; '' where it began from random weights."""
    known = run.pretrained
    if known is None:
        return ""
    licence = f"licence as stated there: {known.licence}" if known.licence else "no licence is stated there"
    return (
        f"\nTrained from the published weights {_plain(known.name)} ({_plain(known.source)}, sha256 {known.sha256}, "
        f"{_plain(licence)}): {_plain(known.recipe)}."
    )


def files_table(run: RunRecord) -> str:
    """Return the Markdown table of files: precision, device, latency, size, accuracy and budget verdict of each."""
    rows = "\n".join(_row(name, file, run) for name, file in run.files.items())
    return f"""| Model | Precision | Device | Chipset | Runtime | p50 / p90 ms | 95 % interval of p50, ms | \
Peak memory | Size | Accuracy | Same class as torch | Predicted, ms | Budget, ms | Verified |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}"""


def _row(name: str, file: FileRecord, run: RunRecord) -> str:
    size = "-" if file.bytes is None else f"{file.bytes / 1e3:.1f} kB"
    same = "-" if file.agreement is None else f"{100 * file.agreement:.2f} %"
    precision = f"{file.precision}, 7-bit weights" if file.weight_bits == 7 else file.precision
    known = [size, f"{file.accuracy:.2f} %", same]
    verdict = next((v for v in run.verdicts if v.file == name), None)
    if verdict is None or verdict.setting is None:
        cells = [name, precision, "-", "-", "-", "-", "-", "-", *known]
        if not run.verdicts and run.brought is not None and name == next(iter(run.files)):
            cells += [_number(run.predicted_ms), _number(run.budget_ms), "predicted, not measured"]
        else:
            cells += ["-", "-", "not timed"]
    else:
        facts = dict(verdict.setting.device)
        cells = [
            name,
            precision,
            str(facts.get("model") or verdict.device),
            str(facts.get("soc") or facts.get("cpu") or "-"),
            verdict.setting.version,
            f"{_number(verdict.median_ms)} / {_number(verdict.p90_ms)}",
            _between(verdict.median_low_ms, verdict.median_high_ms),
            _memory(verdict),
            *known,
            _number(verdict.predicted_ms),
            _number(verdict.budget_ms),
            _verified(verdict),
        ]
    return f"| {' | '.join(_plain(cell) for cell in cells)} |"


def _verified(verdict: Verdict) -> str:
    """Verdict with its statistic and interval, whose upper end is compared with the budget."""
    state = {True: "inside", False: "OUTSIDE", None: "timed"}[verdict.within_budget]
    return f"{state}, {verdict.statistic} {_number(verdict.measured_ms)} ({_between(verdict.low_ms, verdict.high_ms)})"


def _memory(verdict: Verdict) -> str:
    """Peak memory of a process that runs the file alone, and the share of it that the model takes, in MiB."""
    peak, model = (None if kib is None else f"{kib / 1024:.1f}" for kib in (verdict.peak_kib, verdict.model_kib))
    if peak is None:
        return "not known"
    return f"{peak} MiB" if model is None else f"{peak} MiB, the model {model}"


def _budget(run: RunRecord) -> str:
    return "" if run.budget_ms is None else f" --budget-ms {run.budget_ms:g}"


def _plain(text: str) -> str:
    """Text with the special characters of Markdown and HTML escaped."""
    return re.sub(r"([|\\`*_<>\[\]])", r"\\\1", text)


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _between(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"{low:.4g} .. {high:.4g}"
