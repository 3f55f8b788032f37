"""A model card in Markdown: what a network is, how fast, how sure, and how to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgenas.base.version import installed_version

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.setting import Setting
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.profiler.export.integer import Fallback
    from edgenas.profiler.verify import Verdict
    from edgenas.ship.finish import ShippedFile
    from edgenas.ship.preprocessing import Preprocessing


@dataclass(frozen=True)
class CardData:
    """What a card is made of. ``files`` begin with the one that the budget is about; ``table`` is of its runtime and
    lies beside the card as ``table_file``, ``proof`` its validation; ``chosen`` says among what, and by whom, and
    ``pictures`` what the network classifies."""

    architecture: Architecture
    files: Sequence[ShippedFile]
    preprocessing: Preprocessing
    pictures: str
    chosen: str
    table: LatencyTable
    table_file: str
    proof: Validation | None
    statistic: str
    budget_ms: float


def card(shown: CardData) -> str:
    """All of it."""
    architecture, setting, pre = shown.architecture, shown.table.setting, shown.preprocessing
    rows = [_file_row(file) for file in shown.files]
    blocks = "\n".join(
        f"| {b} | {b.out_size}x{b.out_size}x{b.c_out} | {b.macs:,} | {_block_ms(shown.table, b)} |"
        for b in architecture.blocks
    )
    size, channels = architecture.in_size, architecture.c_in
    first = shown.files[0].path.name
    slow = "".join(_slow_row(file.path.name, f) for file in shown.files for f in file.fallbacks)
    return f"""# {architecture.name}

Classifies {shown.pictures}, {size}x{size}, {channels} channel{"s" * (channels > 1)},
{len(pre.labels)} classes. {architecture.params:,} parameters, {architecture.macs:,} MACs. {shown.chosen}

| file | precision | accuracy, % of {shown.files[0].proof.pictures} test images | same class as torch | \
{shown.statistic} ms (95 % interval) | median | p90 | predicted | budget | verdict |
|---|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{setting.threads} thread{"s" * (setting.threads > 1)} on core {", ".join(map(str, setting.cores)) or "any"}, scheduler \
{setting.scheduler}. Each
accuracy is of running that file. A file is inside its budget when the upper end of the interval is.

- {proved(shown.proof, shown.files[0].verdict)}
{slow}- Input: a picture turned as its EXIF says, scaled until it covers the square, cut at the centre; levels 0..255,
  less {_numbers(pre.mean)}, over {_numbers(pre.deviation)}; TFLite (1, {size}, {size}, {channels}),
  ONNX (1, {channels}, {size}, {size}); output: {architecture.c_out} scores

| block | output | MACs | ms in the table |
|---|---|---|---|
{blocks}

Repeat the measurement: `edgenas verify {first} --network arch.json --table {shown.table_file} \
--budget-ms {shown.budget_ms:g}`.
Made by edgenas {installed_version()}.
"""


def named(setting: Setting) -> str:
    """What a device calls itself."""
    facts = dict(setting.device)
    return str(facts.get("model") or facts.get("cpu") or "this machine")


def proved(proof: Validation | None, verdict: Verdict | None) -> str:
    """What the validation of a table says, and whether a file kept to it, in a sentence."""
    if proof is None:
        return "Whether sums of blocks can be trusted was not validated: the measurement of the whole file stands alone"
    mape, networks = 100 * proof.chosen.calibrated.mape, len(proof.networks)
    return (
        f"Sums of blocks miss whole networks by {mape:.1f} % on average ({networks} held-out networks, calibrated "
        f"without the one in question; {100 * proof.noise:.1f} % is noise of measuring); a prediction holds within "
        f"{100 * proof.error_share():.0f} %"
        + (f"; {told}" if verdict and (told := beyond(proof, verdict.file, verdict.error)) else "")
    )


def beyond(proof: Validation, name: str, error: float | None) -> str:
    """Where a file was further off than its prediction may be, a clause that says so; else nothing. ``error`` is
    measured over predicted, less 1."""
    if error is None or abs(error) <= proof.error_share():
        return ""
    way = "longer" if error > 0 else "less"
    return (
        f"{name} took {100 * abs(error):.0f} % {way} than predicted, which is beyond that: the device runs at another "
        "speed than while the blocks were measured; measured again, they say what fits now"
    )


def _slow_row(name: str, slow: Fallback) -> str:
    where = f"{slow.number} {slow.kind} are not int8's own kernels"
    return f"- {name}: {where}, {slow.time_share:.0%} of the time, {slow.values_share:.0%} of the values written\n"


def _file_row(file: ShippedFile) -> str:
    v, proof = file.verdict, file.proof
    same = "-" if proof.agreement is None else f"{100 * proof.agreement:.2f} %"
    cells = [file.path.name, file.precision, f"{proof.accuracy:.2f}", same]
    if v is None:
        cells += ["not timed", "-", "-", "-", "-", "-"]
    else:
        cells += [
            f"{v.measured_ms:.4g} ({v.low_ms:.4g} .. {v.high_ms:.4g})",
            f"{v.median_ms:.4g}",
            f"{v.p90_ms:.4g}",
            _number(v.predicted_ms),
            _number(v.budget_ms),
            {True: "inside", False: "outside", None: "-"}[v.within_budget],
        ]
    return f"| {' | '.join(cells)} |"


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def _block_ms(table: LatencyTable, block: BlockSpec) -> str:
    return _number(table.ms(block))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"
