"""Part of ``tools.bench.adaptive``: a real load of higher priority, policies interleaved frame by frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.table import Table

from edgenas.adaptive.device.model import AdaptiveModel, probe_input
from edgenas.adaptive.device.policy import Policy
from edgenas.adaptive.policies import Fixed, MovingMean
from edgenas.adaptive.trial_runner import end_load, start_load
from edgenas.search.algorithms.mathnas_controller import MathNasController
from tools.bench.command import Bar

SHARES = (0.3, 0.5)  #: of the time that a load is busy


def real_load(menu: Path, seconds: float, repeats: int) -> tuple[dict[str, Any], list[Bar], Table]:
    """Run the policies in turn, frame by frame, with a load in the middle third, ``repeats`` times for each share."""
    table = Table("load", "policy", "over budget %", "accuracy %", "back after s", title="a real load")
    numbers: dict[str, Any] = {}
    bars = []
    for share in SHARES:
        rounds = [_interleaved(menu, seconds, share) for _ in range(repeats)]
        label = f"{100 * share:.0f} % busy"
        numbers[label] = rounds
        mean = {}
        for policy in rounds[0]:
            late = statistics.fmean(each[policy]["late"] for each in rounds)
            accuracy = statistics.fmean(each[policy]["accuracy"] for each in rounds)
            back = [each[policy]["back_after_s"] for each in rounds]
            mean[policy] = late, max(float("inf") if s is None else s for s in back)
            table.add_row(label, policy, f"{late:.1f}", f"{accuracy:.2f}", " ".join("-" if s is None else f"{s:.1f}"
                                                                                    for s in back))  # fmt: skip
        late, back_s = mean["this menu"]
        theirs = mean["as in MathNAS"][0]
        bars += [
            Bar(f"real load, {label}: frames over budget, %", late, 8.0),
            Bar(f"real load, {label}: ours / as in MathNAS", late / theirs if theirs else 1.0, 1 / 3),
            Bar(f"real load, {label}: back at the first network, s", back_s, 4.0),
        ]
    return numbers, bars, table


def _interleaved(menu: Path, seconds: float, share: float) -> dict[str, dict[str, Any]]:
    budget, ms = _budget(menu)
    made: dict[str, Callable[[], Any]] = {
        "this menu": lambda: Policy(ms, budget),
        "as in MathNAS": lambda: MathNasController(ms, budget),
        "moving mean": lambda: MovingMean(ms, budget),
        "largest": lambda: Fixed(len(ms) - 1),
    }
    caches = menu.parent / "caches"
    models = {name: AdaptiveModel(menu, budget, cache=caches, policy=policy()) for name, policy in made.items()}
    pixels = probe_input(next(iter(models.values())).menu["input"])
    frames: dict[str, list[tuple[float, str, float]]] = {name: [] for name in models}
    accuracy = {n["name"]: n["accuracy"] for n in next(iter(models.values())).menu["networks"]}
    load, began = [], time.perf_counter()
    try:
        while (now := time.perf_counter() - began) < seconds:
            if not load and seconds / 3 <= now < 2 * seconds / 3:
                load = start_load(share)
            elif load and now >= 2 * seconds / 3:
                end_load(load)
                load = []
            for name, model in models.items():
                network, before = model.now, time.perf_counter()
                model(pixels)
                frames[name].append((before - began, network, (time.perf_counter() - before) * 1e3))
    finally:
        end_load(load)
    found = {}
    for name, rows in frames.items():
        first, end = rows[0][1], 2 * seconds / 3
        back = next((at - end for at, network, _ in rows if at > end and network == first), None)
        late = 100 * sum(ms > budget for _, _, ms in rows) / len(rows)
        mean = statistics.fmean(accuracy[network] for _, network, _ in rows)
        found[name] = {"late": late, "accuracy": mean, "back_after_s": back, "frames": len(rows)}
    return found


def _budget(menu: Path) -> tuple[float, list[float]]:
    """Return the budget, and the networks' times now in this process, in ms: a menu that is timed where it runs."""
    from edgenas.runs.menu import read_menu

    saved = read_menu(menu)
    return saved.budget_ms, [network.ms for network in saved.networks]
