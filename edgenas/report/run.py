"""What a run (``edgenas.ship.pipeline``) leaves for people: one JSON answer, the search, two pictures and a model
card."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.files import write_whole
from edgenas.base.version import installed_version
from edgenas.report.card import CardData, card, named
from edgenas.report.page import page
from edgenas.report.pictures import FrontPicture, Point, draw_front, draw_table
from edgenas.runs.gather import gather
from edgenas.search.explain import explain
from edgenas.search.record import front_points

if TYPE_CHECKING:
    from edgenas.ship.pipeline import ShipResult


def answer(story: ShipResult, seconds: dict[str, float]) -> dict[str, Any]:
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
            file.path.name: {
                "precision": file.precision,
                "bytes": file.path.stat().st_size,
                **file.proof.as_dict(),
                "fallbacks": [f._asdict() for f in file.fallbacks],
            }
            for file in finished.files
        },
        "verdicts": [verdict.as_dict() for verdict in finished.verdicts],
        "finalists": [finalist.as_dict() for finalist in story.finalists],
        "seconds": round(sum(seconds.values()), 1),
        "seconds_by_step": seconds,
        "edgenas": installed_version(),
    }


def write_run(story: ShipResult, seconds: dict[str, float], folder: Path) -> dict[str, Any]:
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
            f"{story.space.name} on {named(setting)}, {how}",
            [(c, a) for c, a, _ in points],
            trials,
            story.budgets,
            (finished.shipped.measured_ms, judged),
            picked=picked,
        ),
        folder / "front.png",
    )
    files = {file.path.name: file.path for file in finished.files}
    finished.preprocessing.write(folder, files)
    blocks = story.space.blocks()
    series: dict[str, list[float | None]] = {
        f"{table.setting.version}": [table.ms(block) for block in blocks] for table in story.tables.values()
    }
    title = f"Latency of every block on {named(setting)}"
    draw_table(title, [str(b) for b in blocks], series, folder / "table.png")
    data = answer(story, seconds)
    _write_json(folder / "run.json", data)
    write_whole(folder / "card.md", card(shown(story)))
    write_whole(folder / "report.html", page(gather([folder])))
    return data


def table_files(story: ShipResult) -> dict[str, str]:
    """File name -> runtime, of every table, the budget's first."""
    precision = "" if story.order.precision == "fp32" else f"-{story.order.precision}"
    return {f"table-{runtime}{precision}.jsonl": runtime for runtime in story.tables}


def shown(story: ShipResult) -> CardData:
    """What the card is made of."""
    finished, table = story.finished, next(iter(story.tables.values()))
    judged = len({t.choice for run in story.record.runs for t in run.result.trials})
    chosen = f"""Chosen among
{story.space.networks:,} networks by {judged} that were
judged ({story.record.accuracy.partition(":")[0]}) and a latency table of {len(story.space.blocks())} blocks measured on
{named(table.setting)}."""
    return CardData(
        finished.architecture,
        finished.files,
        finished.preprocessing,
        f"pictures as those of {story.data.name}",
        chosen,
        table,
        next(iter(table_files(story))),
        story.proof,
        finished.shipped.statistic,
        story.budget_ms,
    )


def _write_json(path: Path, data: Any) -> None:
    write_whole(path, json.dumps(data, indent=1, allow_nan=False) + "\n")
