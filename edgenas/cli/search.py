"""``edgenas search``"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from blocks.errors import InputError
from edgenas.cli.networks import classes_option, in_size_option, load_space
from edgenas.cli.terminal import Cell, json_option, print_json, print_summary, print_table, progress, talk
from edgenas.judges import HELP as ACCURACY_HELP
from edgenas.judges import open_accuracy
from edgenas.shipping import write_whole

if TYPE_CHECKING:
    from edgenas.costs import Costed
    from search.problem import Trial
    from search.space import Space


@click.command("search")
@click.argument("space")
@in_size_option
@classes_option
@click.option("--table", type=click.Path(dir_okay=False, path_type=Path), help="Latency table, for --budget-ms.")
@click.option("--statistic", help="Of the table's samples: min, median or p90; mean of an imported table  [default: "
              "what its validation found best]")  # fmt: skip
@click.option("--unvalidated", is_flag=True, help="Search a table that no edgenas table validate has proved.")
@click.option("--predict", is_flag=True, help="Predict blocks that the table lacks from those it has; see profile "
              "--for-search.")  # fmt: skip
@click.option("--budget-ms", type=float, multiple=True, help="A latency budget; repeat for several.")
@click.option("--budget-macs", type=float, multiple=True, help="A budget in MACs, such as 60e6, instead.")
@click.option("--budget-params", type=float, multiple=True, help="A budget in parameters, instead.")
@click.option("--accuracy", required=True, help=f"Who judges: {ACCURACY_HELP}")
@click.option("--images", type=click.Path(path_type=Path), help="Your pictures: a folder a class (in train/, val/ and "
              "test/, or split for you), an .npz of arrays, or a Hugging Face dataset on disk.")  # fmt: skip
@click.option("--device", default="auto", show_default=True, help="What trains on --images: auto, cpu or cuda.")
@click.option("--stand-alone", default=12, show_default=True, type=click.IntRange(min=0),
              help="With --accuracy supernet: networks that are also trained alone, to say how far the supernet's "
              "ranking can be trusted; 0 for none.")  # fmt: skip
@click.option("--algorithm", "algorithms", multiple=True, default=("layernas", "mathnas"), show_default=True,
              help="layernas, mathnas, hybrid, random, regularized_evolution, ofa_evolution, reinforce or nsga2; "
              "repeat for several.")  # fmt: skip
@click.option("--set", "settings", multiple=True, metavar="ALGORITHM.OPTION=VALUE",
              help="An option of an algorithm or a training: layernas.buckets=20, train.epochs=9.")  # fmt: skip
@click.option("--max-trials", type=click.IntRange(min=1), help="The most networks one run may judge.")
@click.option("--seed", default=0, show_default=True, help="Of the search and of the trainings.")
@click.option("--workers", default=2, show_default=True, help="Processes that train candidates.")
@click.option("-o", "--out", type=click.Path(dir_okay=False, path_type=Path), default=Path("search.json"),
              show_default=True, help="What was found; judged networks are kept beside it.")  # fmt: skip
@json_option
def command(
    space: str,
    in_size: int | None,
    classes: int | None,
    table: Path | None,
    statistic: str | None,
    unvalidated: bool,
    predict: bool,
    budget_ms: tuple[float, ...],
    budget_macs: tuple[float, ...],
    budget_params: tuple[float, ...],
    accuracy: str,
    images: Path | None,
    device: str,
    stand_alone: int,
    algorithms: tuple[str, ...],
    settings: tuple[str, ...],
    max_trials: int | None,
    seed: int,
    workers: int,
    out: Path,
    as_json: bool,
) -> None:
    """Find the most accurate network of SPACE inside each budget.

    Every network judged is written to a journal beside --out at once: the same command continues after Ctrl-C or a
    crash and pays for no network twice.

    \b
    Example:
      edgenas search digits --table local-litert.jsonl --budget-ms 0.3 --accuracy digits
      edgenas search nas_bench_macro --budget-macs 60e6 --accuracy nas-bench-macro:nas-bench-macro_cifar10.json
      edgenas search mobilenet_v2 --in-size 96 --budget-macs 60e6 --accuracy supernet --images photos/
    """
    from edgenas.image_judges import image_task
    from edgenas.searching import run_searches
    from search.journal import TrialCache
    from search.problem import Problem

    options = _options(algorithms, settings, accuracy)
    task = image_task(accuracy, images, out, options, device, workers, talk)
    chosen = load_space(space, in_size, classes or (task.classes if task else None))
    costed, budgets = _cost(chosen, table, statistic, budget_ms, budget_macs, budget_params, unvalidated, predict)
    cost = costed.cost
    for note in costed.notes:
        talk(note)
    journal = out.with_suffix(".trials.jsonl")
    with (
        progress("search") as update,
        open_accuracy(accuracy, chosen, seed, workers, task and replace(task, update=update)) as judge,
        TrialCache(chosen, judge, journal) as cache,
    ):
        if len(cache):
            talk(f"{journal}: {len(cache)} networks are known already")

        def told(algorithm: str, budget: float, trial: Trial) -> None:
            update(len(cache), None, f"networks judged, {algorithm} at {budget:g} {cost.unit}: {trial.accuracy:.2f} %")

        record = run_searches(
            lambda budget: Problem(chosen, cost, judge, budget, seed), budgets,
            {name: options[name] for name in algorithms}, cache,
            max_trials=max_trials, error_share=costed.error_share, progress=told,
        )  # fmt: skip
        trust = None
        if task and accuracy == "supernet" and stand_alone:
            alone = out.with_suffix(".alone.trials.jsonl")
            trust = replace(task, update=update, say=lambda text: None).trust(judge, chosen, stand_alone, seed, alone)
    best = record.best(budgets[0]).result.best.choice
    guessed = [str(block) for block in costed.predicted(chosen.architecture(best).blocks)]
    if guessed:
        talk(
            f"the winner has {len(guessed)} blocks that were not measured but predicted, such as {guessed[0]}; measure "
            "them before you trust its latency: edgenas profile --for-search, or --block"
        )
    data = record.to_json(
        table=None if table is None else str(table),
        statistic=costed.statistic,
        seed=seed,
        validated=costed.error_share is not None,
        predicted_blocks=guessed,
        trust=trust and asdict(trust),
    )
    write_whole(out, json.dumps(data, indent=1, allow_nan=False) + "\n")
    if as_json:
        print_json(data)
        return
    print_table(
        ("budget", "algorithm", f"{cost.unit}", "95 % interval", "accuracy %", "judged", "paid", "seconds", "network"),
        [
            (
                r["budget"],
                r["algorithm"],
                r["cost"],
                _interval(r["interval"]),
                r["accuracy"],
                r["judged"],
                r["paid"],
                r["seconds"],
                r["key"],
            )
            for r in data["runs"]
        ],
        f"{chosen.name} judged by {record.accuracy}",
    )
    summary: dict[str, Cell] = {"written": str(out), "judged networks": str(journal), "next": f"edgenas export {out}"}
    if trust:
        summary = {"tau with trainings alone": str(trust.judge), "tau of MACs with them": str(trust.macs), **summary}
    print_summary(summary)


def _interval(interval: list[float] | None) -> str:
    if interval is None:
        return "not known"
    return "exact" if interval[0] == interval[1] else f"{interval[0]:.4g} .. {interval[1]:.4g}"


def _cost(
    space: Space,
    table: Path | None,
    statistic: str | None,
    ms: tuple[float, ...],
    macs: tuple[float, ...],
    params: tuple[float, ...],
    unvalidated: bool,
    predict: bool,
) -> tuple[Costed, tuple[float, ...]]:
    """The one cost that was given budgets; InputError for none or two."""
    from edgenas.costs import Costed, table_cost
    from search.cost import macs_cost, params_cost

    kinds = {"--budget-ms": ms, "--budget-macs": macs, "--budget-params": params}
    given = [name for name, values in kinds.items() if values]
    if len(given) != 1:
        raise InputError(f"give budgets of one kind, {', '.join(kinds)}; got {' and '.join(given) or 'none'}")
    if macs:
        return Costed(macs_cost(), 0.0), macs
    if params:
        return Costed(params_cost(), 0.0), params
    if table is None:
        raise InputError(f"--budget-ms needs --table; measure one: edgenas profile {space.name}")
    return table_cost(space, table, statistic, unvalidated, predict), ms


def _options(algorithms: tuple[str, ...], settings: tuple[str, ...], accuracy: str) -> dict[str, dict[str, Any]]:
    """Algorithm, or way of training, -> its options, from ALGORITHM.OPTION=VALUE."""
    from edgenas.image_judges import NAMES, recipe_options
    from search.algorithms import algorithm_options

    every = {name: algorithm_options(name) for name in algorithms}
    if accuracy in NAMES:
        every |= recipe_options()
    options: dict[str, dict[str, Any]] = {name: {} for name in every}
    for text in settings:
        target, equals, value = text.partition("=")
        name, dot, option = target.partition(".")
        if not (equals and dot) or name not in options:
            raise InputError(
                f"--set {text!r} is not ALGORITHM.OPTION=VALUE for one of {', '.join(options)}, "
                f"such as layernas.buckets=20"
            )
        known = every[name]
        if option not in known:
            raise InputError(f"--set {text!r}: {name} has no option {option!r}; it has {', '.join(known)}")
        options[name][option] = _typed(text, value, known[option])
    return options


def _typed(text: str, value: str, default: Any) -> Any:
    """``value`` in the type of the option's default (a number where the default is None)."""
    try:
        if isinstance(default, str):
            return value
        if isinstance(default, bool):
            return {"true": True, "false": False}[value]
        return int(value) if isinstance(default, int) else float(value)
    except (ValueError, KeyError):
        kind = "true or false" if isinstance(default, bool) else "a whole number"
        kind = kind if isinstance(default, int) else "a number"
        raise InputError(f"--set {text!r}: {value!r} is not {kind}") from None
