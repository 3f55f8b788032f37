"""The section "Networks that adapt": each menu on its front, and the timeline of each trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from edgenas.report.html import h, number
from edgenas.report.parts import Cell, colour, figure, numbers, section, table
from edgenas.report.plot import Axis, Plot
from edgenas.report.timeline import timeline_legend, trial_plot

if TYPE_CHECKING:
    from edgenas.adaptive.trial import AdaptiveTrial
    from edgenas.runs.menu import SavedMenu
    from edgenas.runs.search import SavedSearch


def adaptive_section(
    menus: Mapping[Path, SavedMenu], trials: Sequence[AdaptiveTrial], searches: Sequence[SavedSearch]
) -> Element | None:
    """Return the section; None without a menu. A trial is drawn where a menu has all of its networks."""
    if not menus:
        return None
    parts: list[Element] = []
    findings = []
    for menu in menus.values():
        findings.append(
            f"A menu of {len(menu.networks)} networks of {menu.space} keeps {menu.budget_ms:g} ms on "
            f"{menu.device} while it gets up to {menu.slowdown:g} times slower."
        )
        parts += [_front(menu, searches), numbers("Numbers: networks of the menu", _rows(menu))]
        for trial in trials:
            times = {network.name: network.ms for network in menu.networks}
            if all(frame.network in times for frame in trial.frames):
                findings.append(
                    f"Under {trial.load} on {trial.device}, {trial.late():.1f} % of {len(trial.frames):,} frames "
                    "were over the budget."
                )
                parts.append(_trial(trial, times))
    return section("adaptive", "Networks that adapt", " ".join(findings), *parts)


def _front(menu: SavedMenu, searches: Sequence[SavedSearch]) -> Element:
    """Return the networks of a menu, as measured, on the networks that its search judged."""
    networks = [(n.ms, n.accuracy) for n in menu.networks]
    judged = [
        (trial.cost, trial.accuracy)
        for search in searches
        if search.space.name == menu.space and search.unit == "ms"
        for trial in search.trials
    ]
    shown = [point for point in judged if point[0] <= 1.2 * menu.budget_ms]
    title = f"{menu.space}: the menu on its front"
    plot = Plot(
        Axis.around([*(ms for ms, _ in (*networks, *shown)), menu.budget_ms], log=False),
        Axis.around([accuracy for _, accuracy in (*networks, *shown)]),
        "ms",
        "accuracy in percent",
        title,
    )
    for point in shown:
        plot.mark(point, f"dot {colour(7)}")
    plot.step(networks, f"predicted {colour(1)}")
    plot.upright(menu.budget_ms, f"budget {menu.budget_ms:g} ms", "budget")
    for n in menu.networks:
        text = f"{n.name}, {n.key}: {number(n.ms)} ms, {n.accuracy:.2f} %"
        plot.whisker((n.ms, n.accuracy), n.low_ms, n.high_ms, colour(1), upright=False)
        plot.mark((n.ms, n.accuracy), f"ring {colour(1)}", "ring", title=text, label=n.name)
    caption = (
        f"Networks of the menu (rings, measured whole), of the {menu.front} front of {menu.front_networks} networks."
    )
    return figure(caption, plot.element())


def _rows(menu: SavedMenu) -> Element:
    rows: list[list[Cell]] = [
        [
            n.name,
            n.key,
            number(n.ms),
            f"{number(n.low_ms)} … {number(n.high_ms)}",
            number(n.predicted_ms),
            f"{n.accuracy:.2f}",
            f"{n.judged:.2f}",
        ]
        for n in menu.networks
    ]
    columns = ("network", "key", "ms", "95 % interval", "predicted, ms", "accuracy, %", "judged, %")
    return table(columns, rows, f"Networks of the menu of {menu.space}", left=(0, 1))


def _trial(trial: AdaptiveTrial, times: Mapping[str, float]) -> Element:
    """Return the timeline of a trial, its legend, and its events."""
    title = f"{trial.device}: a trial with {trial.load}"
    legend = h("p", [[mark, f" {text} "] for mark, text in timeline_legend()], class_="legend")
    rows: list[list[Cell]] = [[str(at), name, text] for at, name, text in trial.events]
    events = numbers(f"Events: {len(rows)}", table(("frame", "network", "event"), rows, "Events", left=(0, 1, 2)))
    return figure(title, trial_plot(trial, times, title).element(), legend, events)
