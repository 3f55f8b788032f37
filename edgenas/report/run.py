"""What a run (``edgenas.making``) leaves for people: one JSON answer, the search, two pictures and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.version import installed_version
from edgenas.explaining import explain
from edgenas.report.gather import gather
from edgenas.report.page import page
from edgenas.report.pictures import FrontPicture, Point, draw_front, draw_table
from edgenas.searching import front_points
from edgenas.shipping import write_whole

if TYPE_CHECKING:
    from edgenas.finishing import File
    from edgenas.making import Story
    from profiler.export.integer import Fallback


def answer(story: Story, seconds: dict[str, float]) -> dict[str, Any]:
    """A run's JSON: plain values; times in ms and s, accuracies in percent. ``accuracy`` is that of the file that the
    budget is about."""
    finished, shipped = story.finished, story.finished.shipped
    parity = {file.path.name: file.parity_max_rel for file in finished.files if file.parity_max_rel is not None}
    return {
        "space": story.space.name,
        "networks": story.space.networks,
        "blocks": len(story.space.blocks()),
        "data": story.data.name,
        "tables": {runtime: table.setting.as_dict() for runtime, table in story.tables.items()},
        "budgets_ms": list(story.budgets),
        "winner": story.space.key(story.winner),
        "budget_ms": story.budget_ms,
        "predicted_ms": shipped.predicted_ms,
        "validation": {k: v for k, v in story.proof.as_dict().items() if k != "networks"},
        "measured_ms": shipped.measured_ms,
        "measured_interval_ms": [shipped.low_ms, shipped.high_ms],
        "within_budget": shipped.within_budget,
        "accuracy": finished.files[0].proof.accuracy,
        "parity_max_rel": max(parity.values(), default=None),
        "parity": parity,
        "files": {
            file.path.name: {"precision": file.precision, "bytes": file.path.stat().st_size, **file.proof.as_dict(),
                             "fallbacks": [f._asdict() for f in file.fallbacks]}
            for file in finished.files
        },
        "verdicts": [verdict.as_dict() for verdict in finished.verdicts],
        "finalists": [finalist.as_dict() for finalist in story.finalists],
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": seconds,
        "edgenas": installed_version(),
    }  # fmt: skip


def write_run(story: Story, seconds: dict[str, float], folder: Path) -> dict[str, Any]:
    """Write ``run.json``, ``search.json``, ``arch.json``, ``labels.txt``, ``preprocessing.json``, ``predict.py``,
    ``front.png``, ``table.png``, ``card.md`` and ``report.html`` into ``folder``, where tables and models are. Returns
    the answer."""
    values = story.record.values
    points = [] if values is None else front_points(story.space, story.cost, values)
    search = story.record.to_json(
        table=next(iter(table_files(story))),
        statistic=story.proof.statistic,
        explanation=explain(story.record).as_dict(story.record),
        front=[{"cost": c, "predicted_accuracy": a, "key": k} for c, a, k in points],
    )
    _write_json(folder / "search.json", search)
    _write_json(folder / "arch.json", story.space.architecture(story.winner).to_json())
    trials: dict[str, list[Point]] = {}
    picked: dict[str, list[Point]] = {}
    for run in story.record.runs:
        trials.setdefault(run.algorithm, []).extend((t.cost, t.accuracy) for t in run.result.trials)
        picked.setdefault(run.algorithm, []).append((run.result.answer.cost, run.result.answer.accuracy))
    judged = next(each.accuracy for each in story.finalists if each.key == story.space.key(story.winner))
    finished = story.finished
    setting = next(iter(story.tables.values())).setting
    how = f"{setting.version}, {setting.precision}, {setting.threads} thread{'s' * (setting.threads > 1)}"
    draw_front(
        FrontPicture(
            f"{story.space.name} on {device_name(story)}, {how}",
            [(c, a) for c, a, _ in points], trials, story.budgets, (finished.shipped.measured_ms, judged),
            picked=picked,
        ),
        folder / "front.png",
    )  # fmt: skip
    files = {file.path.name: file.path for file in finished.files}
    finished.preprocessing.write(folder, files)
    blocks = story.space.blocks()
    series: dict[str, list[float | None]] = {
        f"{table.setting.version}": [table.ms(block) for block in blocks] for table in story.tables.values()
    }
    title = f"Latency of every block on {device_name(story)}"
    draw_table(title, [str(b) for b in blocks], series, folder / "table.png")
    data = answer(story, seconds)
    _write_json(folder / "run.json", data)
    write_whole(folder / "card.md", card(story))
    write_whole(folder / "report.html", page(gather([folder])))
    return data


def device_name(story: Story) -> str:
    """What the machine calls itself."""
    facts = dict(next(iter(story.tables.values())).setting.device)
    return str(facts.get("model") or facts.get("cpu") or "this machine")


def table_files(story: Story) -> dict[str, str]:
    """File name -> runtime, of every table, the budget's first."""
    precision = "" if story.order.precision == "fp32" else f"-{story.order.precision}"
    return {f"table-{runtime}{precision}.jsonl": runtime for runtime in story.tables}


