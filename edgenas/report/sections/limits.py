"""What the networks found leave of each limit, which limit binds, what raising it would buy, what is spent on what."""

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

SOURCES = {"predicted": "by the block values", "judged": "by networks judged"}


def limits_section(searches: Sequence[SavedSearch]) -> Element | None:
    """None where no search says what its networks have of their limits."""
    told = [search for search in searches if best_runs(search)]
    if not told:
        return None
    body: list[Element] = []
    for search in told:
        body.append(_kept(search, several=len(told) > 1))
        if search.explanation is not None:
            bought, spent = _bought(search.explanation, search.score), _spent(search, search.explanation)
            body.append(h("div", [part for part in (bought, spent) if part is not None], class_="pair"))
    return section("limits", "What binds, and what more would buy", " ".join(map(_finding, told)), body)


def best_runs(search: SavedSearch) -> list[Answer]:
    """The most accurate run of each budget, the cheaper of equals, by budget, and the network that shipped where it is
    none of them; those that say what limits they kept."""
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
    """'ms', 'MACs', 'ms of pixel-litert'."""
    return f"{limit.unit} of {limit.name}" if limit.name else limit.unit


def amount(value: float, unit: str = "") -> str:
    """A number with its unit; millions as such."""
    text = f"{number(value / 1e6)} M" if abs(value) >= 1e6 else number(value)
    return f"{text} {unit}".strip()


def _finding(search: SavedSearch) -> str:
    explained = search.explanation
    if explained is None:
        return f"What the best networks of {search.space.name} leave of their limits; nothing says which of them binds."
    binding = [limit for limit in explained.limits if limit.binds]
    if not binding:
        return f"For {explained.key}, no limit is known to bind: none, raised alone, is known to buy a better one."
    names = " and ".join(f"{amount(limit.most)} {named(limit)}" for limit in binding)
    told = f"For {explained.key}, the limit of {names} binds. "
    steps = [(limit, more) for limit in binding for more in limit.more]
    limit, more = max(steps, key=lambda step: step[1].gained / (step[1].extra / step[0].most), default=(None, None))
    if limit is None or more is None:
        return told
    gained = f"{number(more.gained)} {'of score' if search.score else 'points of accuracy'}"
    return (
        f"{told}The next step up is {amount(more.extra, limit.unit)} more ({percent(more.extra / limit.most)}), which "
        f"{SOURCES.get(more.source, more.source)} buys {gained}."
    )


def _kept(search: SavedSearch, several: bool) -> Element:
    """A row a limit of the best network at each budget."""
    explained, states = search.explanation, {}
    if explained is not None:
        states = {(explained.key, limit.name, limit.unit, limit.most): limit.binds for limit in explained.limits}
    rows: list[list[Cell]] = []
    for run in best_runs(search):
        for i, limit in enumerate(run.limits):
            binds = states.get((run.key, limit.name, limit.unit, limit.most))
            share = limit.has / limit.most if limit.most else 0.0
            rows.append(
                [
                    h("th", run.key if i == 0 else h("span", run.key, class_="unseen"), scope="row", class_="l"),
                    named(limit),
                    amount(limit.most),
                    amount(limit.has),
                    _metered(share, percent(1 - share), "binds" if binds else ""),
                    {True: h("strong", "binds"), False: h("span", "does not bind", class_="nowrap"), None: "–"}[binds],
                ]
            )
    name = f"The best of {search.space.name} at each budget" if several else "The best at each budget"
    if search.shipped is not None:
        name += f" ({search.shipped.key} ships)"
    counted = " What counts against a limit is the upper end of what a latency may be." if _upper(search) else ""
    columns: tuple[str, ...] = ("network", "limit", "at most", "has", "left", "as it is")
    if not states:
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    made = table(columns, rows, f"{name}: what is left of each limit", left=(0, 1, 5))
    return figure(f"{name}, and what it has of each limit.{counted}", made)


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
    columns = ("limit", "raised by", "that is", "buys" if score else "buys points", "who says so", "the next network")
    least = "a thousandth of the range of scores" if score else "0.1 points"
    return figure(
        f"What raising one limit alone would buy: the nearest network that is better by {least} or more.",
        table(columns, rows, "What raising one limit alone would buy", left=(0, 4, 5)),
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
    fixed = f" Of every network: {amount(explained.fixed_cost, search.unit)}." if explained.fixed_cost else ""
    made = table(("layer", "block", search.unit, "share"), rows, "The blocks that cost most", left=(0, 1))
    return figure(f"The blocks that {explained.key} spends most on.{fixed}", made)


def _metered(share: float, text: str, class_: str = "") -> Element:
    return h("td", meter(share, class_), h("span", text), class_="share")


def _words(text: str) -> str:
    try:
        return words(BlockSpec.parse(text))
    except EdgenasError:
        return text
