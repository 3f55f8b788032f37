"""Tables of a search result: runs, costs of the winner, limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgenas.cli.terminal import Cell, print_table
from edgenas.search.ending import ending
from edgenas.search.scale import accuracy_heading, accuracy_text

if TYPE_CHECKING:
    from edgenas.runs.search import SavedRun
    from edgenas.search.explain import Explanation
    from edgenas.search.explanation import NextBetter
    from edgenas.search.record import SearchRecord


def columns(score: bool) -> tuple[str, ...]:
    """Return the column headings of the table of runs."""
    own = (
        "predicted",
        "95 % interval",
        "against budget",
        accuracy_heading(score),
        "judged",
        "newly judged",
        "ended",
        "seconds",
        "network",
    )
    return ("budget", "algorithm", *own)


def print_explained(record: SearchRecord, explained: Explanation) -> None:
    """Print all runs, then for the winner at the first budget: its most expensive blocks, which limit is active, and
    the gain of one step more of each limit."""
    from edgenas.runs.from_search import saved_run

    unit = record.cost.unit
    heads = columns(record.score)
    data = [saved_run(record, run) for run in record.runs]
    print_table(heads, [_row(run) for run in data], f"{record.space.name} judged by {record.accuracy}, in {unit}")
    if len(explained.front) > 1:
        front = [saved_run(record, run) for run in explained.front]
        print_table(heads, [_row(run) for run in front], "best network at each budget")
    choice = explained.winner.result.answer.choice
    winner = record.space.key(choice)
    if record.space.architecture(choice).together:
        print_table(("layer", "option"), list(record.space.options(choice).items()), f"options of {winner}")
    print_table(
        ("layer", "block", unit, "share %"),
        [(one.layer, one.block, one.cost, round(100 * one.share, 1)) for one in explained.dearest],
        f"most expensive blocks of {winner}",
    )
    rows: list[tuple[Cell, ...]] = []
    for bound in explained.bounds:
        left = round(100 * bound.slack_share, 2)
        cells: tuple[Cell, ...] = (_named(bound.name, bound.unit), bound.most, bound.value, left)
        active = {True: "active", False: "not active", None: "not known"}[bound.active]
        rows += [(*cells, active, *_more(more, bound.unit)) for more in bound.more] or [
            (*cells, active, None, None, None, None)
        ]
    gains = "gains" if record.score else "gains points"
    print_table(
        ("limit", "at most", "value", "left %", "", "source", "one step more", gains, "network"),
        rows,
        "which limit is active, and the gain of raising it alone",
    )


def answer_rows(record: SearchRecord, explained: Explanation, known: str) -> dict[str, Cell]:
    """Return the answer at the first budget: the network, its accuracy and how that is known, its cost and interval.

    ``known`` is what is known about the accuracy in addition to its judge; '' for nothing.
    """
    answer = explained.winner.result.answer
    cost = record.cost.total(record.space.architecture(answer.choice))
    interval, predicted = _interval(record.interval(cost)), explained.winner.result.predicted
    accuracy = f"{accuracy_text(answer.accuracy, record.score)}, judged by {record.accuracy}"
    if predicted is not None:
        accuracy += f"; {accuracy_text(predicted, record.score)} by the model of {explained.winner.algorithm}"
    return {
        "network": f"{record.space.name}/{record.space.key(answer.choice)}",
        "accuracy": f"{accuracy}; {known}" if known else accuracy,
        record.cost.unit: f"{cost:.4g}, {'exact' if interval == 'exact' else f'95 % interval {interval}'}",
    }


def answer_text(record: SearchRecord, explained: Explanation) -> str:
    """Return the answer at the first budget in one sentence."""
    answer = explained.winner.result.answer
    cost = record.cost.total(record.space.architecture(answer.choice))
    key, accuracy = record.space.key(answer.choice), accuracy_text(answer.accuracy, record.score)
    return f"the best network is {key}, {accuracy}, {cost:.4g} {record.cost.unit}"


def _named(name: str, unit: str) -> str:
    return f"{unit} of {name}" if name else unit


def _more(more: NextBetter, unit: str) -> tuple[Cell, ...]:
    step = f"+{more.extra:.3g} {unit}"
    return more.source, step, f"{more.gained:.3g} ({more.gained_per_percent:.3g} a percent)", more.key


def _row(run: SavedRun) -> tuple[Cell, ...]:
    return (
        run.budget,
        run.algorithm,
        run.predicted_cost,
        _interval(run.interval),
        run.cost,
        run.accuracy,
        run.judged,
        run.newly_judged,
        ending(run.notes),
        run.seconds,
        run.key,
    )


def _interval(interval: tuple[float, float] | None) -> str:
    if interval is None:
        return "not known"
    return "exact" if interval[0] == interval[1] else f"{interval[0]:.4g} .. {interval[1]:.4g}"
