"""The best network within each budget among those that a running search has judged, priced by a latency table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edgenas.base.errors import EdgenasError
from edgenas.blocks.architecture import Architecture
from edgenas.report.series import Series
from edgenas.search.space import Space
from edgenas.search.trial_file import TrialJournal
from edgenas.watch.progress import BestSoFar

MOST_PRICED = 2000  #: networks priced at most, the most accurate first: the page is drawn often


def best_so_far(trials: TrialJournal, series: Sequence[Series], budgets_ms: Sequence[float]) -> tuple[BestSoFar, ...]:
    """Return one network per budget; nothing if no table holds the blocks of the networks. The first such table is
    used, validated tables before others; its mean predictions are compared with the budgets."""
    order = sorted(series, key=lambda s: s.validation is None)
    if not budgets_ms or not trials.judged or not order:
        return ()
    ranked = sorted(trials.judged, key=lambda one: -one[1])[:MOST_PRICED]
    priced = _priced(trials, order, ranked[0][0])
    if priced is None:
        return ()
    space, table = priced
    open_budgets = dict.fromkeys(sorted(budgets_ms))
    found: dict[float, BestSoFar] = {}
    for key, accuracy in ranked:
        cost = table.total_ms(_network(space, key)) if open_budgets.keys() - found.keys() else None
        if cost is not None:
            for budget in open_budgets:
                if budget not in found and cost <= budget:
                    found[budget] = BestSoFar(budget, key, accuracy, cost, trials.score)
    return tuple(found.get(budget, BestSoFar(budget, "", 0.0, 0.0)) for budget in open_budgets)


def _priced(trials: TrialJournal, series: Sequence[Series], key: str) -> tuple[Space, Series] | None:
    """Return the space of the journal's networks and a table that holds the blocks of network ``key``; None without."""
    for one in series:
        for space in _spaces(trials, one):
            try:
                if one.total_ms(_network(space, key)) is not None:
                    return space, one
            except EdgenasError:
                continue
    return None


def _spaces(trials: TrialJournal, series: Series) -> Iterator[Space]:
    """Yield the possible spaces: the journal does not record the number of classes, the heads in the table do."""
    from edgenas.search.spaces.recorded import recorded_space

    heads = dict.fromkeys(block.c_out for block in series.table.blocks if block.kind == "head")
    for classes in (None, *heads):
        try:
            yield recorded_space(replace(trials.space, classes=classes), trials.code, str(trials.path))
        except EdgenasError:
            return


def _network(space: Space, key: str) -> Architecture:
    return space.architecture(space.parse(key))
