"""``edgenas search``"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blocks.errors import InputError
from edgenas.budgets import Asked, Budgets, open_budgets
from edgenas.cli.budgets import budget_options
from edgenas.cli.devices import inventory_option, load_entry
from edgenas.cli.explained import print_explained
from edgenas.cli.networks import classes_option, in_size_option, load_space
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, progress, talk
from edgenas.cli.where import cluster, where_options
from edgenas.judges import HELP as ACCURACY_HELP
from edgenas.judges import open_accuracy
from edgenas.shipping import write_whole

if TYPE_CHECKING:
    from blocks.spec import BlockSpec
    from devices.inventory import Entry
    from edgenas.searching import SearchRecord
    from search.problem import Trial


@click.command("search")
@click.argument("space")
@in_size_option
@classes_option
@budget_options
@click.option("--accuracy", required=True, help=f"Who judges: {ACCURACY_HELP}")
@click.option("--algorithm", "algorithms", multiple=True, default=("layernas", "mathnas"), show_default=True,
              help="layernas, mathnas, hybrid, random, regularized_evolution, ofa_evolution, reinforce or nsga2; "
              "repeat for several.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="ALGORITHM.OPTION=VALUE",
              help="An option of an algorithm, such as layernas.buckets=20 or mathnas.top=10.")  # fmt: skip
@click.option("--max-trials", type=click.IntRange(min=1), help="The most networks one run may judge; hybrid's run "
              "is that of all budgets together.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Of the search and of the trainings.")
@where_options
@click.option("--remeasure", "device", metavar="DEVICE", help="Measure the winners' blocks again on this device of the "
              "inventory, and search again, until the winners stay.")  # fmt: skip
@click.option("--remeasure-rounds", default=10, show_default=True, type=click.IntRange(min=1),
              help="Times to measure again at most.")  # fmt: skip
@inventory_option
@click.option("--force", is_flag=True, help="Measure again also on a device that is busy, warm or not ready.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("search.json"),
              show_default=True, help="What was found; judged networks are kept beside it.")  # fmt: skip
@json_option
def command(
    space: str,
    in_size: int | None,
    classes: int | None,
    asked: Asked,
    accuracy: str,
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

    Every network judged is written to a journal beside --out at once: the same command continues after Ctrl-C or a
    crash and pays for no network twice.

    \b
    Example:
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 --accuracy digits
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 --budget-mb 0.2 --accuracy digits \
        --remeasure local
      edgenas search nas_bench_macro --budget-macs 60e6 --accuracy nas-bench-macro:nas-bench-macro_cifar10.json
    """
    from edgenas.explaining import explain
    from edgenas.searching import run_searches
    from search.journal import TrialCache

    if device is not None and asked.uncertainty is None:
        asked = replace(asked, uncertainty="rss")
    chosen = load_space(space, in_size, classes)
    found = open_budgets(asked, chosen)
    for note in found.notes:
        talk(note)
    options = _options(algorithms, settings)
    where = cluster(workers, address, ray_cpus, ray_gpus)
    journal = out.with_suffix(".trials.jsonl")
    rounds: dict[str, Any] = {}
    with (
        open_accuracy(accuracy, chosen, seed, workers, where, talk) as judge,
        TrialCache(chosen, judge, journal) as cache,
        progress("networks judged") as update,
    ):
        if len(cache):
            talk(f"{journal}: {len(cache)} networks are known already")

        def told(algorithm: str, budget: float, trial: Trial) -> None:
            update(len(cache), None, f"{algorithm} at {budget:g} {found.costed.cost.unit}: {trial.accuracy:.2f} %")

        def solve(budgets: Budgets) -> SearchRecord:
            return run_searches(
                lambda budget: budgets.problem(chosen, judge, budget, seed), budgets.budgets, options, cache,
                max_trials=max_trials, error_share=budgets.costed.error_share, cost=budgets.costed.cost, progress=told,
            )  # fmt: skip

        if device is None:
            record = solve(found)
        else:
            record, rounds = _remeasured(
                asked,
                load_entry(inventory, device),
                remeasure_rounds,
                force,
                lambda: open_budgets(asked, chosen),
                solve,
            )
    winner = record.best(found.budgets[0]).result.answer.choice
    guessed = [str(block) for block in found.costed.predicted(chosen.architecture(winner).blocks)]
    if guessed:
        talk(
            f"the winner has {len(guessed)} blocks that were not measured but predicted, such as {guessed[0]}; measure "
            "them before you trust its latency: edgenas profile --for-search, or --block"
        )
    explained = explain(record)
    data = record.to_json(
        table=None if asked.table is None else str(asked.table),
        statistic=found.costed.statistic,
        seed=seed,
        validated=found.costed.error_share is not None,
        uncertainty=found.costed.uncertainty,
        predicted_blocks=guessed,
        explanation=explained.as_dict(record),
        **rounds,
    )
    write_whole(out, json.dumps(data, indent=1, allow_nan=False) + "\n")
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
    print_summary(summary)


