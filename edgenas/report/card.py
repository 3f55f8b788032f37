"""The model card of a run and of its bundle, in the Markdown of Hugging Face: the network, its latency with intervals,
its use, and the commands that repeat the measurement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.version import installed_version
from edgenas.blocks.size import axes, both_sides
from edgenas.latency_tables.calibrated import CalibratedTable
from edgenas.latency_tables.imported import ImportedTable
from edgenas.report.card_files import files_table
from edgenas.report.card_metadata import front_matter
from edgenas.report.card_uses import uses
from edgenas.report.markdown import escaped, number_text, numbers_text
from edgenas.report.series import discarded_rounds, discarded_text
from edgenas.runs.layout import ARCH, MANIFEST, PREDICT, REPORT, SEARCH, table_beside

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.profiler.verdict import Verdict
    from edgenas.runs.run import BroughtTable, RunRecord
    from edgenas.runs.search import SavedSearch
    from edgenas.ship.preprocessing import Preprocessing


@dataclass(frozen=True)
class CardData:
    """Content of the files of a finished run that its card is made from. ``table`` is the table of the search and lies
    beside the card as ``table_file``; ``proof`` is its validation, None without one; ``licence`` is that of the files,
    '' where nobody stated one."""

    run: RunRecord
    search: SavedSearch
    architecture: Architecture
    preprocessing: Preprocessing
    table: LatencyTable | ImportedTable
    table_file: str
    proof: Validation | None
    licence: str = ""


def card_data(folder: Path, licence: str = "") -> CardData:
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
        licence,
    )


def card(data: CardData) -> str:
    """Return the whole card as Markdown."""
    architecture, pre, run = data.architecture, data.preprocessing, data.run
    statistic = data.search.statistic or "median"
    measured = None if isinstance(data.table, ImportedTable) else data.table
    times = None if measured is None or data.proof is None else CalibratedTable(measured, data.proof)
    way = "alone, not calibrated" if times is None else "of the whole, calibrated"
    blocks = "\n".join(
        f"| {b} | {both_sides(b.out_size)}x{b.c_out} | {b.macs:,} | {_block_ms(data.table, times, b, statistic)} |"
        for b in architecture.blocks
    )
    if times is not None:
        blocks += f"\n| fixed cost of every network | - | - | {number_text(times.fixed_ms)} |"
    (high, wide), channels = axes(architecture.in_size), architecture.c_in
    first, again = next(iter(run.files)), "Repeat the measurement" if run.verdicts else "Measure it"
    slow = "".join(f"- {name}: {each.text}.\n" for name, file in run.files.items() for each in file.fallbacks)
    return f"""{front_matter(data, architecture.name)}
# {escaped(architecture.name)}

Classifies {f"images like those of {escaped(run.data)}" if run.data else "images"}, {wide}x{high}, {channels} \
channel{"s" * (channels > 1)}, {len(pre.labels)} classes.
{architecture.params:,} parameters, {architecture.macs:,} MACs. {_chosen(data)}{_started(run)}

{files_table(run)}

{_how_timed(data)} Each
accuracy was measured by running the file on {run.files[first].pictures:,} test images{taken(run)}. A file is inside \
its budget if the upper end of the 95 % interval under "Verified" is.

- {proved(data.proof, run.shipped, run.brought)}.{_lost(data.table)}
{slow}- Input: an image, rotated by its EXIF orientation, resized to cover {wide}x{high}, cropped at the centre; pixel
  values 0..255, minus {numbers_text(pre.mean)}, divided by {numbers_text(pre.deviation)}. Shape in TFLite:
  (1, {high}, {wide}, {channels}), in ONNX: (1, {channels}, {high}, {wide}). Output: {architecture.c_out} scores.

{uses(data)}

## Blocks

| block | output | MACs | {statistic} ms, {way} |
|---|---|---|---|
{blocks}

## Use

`python {PREDICT} IMAGE` prints the most probable classes; `--model FILE` selects another file. Needs the
runtime of the file, numpy, pillow.
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
            f"**The latency was not measured.** {number_text(run.predicted_ms)} ms is predicted by "
            f"{escaped(str(run.brought or 'a table from elsewhere'))}."
        )
    cores = ", ".join(map(str, setting.cores)) or "any"
    threads = f"{setting.threads} thread{'s' * (setting.threads > 1)}"
    return f"Measured with {threads} on core {cores}, scheduler {setting.scheduler}."


def _block_ms(
    table: LatencyTable | ImportedTable, times: CalibratedTable | None, block: BlockSpec, statistic: str
) -> str:
    """Return the time of a block, calibrated if ``times`` has it; 'predicted' where another table predicts it."""
    if table.missing([block]):
        return "predicted"
    return number_text(table.ms(block, statistic) if times is None else times.ms(block))


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


def _lost(table: LatencyTable | ImportedTable) -> str:
    text = "" if isinstance(table, ImportedTable) else discarded_text(*discarded_rounds(table))
    return f" The device was disturbed while the table was measured: {text}." if text else ""


def _chosen(data: CardData) -> str:
    """Return how the network was chosen: from how many networks, by which judge and with which table."""
    judged = len({trial.key for trial in data.search.trials})
    among = "" if data.run.networks is None else f"among {data.run.networks:,} networks "
    budget = "" if data.run.budget_ms is None else f" within {data.run.budget_ms:g} ms"
    chosen = f"Chosen {among}after judging {judged} ({escaped(data.search.accuracy.partition(':')[0])}){budget}, with "
    if isinstance(data.table, ImportedTable):
        known = escaped(str(data.run.brought or "a table from elsewhere"))
        return f"{chosen}{known} of\n{len(data.table.blocks)} blocks."
    measured = f"a latency table of\n{len(data.table.blocks)} blocks measured on {escaped(named(data.table.setting))}"
    prior = data.table.prior
    return chosen + measured + ("." if prior is None else f"; other blocks are predicted from {escaped(prior.file)}.")


def _started(run: RunRecord) -> str:
    """Return whose weights the training began from, and how it was trained; '' where it began from random weights."""
    known = run.pretrained
    if known is None:
        return ""
    licence = f"licence as stated there: {known.licence}" if known.licence else "no licence is stated there"
    return (
        f"\nTrained from the published weights {escaped(known.name)} ({escaped(known.source)}, sha256 {known.sha256}, "
        f"{escaped(licence)}): {escaped(known.recipe)}."
        + (f"\nWhat these weights are worth: {run.from_scratch}." if run.from_scratch else "")
    )


def _budget(run: RunRecord) -> str:
    return "" if run.budget_ms is None else f" --budget-ms {run.budget_ms:g}"
