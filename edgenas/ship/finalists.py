"""The networks that a search judged best, timed whole until one is inside the budget.

The time of a network does not depend on its weights, and one that does not fit need not be trained."""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.profiler.verdict import Verdict
from edgenas.runs.documents import read_json
from edgenas.runs.finalists import FINALISTS as KIND
from edgenas.runs.finalists import Finalist, Finalists
from edgenas.search.record import SearchRecord

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.search.space import Space

FINALISTS = 6  #: most accurate judged networks inside the budget that are timed at a time
ROUNDS = 4  #: times that more are looked for, each with what the last ones taught about sums of blocks

#: times networks (key -> network) on the device
TimeWhole = Callable[[dict[str, "Architecture"]], Sequence[Verdict]]


def find_finalists(space: Space, record: SearchRecord, budget_ms: float, time_whole: TimeWhole) -> list[Finalist]:
    """Best first, until one is inside the budget.

    Where whole networks are slower than the sums of their blocks, the sums are scaled by the median ratio seen so far
    before the next ones are chosen; where none is left that fits so, the fastest are tried."""
    left = {t.choice: t for run in record.runs for t in run.result.trials}
    found: list[Finalist] = []
    ratio = 1.0
    for _ in range(ROUNDS):
        fits = [t for t in left.values() if t.cost * ratio <= budget_ms]
        ranked = sorted(fits, key=lambda t: (-t.accuracy, t.cost))[:FINALISTS]
        ranked = ranked or sorted(left.values(), key=lambda t: t.cost)[:FINALISTS]
        if not ranked:
            break
        chosen = [left.pop(t.choice) for t in ranked]
        verdicts = time_whole({space.key(t.choice): space.architecture(t.choice) for t in chosen})
        found += [Finalist(space.key(t.choice), t.accuracy, v) for t, v in zip(chosen, verdicts, strict=True)]
        if any(v.within_budget for v in verdicts):
            break
        ratio = statistics.median(v.high_ms / t.cost for t, v in zip(chosen, verdicts, strict=True))
    return sorted(found, key=lambda finalist: -finalist.accuracy)


def kept_finalists(
    path: Path, space: Space, record: SearchRecord, budget_ms: float, time_whole: TimeWhole
) -> list[Finalist]:
    """``find_finalists``, kept in the file ``path`` where one is inside the budget: a run that was stopped goes on with
    those. Timed again where the file is of another search or budget, or damaged; InputError where it is of a version
    that this edgenas does not know."""
    judged = [(space.key(t.choice), t.accuracy, t.cost) for run in record.runs for t in run.result.trials]
    of = hashlib.sha256(json.dumps([space.name, budget_ms, sorted(judged)]).encode()).hexdigest()
    kept = _kept(path)
    if kept is not None and kept.of == of:
        return list(kept.finalists)
    found = find_finalists(space, record, budget_ms, time_whole)
    if any(each.verdict.within_budget for each in found):
        KIND.write(path, Finalists(of, tuple(found)))
    return found


def _kept(path: Path) -> Finalists | None:
    """None where there is no such file, or it is damaged."""
    try:
        data = read_json(path)
    except InputError:
        return None
    if not KIND.fits(data):
        return None
    KIND.check_version(data, str(path))
    try:
        return KIND.of_json(data, str(path))
    except InputError:
        return None
