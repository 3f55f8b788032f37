"""The section "Progress of the search": best accuracy within the budget after each judged network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from xml.etree.ElementTree import Element

from edgenas.report.html import h, number
from edgenas.report.parts import Cell, beside, colour, figure, numbers, section, swatch, table
from edgenas.report.plot import Axis, Plot
from edgenas.report.sampling import sampled
from edgenas.runs.search import FullRun, SavedSearch
from edgenas.search.scale import accuracy_heading, accuracy_text
from edgenas.search.trial_file import TrialJournal

MOST_POINTS = 500  #: points drawn per journal, at most


def progress_section(searches: Sequence[SavedSearch], trials: Sequence[TrialJournal]) -> Element | None:
    """Return the section for finished searches; else for journals of judged networks; None without either."""
    if not searches:
        return _unfinished([t for t in trials if t.judged])
    figures: list[Element] = []
    rows: list[list[Cell]] = []
    for search in searches:
        algorithms = list(dict.fromkeys(run.algorithm for run in search.runs))
        budgets = sorted({run.budget for run in search.runs})
        bests = [y for run in search.runs for _, y in best_so_far(run)]
        for budget in budgets:
            runs = [run for run in search.runs if run.budget == budget]
            figures.append(_figure(search, budget, runs, algorithms, bests))
        rows += [
            [
                f"{run.algorithm}",
                number(run.budget),
                run.key,
                run.accuracy,
                run.cost,
                run.judged,
                run.newly_judged,
                f"{run.seconds:.1f}",
            ]
            for run in search.runs
        ]
    names = list(dict.fromkeys(run.algorithm for search in searches for run in search.runs))
    key = h("ul", [h("li", swatch(beside(i)), name) for i, name in enumerate(names)], class_="legend")
    columns = (
        "algorithm",
        "budget",
        "network",
        accuracy_heading(any(s.score for s in searches), ","),
        "cost",
        "judged",
        "newly judged",
        "seconds",
    )
    shown = table(columns, rows, "Runs of the search", left=(0, 2))
    newly = sum(run.newly_judged for search in searches for run in search.runs)
    judged = sum(run.judged for search in searches for run in search.runs)
    finding = f"{newly:,} networks were newly judged; {judged - newly:,} accuracies were known from earlier runs."
    return section(
        "progress",
        "Progress of the search",
        finding,
        h("div", figures, class_="small-multiples"),
        key,
        numbers(f"Numbers: {len(rows)} runs", shown),
    )


def best_so_far(run: FullRun) -> list[tuple[float, float]]:
    """Return (number of networks judged, best accuracy within the budget so far) for each improvement, and the end."""
    found: list[tuple[float, float]] = []
    for i, trial in enumerate(run.trials, 1):
        if trial.cost <= run.budget and (not found or trial.accuracy > found[-1][1]):
            found.append((float(i), trial.accuracy))
    return [*found, (float(len(run.trials)), found[-1][1])] if found else []


def _figure(
    search: SavedSearch, budget: float, runs: Sequence[FullRun], algorithms: Sequence[str], bests: Sequence[float]
) -> Element:
    longest = max((len(run.trials) for run in search.runs), default=1)
    title = f"Best accuracy within {number(budget)} {search.unit}"
    plot = Plot(
        Axis(0.0, longest * 1.03),
        Axis.around(bests),
        "networks judged",
        "best so far" if search.score else "best so far, %",
        title,
        200,
    )
    for run in runs:
        i = algorithms.index(run.algorithm)
        points = best_so_far(run)
        plot.step(points, colour(beside(i)))
        if points:
            plot.mark(
                points[-1],
                colour(beside(i)),
                title=f"{run.algorithm}: {accuracy_text(points[-1][1], search.score)} after {run.judged} networks",
            )
    return figure(f"Within {number(budget)} {search.unit}", plot.element())


def _unfinished(trials: Sequence[TrialJournal]) -> Element | None:
    if not trials:
        return None
    figures = []
    for t in trials:
        xs = list(range(1, len(t.judged) + 1))
        ys = [accuracy for _, accuracy in t.judged]
        plot = Plot(
            Axis(0.0, len(ys) * 1.03),
            Axis.around(ys),
            "networks judged",
            accuracy_heading(t.score, ","),
            f"Accuracy of the networks of {t.space.name} in the order they were judged",
            240,
        )
        best = [(float(x), y) for x, y in zip(xs, accumulate(ys, max), strict=True)]
        better = [False, *(b > a for (_, a), (_, b) in pairwise(best))]
        dots = [(x, name, y, new) for x, (name, y), new in zip(xs, t.judged, better, strict=True)]
        for x, name, y, _ in sampled(dots, MOST_POINTS, lambda dot: dot[2], lambda dot: dot[3]):
            plot.mark((float(x), y), "dot s0", title=f"{name}: {accuracy_text(y, t.score)}")
        corners = [best[i] for i in range(len(best)) if better[i] or i in (0, len(best) - 1)]
        plot.step(corners, "s0")
        figures.append(
            figure(
                f"{t.space.name}, judged by {t.accuracy}; the line is the best so far, regardless of cost.",
                plot.element(),
            )
        )
    sentences = [
        f"{len(t.judged):,} networks of {t.space.name} judged so far, the best at "
        f"{accuracy_text(max(a for _, a in t.judged), t.score)}."
        for t in trials
    ]
    return section("progress", "Progress of the search", " ".join(sentences), figures)
