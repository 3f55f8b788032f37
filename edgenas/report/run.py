"""What a run leaves for people: one JSON answer, the search, two pictures and a model card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.version import installed_version
from edgenas.report.gather import gather
from edgenas.report.page import page
from edgenas.report.pictures import FrontPicture, Point, draw_front, draw_table
from edgenas.searching import front_points
from edgenas.shipping import write_whole

if TYPE_CHECKING:
    from edgenas.demo import Story


def answer(story: Story, seconds: dict[str, float]) -> dict[str, Any]:
    """The demo's JSON: plain values; times in ms and s, accuracies in percent."""
    shipped = story.shipped
    return {
        "space": story.space.name,
        "networks": story.space.networks,
        "blocks": len(story.space.blocks()),
        "tables": {runtime: table.setting.as_dict() for runtime, table in story.tables.items()},
        "budgets_ms": list(story.budgets),
        "winner": story.space.key(story.winner),
        "budget_ms": story.budget_ms,
        "predicted_ms": shipped.predicted_ms,
        "validation": {k: v for k, v in story.proof.as_dict().items() if k != "networks"},
        "measured_ms": shipped.measured_ms,
        "measured_interval_ms": [shipped.low_ms, shipped.high_ms],
        "within_budget": shipped.within_budget,
        "accuracy": story.accuracy["tflite"],
        "parity_max_rel": max(story.parity_max_rel.values()),
        "parity": story.parity_max_rel,
        "accuracy_by_file": story.accuracy,
        "verdicts": [verdict.as_dict() for verdict in story.verdicts],
        "finalists": [{"key": k, "judged_accuracy": a, **v.as_dict()} for k, a, v in story.finalists],
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": seconds,
        "edgenas": installed_version(),
    }


def write_run(story: Story, seconds: dict[str, float], folder: Path) -> dict[str, Any]:
    """Write ``demo.json``, ``search.json``, ``arch.json``, ``front.png``, ``table.png``, ``card.md`` and
    ``report.html`` into ``folder``; the demo has put the tables and the model there. Returns the answer."""
    values = story.record.values
    points = [] if values is None else front_points(story.space, story.cost, values)
    search = story.record.to_json(
        table="table-litert.jsonl",
        statistic=story.proof.statistic,
        front=[{"cost": c, "predicted_accuracy": a, "key": k} for c, a, k in points],
    )
    _write_json(folder / "search.json", search)
    _write_json(folder / "arch.json", story.space.architecture(story.winner).to_json())
    trials: dict[str, list[Point]] = {}
    picked: dict[str, list[Point]] = {}
    for run in story.record.runs:
        trials.setdefault(run.algorithm, []).extend((t.cost, t.accuracy) for t in run.result.trials)
        picked.setdefault(run.algorithm, []).append((run.result.answer.cost, run.result.answer.accuracy))
    judged = next(a for k, a, _ in story.finalists if k == story.space.key(story.winner))
    draw_front(
        FrontPicture(
            f"{story.space.name} on {device_name(story)}, LiteRT, one thread",
            [(c, a) for c, a, _ in points], trials, story.budgets, (story.shipped.measured_ms, judged), picked=picked,
        ),
        folder / "front.png",
    )  # fmt: skip
    blocks = story.space.blocks()
    series: dict[str, list[float | None]] = {
        f"{table.setting.version}": [table.ms(block) for block in blocks] for table in story.tables.values()
    }
    title = f"Latency of every block on {device_name(story)}"
    draw_table(title, [str(b) for b in blocks], series, folder / "table.png")
    data = answer(story, seconds)
    _write_json(folder / "demo.json", data)
    write_whole(folder / "card.md", card(story))
    write_whole(folder / "report.html", page(gather([folder])))
    return data


def device_name(story: Story) -> str:
    """What the machine calls itself."""
    facts = dict(next(iter(story.tables.values())).setting.device)
    return str(facts.get("model") or facts.get("cpu") or "this machine")


def card(story: Story) -> str:
    """A model card in Markdown: what the model is, how fast, how sure, and how to repeat it."""
    architecture = story.space.architecture(story.winner)
    setting = next(iter(story.tables.values())).setting
    rows = [
        f"| {v.file} | fp32 | {device_name(story)} | {story.tables[v.runtime].setting.version} | {v.measured_ms:.4g} "
        f"({v.low_ms:.4g} .. {v.high_ms:.4g}) | {v.median_ms:.4g} | {v.p90_ms:.4g} | {_number(v.predicted_ms)} | "
        f"{_number(v.budget_ms)} | {_verdict(v.within_budget)} |"
        for v in story.verdicts
    ]
    sizes = ", ".join(f"{path.name} {path.stat().st_size / 1e3:.0f} kB" for path in story.files.values())
    accuracy = ", ".join(f"{kind} {percent:.2f} %" for kind, percent in story.accuracy.items())
    parity = ", ".join(f"{kind} {error:.1e}" for kind, error in story.parity_max_rel.items())
    blocks = "\n".join(f"| {b} | {b.out_size}x{b.out_size}x{b.c_out} | {b.macs:,} | {_block_ms(story, b)} |"
                       for b in architecture.blocks)  # fmt: skip
    shipped = story.shipped.statistic
    return f"""# {architecture.name}

Classifies scikit-learn's digits (distorted, {architecture.in_size}x{architecture.in_size}, {architecture.c_in}
channel). {architecture.params:,} parameters, {architecture.macs:,} MACs. Chosen among {story.space.networks:,} networks
by {len({t.choice for run in story.record.runs for t in run.result.trials})} short trainings and a latency table of
{len(story.space.blocks())} blocks measured on this machine.

| file | precision | device | runtime | {shipped} ms (95 % interval) | median | p90 | predicted | budget | verdict |
|---|---|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

One thread on core {", ".join(map(str, setting.cores)) or "any"}, scheduler {setting.scheduler}. A file is inside its
budget when the upper end of the interval is.

- {proved(story)}
- Accuracy on test images, by running each file: {accuracy}
- Largest relative difference from the torch model on those images: {parity}
- Sizes: {sizes}
- Input: float32, (grey in 0..1 - 0.3) / 0.35, TFLite (1, {architecture.in_size}, {architecture.in_size},
  {architecture.c_in}), ONNX (1, {architecture.c_in}, {architecture.in_size}, {architecture.in_size}); output:
  {architecture.c_out} scores

| block | output | MACs | ms in the table |
|---|---|---|---|
{blocks}

Repeat the measurement: `edgenas verify model.tflite model.onnx --network arch.json --table table-litert.jsonl --table
table-onnxruntime.jsonl --budget-ms {story.budget_ms:g}`. Made by edgenas {installed_version()}.
"""


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
