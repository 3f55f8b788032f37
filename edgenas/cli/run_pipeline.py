"""Running the whole way from blocks to a bundle, and telling what came of it: ``demo`` and ``ship``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import OutcomeError
from edgenas.cli.terminal import Cell, print_json, print_summary, print_table, progress, talk
from edgenas.cli.verify import print_verdicts

if TYPE_CHECKING:
    from edgenas.ship.pipeline import ShipPipeline, ShipResult


def make(making: ShipPipeline, label: str, bundle: Path, as_json: bool) -> None:
    """Run it, write what it leaves and the ``bundle``, and print the answer. OutcomeError where the file that ships is
    not inside its budget."""
    from edgenas.bundle.write import write_bundle
    from edgenas.report.run import write_run

    number = 0

    def step(text: str) -> None:
        nonlocal number
        number += 1
        talk(f"[{number}/{making.STEPS}] {text}")

    making.step, making.say = step, talk
    with progress(label) as update:
        making.update = update
        story = making.run()
        step("writing the report and the bundle")
        data = write_run(story, making.seconds, making.folder)
        write_bundle(making.folder, bundle, replace=True)
    if as_json:
        print_json({**data, "bundle": str(bundle)})
    else:
        _print(story, making.folder, bundle, data["seconds"])
    shipped = story.finished.shipped
    if not shipped.within_budget:
        raise OutcomeError(
            f"{shipped.file} is not inside {story.budget_ms:g} ms on {shipped.device}: upper end {shipped.high_ms:.4g} "
            f"ms; it was slower than while the table was measured: close what else runs and run it again"
        )


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
            sum(t.paid for t in run.result.trials),
            run.seconds,
        )
        for run in story.record.runs
    ]
    headings = ("budget ms", "algorithm", "predicted ms", "counts as", "accuracy %", "judged", "paid for", "seconds")
    print_table(headings, runs, f"Best network found within each budget, of {story.space.networks:,}")
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
    print_verdicts(finished.verdicts)
    first, shipped = finished.files[0], finished.shipped
    summary: dict[str, Cell] = {
        "blocks measured": len(story.space.blocks()),
        "sums of blocks": proved(story.proof, shipped).removeprefix("Sums of blocks "),
        f"accuracy of {first.path.name}": f"{first.proof.accuracy:.2f} % on test images, by running the file",
        f"latency of {first.path.name}": f"{shipped.statistic} {shipped.measured_ms:.4g} ms "
        f"({shipped.low_ms:.4g} .. {shipped.high_ms:.4g}), budget {story.budget_ms:g} ms",
        "counts against the budget": f"in the search {story.kept.priced.uncertainty} (--uncertainty), at the end the "
        "upper end of the measured interval",
        "within budget": "yes" if shipped.within_budget else "NO",
        "seconds": seconds,
        "written": f"{folder}/: report.html, card.md, {', '.join(f.path.name for f in finished.files)}, ...",
        "bundle": f"{bundle}/",
        "next": f"edgenas verify {bundle}",
    }
    print_summary(summary)
