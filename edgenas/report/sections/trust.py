"""The section "Accuracy of the judge's ranking": rank correlation of judge and MACs with stand-alone trainings."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element

from edgenas.report.html import h
from edgenas.report.parts import Cell, beside, colour, figure, section, table
from edgenas.runs.search import SavedSearch
from edgenas.search.accuracy.trust import Tau, Trust


def trust_section(searches: Sequence[SavedSearch]) -> Element | None:
    """Return the section; None if no judge was compared with stand-alone trainings."""
    compared = [(search, search.trust) for search in searches if search.trust is not None]
    if not compared:
        return None
    rows: list[list[Cell]] = []
    for search, trust in compared:
        name = search.accuracy.partition(":")[0]
        for i, (who, tau) in enumerate(((f"{name}, {search.space.name}", trust.judge), ("MACs alone", trust.macs))):
            rows.append(
                [
                    who,
                    f"{tau.value:.2f}".replace("-", "−"),
                    _between(tau),
                    tau.members,
                    h("td", _interval(tau, i), class_="l"),
                ]
            )
    columns = ("ranked by", "Kendall’s τ", "95 % interval", "networks", "from −1 to 1")
    caption = "Rank correlation with stand-alone trainings: 1 means the same order, 0 no relation."
    made = table(columns, rows, "Rank correlation with stand-alone trainings", left=(0, 4))
    finding = " ".join(_finding(search, trust) for search, trust in compared)
    return section("trust", "Accuracy of the judge's ranking", finding, figure(caption, made))


def _finding(search: SavedSearch, trust: Trust) -> str:
    tau, macs = trust.judge, trust.macs
    sentence = (
        f"On {tau.members} networks of {search.space.name}, the judge's ranking and that of stand-alone trainings have "
        f"τ = {tau.value:.2f} ({_between(tau)}). "
    )
    if tau.low > macs.high:
        return f"{sentence}That is better than ranking by MACs, which needs no training."
    if tau.low <= 0:
        return f"{sentence}The interval contains 0: the ranking is not shown to be better than a random order."
    return f"{sentence}Ranking by MACs, which needs no training, reaches {macs.value:.2f}: the intervals overlap."


def _between(tau: Tau) -> str:
    return f"{tau.low:.2f} … {tau.high:.2f}".replace("-", "−")


def _interval(tau: Tau, series: int) -> Element:
    """Draw τ as a dot with its interval on a line from -1 to 1."""

    def at(value: float) -> str:
        return f"{50 + 50 * min(1.0, max(-1.0, value)):.2f}%"

    return h(
        "svg",
        h("line", x1="0%", x2="100%", y1=10, y2=10, class_="grid"),
        h("line", x1="50%", x2="50%", y1=2, y2=18, class_="zero"),
        h("line", x1=at(tau.low), x2=at(tau.high), y1=10, y2=10, class_=f"whisker {colour(beside(series))}"),
        h("circle", cx=at(tau.value), cy=10, r=5, class_=f"mark {colour(beside(series))}"),
        class_="interval",
        width=220,
        height=20,
        overflow="visible",
        aria_hidden="true",
    )