def _remeasured(
    asked: Asked,
    entry: Entry,
    most: int,
    force: bool,
    reopen: Callable[[], Budgets],
    solve: Callable[[Budgets], SearchRecord],
) -> tuple[SearchRecord, dict[str, Any]]:
    """Search, measure the winners' blocks again on a device, and so on; and the rounds it took."""
    from edgenas.remeasuring import Round, measure_again, until_kept

    path = asked.table
    if path is None or not asked.ms:
        raise InputError("--remeasure measures the blocks of a latency table again: give --table and --budget-ms")

    def tell(told: Round) -> None:
        costs = ", ".join(f"{cost:.4g}" for cost in told.costs)
        talk(f"round {told.number}: the winners are predicted to take {costs} ms; {told.kept} of {len(told.costs)} "
             "stayed since their blocks were measured again")  # fmt: skip

    def measure(blocks: Sequence[BlockSpec]) -> None:
        way = reopen().costed.way
        with progress(f"blocks measured again on {entry.name}") as update:
            measure_again(
                entry, path, blocks, way, force=force, say=talk,
                progress=lambda told: update(told.done, told.total, ""),
            )  # fmt: skip

    ended = until_kept(lambda: solve(reopen()), measure, most, tell)
    if not ended.settled:
        talk(f"after {most} rounds a winner still changes when its blocks are measured again, or is not known within "
             ".75 %; the same command goes on")  # fmt: skip
    told = [asdict(one) for one in ended.rounds]
    return ended.record, {"remeasured": {"device": entry.name, "settled": ended.settled, "rounds": told}}


def _options(algorithms: tuple[str, ...], settings: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Algorithm -> its options, from ALGORITHM.OPTION=VALUE; values are JSON or plain text."""
    from search.algorithms import algorithm_options

    options: dict[str, dict[str, Any]] = {name: {} for name in algorithms}
    for name in options:
        algorithm_options(name)
    for text in settings:
        target, equals, value = text.partition("=")
        name, dot, option = target.partition(".")
        if not (equals and dot) or name not in options:
            raise InputError(
                f"--set {text!r} is not ALGORITHM.OPTION=VALUE for one of {', '.join(options)}, "
                f"such as layernas.buckets=20"
            )
        known = algorithm_options(name)
        if option not in known:
            raise InputError(f"--set {text!r}: {name} has no option {option!r}; it has {', '.join(known)}")
        options[name][option] = _typed(text, value, known[option])
    return options


def _typed(text: str, value: str, default: Any) -> Any:
    """``value`` in the type of the option's default (a number where the default is None)."""
    try:
        if isinstance(default, str):
            return value
        return int(value) if isinstance(default, int) else float(value)
    except ValueError:
        kind = "a whole number" if isinstance(default, int) else "a number"
        raise InputError(f"--set {text!r}: {value!r} is not {kind}") from None
