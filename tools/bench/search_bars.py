"""Requirements of ``search_quality`` for the searches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from rich.table import Table

MACRO, MERGED = "NAS-Bench-Macro, FLOPs budgets", "NAS-Bench-Macro, FLOPs budgets, names merged"
FREE, PI4 = "NAS-Bench-201, {}, no budget", "NAS-Bench-201, {}, Pi 4 budgets"


@dataclass(frozen=True)
class Bar:
    """Requirement of a method: its ``number`` is at most a regret, or at least an accuracy. ``bar`` is a number, or
    another method whose number it must be better than.
    """

    task: str
    method: str
    number: Literal["regret", "accuracy"]
    bar: float | str


BARS = (
    *(
        Bar(task, method, "regret", bar)
        for task in (MACRO, MERGED)
        for method, bar in (
            ("LayerNAS H=10", 0.27),
            ("LayerNAS H=20", 0.27),  # H=20 over all costs was asked for; these budgets span half of them
            ("MathNAS, predicted", 0.55),
            ("MathNAS, top 10", 0.24),
            ("hybrid, 50", 0.13),
            ("hybrid, 100", 0.10),
            ("hybrid, 50", "regularized evolution, 100"),
            ("hybrid, 100", "regularized evolution, 200"),
        )
    ),
    Bar(FREE.format("CIFAR10"), "LayerNAS H=100, 200", "accuracy", 94.2),
    Bar(FREE.format("CIFAR100"), "LayerNAS H=100, 200", "accuracy", 72.6),
    # the network with the highest reward of all, 12-epoch validation, has a regret of 0.66 in these budgets, and within
    # 0.15 of that was asked for; hybrid's model was chosen on CIFAR-10
    Bar(PI4.format("CIFAR100"), "hybrid, 100", "regret", 0.81),
    Bar(PI4.format("CIFAR100"), "hybrid, 100", "regret", 0.5),
)


def compared(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return every requirement of the tasks that were run, with the number found."""
    numbers = {(row["task"], row["method"]): row for row in rows}
    found = []
    for bar in BARS:
        row = numbers.get((bar.task, bar.method))
        if row is None or (isinstance(bar.bar, str) and (bar.task, bar.bar) not in numbers):
            continue
        value, other = row[bar.number], isinstance(bar.bar, str)
        asked = numbers[bar.task, bar.bar][bar.number] if isinstance(bar.bar, str) else bar.bar
        met = value >= asked if bar.number == "accuracy" else value < asked if other else value <= asked
        found.append(
            {
                "task": bar.task,
                "method": bar.method,
                "number": bar.number,
                "bar": asked,
                "than": bar.bar if other else None,
                "found": value,
                "standard_error": row["standard_error"],
                "trials": row["trials"],
                "met": bool(met),
            }
        )
    return found


def bars_table(bars: list[dict[str, Any]]) -> Table:
    table = Table("task", "method", "trials", "asked for", "found", "", title="bars")
    for bar in bars:
        sign = ">=" if bar["number"] == "accuracy" else "<" if bar["than"] else "<="
        than = f" ({bar['than']})" if bar["than"] else ""
        asked = f"{bar['number']} {sign} {bar['bar']:.3f}{than}"
        error = "" if bar["standard_error"] is None else f" ± {bar['standard_error']:.3f}"
        found = f"{bar['found']:.3f}{error}"
        table.add_row(
            bar["task"], bar["method"], f"{bar['trials']:.0f}", asked, found, "met" if bar["met"] else "NOT MET"
        )
    return table
