"""Output of ``demo`` and ``ship``: tables and summary of a run from blocks to a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.cli.terminal import Cell, print_json, print_summary, print_table
from edgenas.cli.verify import print_verdicts

if TYPE_CHECKING:
    from edgenas.api.ship import ShippedRun
    from edgenas.ship.pipeline import ShipResult


def show_run(done: ShippedRun, as_json: bool) -> None:
    """Print the result of a run. OutcomeError where the file that ships is outside its budget."""
    if as_json:
        print_json(done.to_json())
    else:
        _print(done.story, done.folder, done.bundle, done.seconds)
    done.check()


def _print(story: ShipResult, folder: Path, bundle: Path, seconds: float) -> None:
    from edgenas.report.card import proved

    runs = [
        (
            run.budget,
            run.algorithm,
            story.cost.total(story.space.architecture(run.result.answer.choice)),
            run.result.answer.cost,
            run.result.answer.accuracy,
            len(run.result.trials),
            sum(t.newly_judged for t in run.result.trials),
            run.seconds,
        )
        for run in story.record.runs
    ]
    headings = (
        "budget ms",
        "algorithm",
        "predicted ms",
        "against budget ms",
        "accuracy %",
        "judged",
        "newly judged",
        "seconds",
    )
    print_table(headings, runs, f"Best network at each budget, of {story.space.networks:,}")
    finished = story.finished
    files = [
        (
            f.path.name,
            f.precision,
            f.proof.accuracy,
            str(f.proof.on),
            None if f.proof.agreement is None else 100 * f.proof.agreement,
            f"{f.path.stat().st_size / 1e3:,.0f} kB",
        )
        for f in finished.files
    ]
    print_table(
        ("file", "precision", "accuracy %", "on", "same class as torch %", "size"),
        files,
        f"By running each file on {finished.files[0].proof.pictures:,} test images",
    )
    if finished.verdicts:
        print_verdicts(finished.verdicts)
    first, shipped, brought = finished.files[0], finished.shipped, story.brought
    summary: dict[str, Cell] = {}
    if brought is None:
        summary = {"blocks measured": len(next(iter(story.tables.values())).blocks)}
    else:
        summary = {"table": f"{brought}: {len(next(iter(story.tables.values())).blocks)} blocks"}
    summary |= {
        "sums of blocks": proved(story.proof, shipped, brought).removeprefix("Sums of blocks "),
        f"accuracy of {first.path.name}": f"{first.proof.accuracy:.2f} % on test images, by running the file",
        **_latency(story),
        "seconds": seconds,
        "written": f"{folder}/: report.html, card.md, {', '.join(f.path.name for f in finished.files)}, ...",
        "bundle": f"{bundle}/",
        "next": f"edgenas verify {bundle}",
    }
    print_summary(summary, _answer(story))


def _latency(story: ShipResult) -> dict[str, Cell]:
    """Return the rows about the latency of the file that must keep the budget."""
    finished, shipped = story.finished, story.finished.shipped
    name, searched = f"latency of {finished.files[0].path.name}", story.kept.priced.uncertainty
    if shipped is None:
        return {
            name: f"{finished.predicted_ms:.4g} ms predicted by the table, budget {story.budget_ms:g} ms",
            "compared with the budget": f"the estimate {searched} (--uncertainty)",
            "within budget": "by the table; NOT MEASURED: name a device at hand with --device",
        }
    best = ", the best one in the table's validation" if story.proof is not None else ""
    return {
        name: f"{shipped.statistic} {shipped.measured_ms:.4g} ms ({shipped.low_ms:.4g} .. {shipped.high_ms:.4g}), "
        f"budget {story.budget_ms:g} ms",
        **({"published weights": str(story.finished.scratch)} if story.finished.scratch else {}),
        "statistic": f"{shipped.statistic}{best}",
        "compared with the budget": f"while searching the estimate {searched} (--uncertainty), at the end the upper "
        "end of the file's 95 % interval",
        "within budget": "yes" if shipped.within_budget else "NO",
    }


def _answer(story: ShipResult) -> str:
    """Return the result in one sentence: the file that ships, its latency against its budget, and its accuracy."""
    first, shipped = story.finished.files[0], story.finished.shipped
    known = f"{first.proof.accuracy:.1f} % on {first.proof.pictures:,} test images"
    if shipped is None:
        return f"{first.path.name} was not measured on a device; {known}"
    verdict = "inside" if shipped.within_budget else "OUTSIDE"
    return (
        f"{first.path.name} is {verdict} its budget on {shipped.device}: {shipped.measured_ms:.4g} ms, at most "
        f"{shipped.high_ms:.4g}, of {story.budget_ms:g} ms; {known}"
    )
