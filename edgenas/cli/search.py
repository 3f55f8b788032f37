"""``edgenas search``"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgenas.cli.budget_options import budget_options
from edgenas.cli.completions import ALGORITHMS, JUDGES, devices, spaces, words_or_own
from edgenas.cli.devices import inventory_option, load_entry
from edgenas.cli.explanation import print_explained
from edgenas.cli.networks import classes_option, in_size_option, load_space
from edgenas.cli.search_remeasure import remeasured
from edgenas.cli.set_options import settings_of
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, progress, talk
from edgenas.cli.worker_options import cluster, score_option, where_options
from edgenas.search.accuracy.by_name import HELP as ACCURACY_HELP
from edgenas.search.accuracy.by_name import open_accuracy
from edgenas.search.accuracy.estimate_by_name import EstimateRequest, estimate_facts, fed_by
from edgenas.search.budgets import BudgetRequest, Budgets, open_budgets
from edgenas.search.scale import accuracy_text

if TYPE_CHECKING:
    from edgenas.runs.search import SavedRounds
    from edgenas.search.problem import Trial
    from edgenas.search.record import SearchRecord


@click.command("search")
@click.argument("space", shell_complete=spaces)
@in_size_option
@classes_option
@budget_options
@click.option("--accuracy", required=True, shell_complete=words_or_own(*JUDGES), help=f"Who judges: {ACCURACY_HELP}")
@score_option
@click.option(
    "--images",
    type=click.Path(path_type=Path),
    help="Your pictures: a folder a class (in train/, val/ and "
    "test/, or split for you), an .npz of arrays, or a Hugging Face dataset on disk.",
)
@click.option("--train-on", default="auto", show_default=True, help="What trains on --images: auto, cpu or cuda.")
@click.option(
    "--stand-alone",
    default=12,
    show_default=True,
    type=click.IntRange(min=0),
    help="With --accuracy supernet: networks that are also trained alone, to say how far the supernet's "
    "ranking can be trusted; 0 for none.",
)
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    default=("layernas", "mathnas"),
    show_default=True,
    shell_complete=words_or_own(*ALGORITHMS),
    help="layernas, mathnas, hybrid, random, regularized_evolution, ofa_evolution, reinforce or nsga2, or "
    "one of your own: my_algorithm.py:NAME; repeat for several.",
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="ALGORITHM.OPTION=VALUE",
    help="An option of an algorithm or a training: layernas.buckets=20, train.epochs=9.",
)
@click.option(
    "--max-trials",
    type=click.IntRange(min=1),
    help="The most networks one run may judge; hybrid's run is that of all budgets together.",
)
@click.option("--seed", default=0, show_default=True, help="Of the search and of the trainings.")
@where_options
@click.option(
    "--remeasure",
    "device",
    metavar="DEVICE",
    shell_complete=devices,
    help="Measure the winners' blocks again on this device of the inventory, and search again, until the winners stay.",
)
@click.option(
    "--remeasure-rounds",
    default=10,
    show_default=True,
    type=click.IntRange(min=1),
    help="Times to measure again at most.",
)
@inventory_option
@click.option("--force", is_flag=True, help="Measure again also on a device that is busy, warm or not ready.")
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("search.json"),
    show_default=True,
    help="What was found; judged networks are kept beside it.",
)
@json_option
def command(
    space: str,
    in_size: int | None,
    classes: int | None,
    request: BudgetRequest,
    accuracy: str,
    score: bool,
    images: Path | None,
    train_on: str,
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
    """Find the most accurate network of SPACE inside each budget, and say what it spends and what more would buy.

    SPACE, --accuracy and --algorithm also take code of your own: my_space.py:NAME, or package.module:NAME.

    Every network judged is written to a journal beside --out at once: the same command continues after Ctrl-C or a
    crash and pays for no network twice.

    \b
    Example:
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 --accuracy digits
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 --budget-mb 0.2 --accuracy digits \
        --remeasure local
      edgenas search nas_bench_macro --budget-macs 60e6 --accuracy nas-bench-macro:nas-bench-macro_cifar10.json
      edgenas search mobilenet_v2 --in-size 96 --budget-macs 60e6 --accuracy supernet --images photos/
    """
    from edgenas.runs.from_search import saved_explanation, saved_search
    from edgenas.runs.layout import table_from, trials_beside
    from edgenas.runs.search import SEARCH
    from edgenas.search.accuracy.by_name import WORKERS
    from edgenas.search.accuracy.image_task import image_task
    from edgenas.search.explain import explain
    from edgenas.search.journal import TrialCache
    from edgenas.search.record import run_searches

    request = replace(request, measured_again=device is not None)
    options = settings_of(algorithms, settings, accuracy)
    who = fed_by(accuracy)
    task = image_task(who, images, out, options, train_on, WORKERS if workers is None else workers, talk)
    chosen = load_space(space, in_size, classes or (task.classes if task else None))
    found = open_budgets(request, chosen)
    for note in found.told:
        talk(note)
    where = cluster(workers, address, ray_cpus, ray_gpus)
    journal = trials_beside(out)
    rounds: SavedRounds | None = None
    with (
        progress("search") as update,
        open_accuracy(
            accuracy,
            chosen,
            seed,
            workers,
            where,
            talk,
            task and replace(task, update=update),
            EstimateRequest(options.get("estimate", {}), out.with_suffix(".estimate.trials.jsonl"), update),
            score,
        ) as judge,
        TrialCache(chosen, judge, journal) as cache,
    ):
        if len(cache):
            talk(f"{journal}: {len(cache)} networks are known already")

        def told(algorithm: str, budget: float, trial: Trial) -> None:
            unit, text = found.priced.cost.unit, accuracy_text(trial.accuracy, score)
            update(len(cache), None, f"networks judged, {algorithm} at {budget:g} {unit}: {text}")

        def solve(budgets: Budgets) -> SearchRecord:
            return run_searches(
                lambda budget: budgets.problem(chosen, judge, budget, seed),
                budgets.budgets,
                {name: options[name] for name in algorithms},
                cache,
                max_trials=max_trials,
                error_share=budgets.priced.error_share,
                cost=budgets.priced.cost,
                progress=told,
            )

        if device is None:
            record = solve(found)
        else:
            record, rounds = remeasured(
                request,
                load_entry(inventory, device),
                remeasure_rounds,
                force,
                lambda: open_budgets(request, chosen),
                solve,
            )
        trust = None
        estimate = estimate_facts(judge)
        if task and who == "supernet" and stand_alone:
            alone = out.with_suffix(".alone.trials.jsonl")
            trust = replace(task, update=update, say=lambda text: None).trust(judge, chosen, stand_alone, seed, alone)
    winner = record.best(found.budgets[0]).result.answer.choice
    guessed = [str(block) for block in found.priced.predicted(chosen.architecture(winner).blocks)]
    if guessed:
        talk(
            f"the winner has {len(guessed)} blocks that were not measured but predicted, such as {guessed[0]}; measure "
            "them before you trust its latency: edgenas profile --for-search, or --block"
        )
    explained = explain(record)
    saved = saved_search(
        record,
        table=None if request.table is None else table_from(out, request.table),
        **found.facts(),
        seed=seed,
        predicted_blocks=tuple(guessed),
        explanation=saved_explanation(record, explained),
        trust=trust,
        estimate=estimate and estimate[1],
        remeasured=rounds,
    )
    data = SEARCH.write(out, saved)
    if as_json:
        print_json(data)
        return
    print_explained(record, explained)
    summary: dict[str, Cell] = {
        "trials": f"{explained.judged}, of which {explained.hits} known before; {explained.seconds:.1f} s",
        "written": str(out),
        "judged networks": str(journal),
        "next": f"edgenas export {out}",
    }
    if trust:
        summary = {"tau with trainings alone": str(trust.judge), "tau of MACs with them": str(trust.macs), **summary}
    if estimate:
        summary = {f"estimate of {who}": estimate[0], **summary}
    print_summary(summary)
