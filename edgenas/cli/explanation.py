"""What a search found, and why, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edgenas.cli.terminal import Cell, print_table

if TYPE_CHECKING:
    from edgenas.search.explain import Explanation
    from edgenas.search.record import SearchRecord

COLUMNS = ("budget", "algorithm", "predicted", "95 % interval", "counts as", "accuracy %", "judged", "paid", "seconds",
           "network")  # fmt: skip


def print_explained(record: SearchRecord, explained: Explanation) -> None:
    """All runs, then for the winner at the first budget what it spends, what binds, and what more would buy."""
    unit = record.cost.unit
    data = [record.run_json(run, with_network=False) for run in record.runs]
    print_table(COLUMNS, [_row(run) for run in data], f"{record.space.name} judged by {record.accuracy}, in {unit}")
    if len(explained.front) > 1:
        front = [record.run_json(run, with_network=False) for run in explained.front]
        print_table(COLUMNS, [_row(run) for run in front], "the best at each budget")
    winner = record.space.key(explained.winner.result.answer.choice)
    print_table(
        ("layer", "block", unit, "share %"),
        [(one.layer, one.block, one.cost, round(100 * one.share, 1)) for one in explained.dearest],
        f"what {winner} spends most on",
    )
    rows: list[tuple[Cell, ...]] = []
    for bound in explained.bounds:
        slack = bound.slack
        kept: tuple[Cell, ...] = (_named(slack.name, slack.unit), slack.most, slack.has, round(100 * slack.share, 2))
        binds = {True: "binds", False: "does not bind", None: "not known"}[bound.binds]
        rows += [(*kept, binds, *_more(more.as_dict(), slack.unit)) for more in bound.more] or [
            (*kept, binds, None, None, None, None)
        ]
    print_table(
        ("limit", "at most", "has", "left %", "", "who says so", "one step more", "gains points", "network"),
        rows,
        "which limit binds, and what raising it alone would buy",
    )


def _named(name: str, unit: str) -> str:
    return f"{unit} of {name}" if name else unit


def _more(more: dict[str, Any], unit: str) -> tuple[Cell, ...]:
    step = f"+{more['extra']:.3g} {unit}"
    return more["source"], step, f"{more['gained']:.3g} ({more['gained_per_percent']:.3g} a percent)", more["key"]


def _row(run: dict[str, Any]) -> tuple[Cell, ...]:
    return (
        run["budget"],
        run["algorithm"],
        run["predicted_cost"],
        _interval(run["interval"]),
        run["cost"],
        run["accuracy"],
        run["judged"],
        run["paid"],
        run["seconds"],
        run["key"],
    )


def _interval(interval: list[float] | None) -> str:
    if interval is None:
        return "not known"
    return "exact" if interval[0] == interval[1] else f"{interval[0]:.4g} .. {interval[1]:.4g}"
