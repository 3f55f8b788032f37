"""The published network in a run of ``ship``: it competes with the networks that the search judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.listener import SILENT, Listener
from edgenas.runs.layout import TRIALS

if TYPE_CHECKING:
    from edgenas.search.problem import Trial
    from edgenas.search.record import SearchRecord
    from edgenas.ship.order import ShipRequest


def with_published(
    record: SearchRecord, order: ShipRequest, folder: Path, seed: int, workers: int, listener: Listener = SILENT
) -> tuple[SearchRecord, tuple[Trial, ...]]:
    """Return the record with the published network judged as the others, and its trial; nothing is added where the
    order has no published weights, or where the network is outside every budget."""
    from edgenas.search.digests import network_digest
    from edgenas.search.journal import TrialCache
    from edgenas.search.problem import Candidate, Trial

    if order.published is None:
        return record, ()
    space, choice = order.space, order.published.choice
    found = Candidate(choice, space.architecture(choice))
    cost = record.runs[0].problem.cost.total(found.architecture)
    budget = max(run.budget for run in record.runs)
    if cost > budget:
        listener.message(f"{order.published.name} itself is outside the budget: {cost:.4g} of {budget:g} ms predicted")
        return record, ()
    digest, quiet = network_digest(found.architecture), listener.quiet()
    with (
        order.open_judge(folder, seed, workers, quiet) as judge,
        TrialCache(space, judge, folder / TRIALS) as cache,
    ):
        new = digest not in cache
        if new:
            cache.judge([found])
        trial = Trial(choice, cache[digest], cost, new)
    return record.with_trial(trial), (trial,)