def card(story: Story) -> str:
    """A model card in Markdown: what the model is, how fast, how sure, and how to repeat it."""
    finished = story.finished
    architecture = finished.architecture
    setting = next(iter(story.tables.values())).setting
    rows = [_file_row(file) for file in finished.files]
    blocks = "\n".join(f"| {b} | {b.out_size}x{b.out_size}x{b.c_out} | {b.macs:,} | {_block_ms(story, b)} |"
                       for b in architecture.blocks)  # fmt: skip
    size, channels = architecture.in_size, architecture.c_in
    pre = finished.preprocessing
    first = finished.files[0].path.name
    table = next(iter(table_files(story)))
    slow = "".join(_slow_row(file.path.name, f) for file in finished.files for f in file.fallbacks)
    return f"""# {architecture.name}

Classifies pictures as those of {story.data.name}, {size}x{size}, {channels} channel{"s" * (channels > 1)},
{len(pre.labels)} classes. {architecture.params:,} parameters, {architecture.macs:,} MACs. Chosen among
{story.space.networks:,} networks by {len({t.choice for run in story.record.runs for t in run.result.trials})} that were
judged ({story.record.accuracy.partition(":")[0]}) and a latency table of {len(story.space.blocks())} blocks measured on
{device_name(story)}.

| file | precision | accuracy, % of {finished.files[0].proof.pictures} test images | same class as torch | \
{finished.shipped.statistic} ms (95 % interval) | median | p90 | predicted | budget | verdict |
|---|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

{setting.threads} thread on core {", ".join(map(str, setting.cores)) or "any"}, scheduler {setting.scheduler}. Each
accuracy is of running that file. A file is inside its budget when the upper end of the interval is.

- {proved(story)}
{slow}- Input: a picture turned as its EXIF says, scaled until it covers the square, cut at the centre; levels 0..255,
  less {_numbers(pre.mean)}, over {_numbers(pre.deviation)}; TFLite (1, {size}, {size}, {channels}),
  ONNX (1, {channels}, {size}, {size}); output: {architecture.c_out} scores

| block | output | MACs | ms in the table |
|---|---|---|---|
{blocks}

Repeat the measurement: `edgenas verify {first} --network arch.json --table {table} --budget-ms {story.budget_ms:g}`.
Made by edgenas {installed_version()}.
"""


def _slow_row(name: str, slow: Fallback) -> str:
    where = f"{slow.number} {slow.kind} are not int8's own kernels"
    return f"- {name}: {where}, {slow.time_share:.0%} of the time, {slow.values_share:.0%} of the values written\n"


def _file_row(file: File) -> str:
    v, proof = file.verdict, file.proof
    same = "-" if proof.agreement is None else f"{100 * proof.agreement:.2f} %"
    cells = [file.path.name, file.precision, f"{proof.accuracy:.2f}", same]
    if v is None:
        cells += ["not timed", "-", "-", "-", "-", "-"]
    else:
        cells += [
            f"{v.measured_ms:.4g} ({v.low_ms:.4g} .. {v.high_ms:.4g})", f"{v.median_ms:.4g}", f"{v.p90_ms:.4g}",
            _number(v.predicted_ms), _number(v.budget_ms), _verdict(v.within_budget),
        ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)


def proved(story: Story) -> str:
    """What the validation of the table says, in a sentence."""
    proof = story.proof
    mape, networks = 100 * proof.chosen.calibrated.mape, len(proof.networks)
    return (
        f"Sums of blocks miss whole networks by {mape:.1f} % on average ({networks} held-out networks, calibrated "
        f"without the one in question; {100 * proof.noise:.1f} % is noise of measuring); a prediction holds within "
        f"{100 * proof.error_share():.0f} %"
    )


def _block_ms(story: Story, block: Any) -> str:
    return f"{next(iter(story.tables.values())).ms(block):.4g}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _verdict(within: bool | None) -> str:
    return {True: "inside", False: "outside", None: "-"}[within]


def _write_json(path: Path, data: Any) -> None:
    write_whole(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
