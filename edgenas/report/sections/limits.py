"""The section "Active limits": use of each limit, which is active, the gain from raising it, the dearest blocks."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.base.errors import EdgenasError
from edgenas.blocks.spec import BlockSpec
from edgenas.report.drawing import words
from edgenas.report.html import h, number
from edgenas.report.parts import Cell, figure, meter, percent, section, table
from edgenas.runs.search import Answer, SavedExplanation, SavedSearch
from edgenas.search.explanation import LimitSlack

FEW_LAYERS = 8  #: a network of at most so many layers with a choice is described by its options
SOURCES = {"predicted": "predicted by block values", "judged": "judged"}


def limits_section(searches: Sequence[SavedSearch]) -> Element | None:
    """Return the section; None if no search records the limits of its networks."""
    shown = [search for search in searches if best_runs(search)]
    if not shown:
        return None
    body: list[Element] = []
    for search in shown:
        body.append(_used(search, several=len(shown) > 1))
        if search.explanation is not None:
            bought, spent = _bought(search.explanation, search.score), _spent(search, search.explanation)
            body.append(h("div", [part for part in (bought, spent) if part is not None], class_="pair"))
    return section("limits", "Active limits, and the gain from raising them", " ".join(map(_finding, shown)), body)


def best_runs(search: SavedSearch) -> list[Answer]:
    """Return the most accurate run of each budget (the cheaper of equals), and the network that ships if it is none of
    them, sorted by budget; only those that record their limits."""
    budgets = sorted({run.budget for run in search.runs})
    best: list[Answer] = [
        max((run for run in search.runs if run.budget == budget), key=lambda r: (r.accuracy, -r.cost))
        for budget in budgets
    ]
    shipped = search.shipped
    if shipped is not None and (shipped.key, shipped.budget) not in {(run.key, run.budget) for run in best}:
        best.append(shipped)
    return sorted((run for run in best if run.limits), key=lambda run: run.budget)


def named(limit: LimitSlack) -> str:
    """Name of a limit: 'ms', 'MACs', 'ms of pixel-litert'."""
    return f"{limit.unit} of {limit.name}" if limit.name else limit.unit


def amount(value: float, unit: str = "") -> str:
    """A number with its unit; from a million on, in M."""
    text = f"{number(value / 1e6)} M" if abs(value) >= 1e6 else number(value)
    return f"{text} {unit}".strip()


def _finding(search: SavedSearch) -> str:
    explained = search.explanation
    if explained is None:
        return f"How much of each limit the best networks of {search.space.name} use; which is active is not known."
    active = [limit for limit in explained.limits if limit.active]
    if not active:
        return f"No limit of {explained.key} is known to be active: no better network is known above any one limit."
    names = " and ".join(f"{amount(limit.most)} {named(limit)}" for limit in active)
    sentence = f"For {explained.key}, the limit of {names} is active. "
    steps = [(limit, more) for limit in active for more in limit.more]
    limit, more = max(steps, key=lambda step: step[1].gained / (step[1].extra / step[0].most), default=(None, None))
    if limit is None or more is None:
        return sentence
    gained = f"{number(more.gained)} {'of score' if search.score else 'points of accuracy'}"
    return (
        f"{sentence}The next better network needs {amount(more.extra, limit.unit)} more "
        f"({percent(more.extra / limit.most)}) and gains {gained} ({SOURCES.get(more.source, more.source)})."
    )


def _used(search: SavedSearch, several: bool) -> Element:
    """Table with one row for each limit of the best network at each budget."""
    explained, states = search.explanation, {}
    if explained is not None:
        states = {(explained.key, limit.name, limit.unit, limit.most): limit.active for limit in explained.limits}
    rows: list[list[Cell]] = []
    for run in best_runs(search):
        for i, limit in enumerate(run.limits):
            active = states.get((run.key, limit.name, limit.unit, limit.most))
            share = limit.value / limit.most if limit.most else 0.0
            rows.append(
                [
                    h("th", run.key if i == 0 else h("span", run.key, class_="unseen"), scope="row", class_="l"),
                    named(limit),
                    amount(limit.most),
                    amount(limit.value),
                    _metered(share, percent(1 - share), "active" if active else ""),
                    {True: h("strong", "active"), False: h("span", "not active", class_="nowrap"), None: "–"}[active],
                ]
            )
    name = f"Best network of {search.space.name} at each budget" if several else "Best network at each budget"
    if search.shipped is not None:
        name += f" ({search.shipped.key} ships)"
    counted = " The upper bound of a predicted latency is compared with the limit." if _upper(search) else ""
    columns: tuple[str, ...] = ("network", "limit", "at most", "used", "left", "state")
    if not states:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    made = table(columns, rows, f"{name}: use of each limit", left=(0, 1, 5))
    return figure(f"{name}, and how much of each limit it uses.{counted}", made)


def _upper(search: SavedSearch) -> bool:
    return search.uncertainty not in (None, "mean") and search.unit == "ms"


def _bought(explained: SavedExplanation, score: bool) -> Element | None:
    rows: list[list[Cell]] = [
        [
            named(limit),
            f"+{amount(more.extra)}",
            percent(more.extra / limit.most),
            f"+{number(more.gained)}",
            SOURCES.get(more.source, more.source),
            more.key,
        ]
        for limit in explained.limits
        for more in limit.more
    ]
    if not rows:
        return None
    columns = ("limit", "raised by", "relative", "gain" if score else "gain, points", "source", "next better network")
    least = "a thousandth of the range of scores" if score else "0.1 points"
    return figure(
        f"Gain from raising one limit alone: the nearest network that is better by at least {least}.",
        table(columns, rows, "Gain from raising one limit alone", left=(0, 4, 5)),
    )


def _spent(search: SavedSearch, explained: SavedExplanation) -> Element | None:
    most = max((spent.share for spent in explained.dearest_blocks), default=0.0)
    if not most:
        return None
    rows: list[list[Cell]] = [
        [
            h("th", spent.layer, scope="row", class_="l"),
            _words(spent.block),
            amount(spent.cost),
            _metered(spent.share / most, percent(spent.share, 0)),
        ]
        for spent in explained.dearest_blocks
    ]
    fixed = f" Fixed cost per network: {amount(explained.fixed_cost, search.unit)}." if explained.fixed_cost else ""
    made = table(("layer", "block", search.unit, "share"), rows, "Most expensive blocks", left=(0, 1))
    return figure(f"Most expensive blocks of {explained.key}.{_options(explained)}{fixed}", made)


def _options(explained: SavedExplanation) -> str:
    """Return which options a network has, where they are few: an option that is a whole stage says what is in it."""
    if not 0 < len(explained.options) <= FEW_LAYERS:
        return ""
    return f" Its options: {', '.join(f'{layer} {key}' for layer, key in explained.options.items())}."


def _metered(share: float, text: str, class_: str = "") -> Element:
    return h("td", meter(share, class_), h("span", text), class_="share")


def _words(text: str) -> str:
    try:
        return words(BlockSpec.parse(text))
    except EdgenasError:
        return text
