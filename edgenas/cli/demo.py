"""``edgenas demo``"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from blocks.errors import OutcomeError
from edgenas.cli.devices import device_option, inventory_option, load_entry
from edgenas.cli.terminal import json_option, print_json, print_summary, print_table, progress, talk
from edgenas.cli.verify import print_verdicts


@click.command("demo")
@click.option("--run", "folder", type=click.Path(file_okay=False, path_type=Path),
              help="The folder to write into, or to continue in [default: runs/NOW].")  # fmt: skip
@device_option
@inventory_option
@click.option("--seed", default=0, show_default=True, help="Of data, search and trainings.")
@click.option("--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Training processes.")
@json_option
def command(folder: Path | None, device: str, inventory: Path | None, seed: int, workers: int, as_json: bool) -> None:
    """The whole story on this machine in five minutes: measure every block of a MobileNet-like space under LiteRT and
    ONNX Runtime, search it with LayerNAS and MathNAS at three latency budgets while training candidates on real images
    (scikit-learn's digits), train the winner, export it, and accept it only if it is inside its budget here.

    \b
    Example:
      edgenas demo
      edgenas demo --run runs/20270101-120000      # goes on where that run was stopped
    """
    from edgenas.demo import Demo
    from edgenas.report.run import proved, write_run

    folder = folder or Path("runs") / datetime.now().strftime("%Y%m%d-%H%M%S")
    entry = load_entry(inventory, device)
    number = 0

    def step(text: str) -> None:
        nonlocal number
        number += 1
        talk(f"[{number}/6] {text}")

    talk(f"writing into {folder}; after an interruption, continue with: edgenas demo --run {folder}")
    with progress("demo") as update:
        demo = Demo(folder, entry, seed, workers, step, update)
        story = demo.run()
    data = write_run(story, demo.seconds, folder)
    if as_json:
        print_json(data)
    else:
        runs = [
            (run.budget, run.algorithm, run.result.answer.cost, run.result.answer.accuracy, len(run.result.trials),
             sum(t.paid for t in run.result.trials), run.seconds)
            for run in story.record.runs
        ]  # fmt: skip
        print_table(("budget ms", "algorithm", "predicted ms", "accuracy %", "judged", "trained", "seconds"), runs,
                    f"Best network found within each budget, of {story.space.networks:,}")  # fmt: skip
        print_verdicts(story.verdicts)
        print_summary(
            {
                "blocks measured": len(story.space.blocks()),
                "sums of blocks": proved(story).removeprefix("Sums of blocks "),
                "accuracy of model.tflite": f"{story.accuracy['tflite']:.2f} % on test images, by running the file",
                "parity with torch": f"{data['parity_max_rel']:.1e} largest relative difference",
                "within budget": "yes" if story.shipped.within_budget else "NO",
                "seconds": data["seconds"],
                "written": f"{folder}/: report.html, card.md, model.tflite, model.onnx, front.png, demo.json, ...",
                "next": f"edgenas front {folder}/search.json --table {folder}/table-onnxruntime.jsonl --unvalidated",
            }
        )
    if not story.shipped.within_budget:
        raise OutcomeError(
            f"model.tflite is not inside {story.budget_ms:g} ms here: upper end {story.shipped.high_ms:.4g} ms; the "
            f"machine was slower than while the table was measured: close what else runs and run the demo again"
        )
