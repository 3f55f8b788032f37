"""Finalists: the networks that a search judged best, timed whole until one is inside the budget.

The latency of a network does not depend on its weights. They are therefore timed before training, and a network that
is outside the budget is not trained.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.reading import read_json
from edgenas.profiler.verdict import Verdict
from edgenas.runs.finalists import FINALISTS as KIND
from edgenas.runs.finalists import Finalist, Finalists
from edgenas.search.record import SearchRecord

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.search.problem import Trial
    from edgenas.search.space import Space

FINALISTS = 6  #: number of networks that are timed in one round: the most accurate judged ones inside the budget
ROUNDS = 4  #: most rounds; each corrects the sums of blocks by what the round before measured

#: function that times networks (key -> network) on the device
TimeWhole = Callable[[dict[str, "Architecture"]], Sequence[Verdict]]


def find_finalists(
    space: Space, record: SearchRecord, budget_ms: float, time_whole: TimeWhole, also: Sequence[Trial] = ()
) -> list[Finalist]:
    """Time judged networks, most accurate first, until one is inside the budget; return all that were timed.

    Where whole networks are slower than the sums of their blocks, the sums are scaled by the median ratio of the last
    round before the next networks are chosen. Where no scaled sum is inside the budget, the fastest are timed. A
    network without a verdict could not be measured, as where a delegate computes wrong numbers; it is no finalist.
    """
    left = {t.choice: t for t in (*(t for run in record.runs for t in run.result.trials), *also)}
    found: list[Finalist] = []
    ratio = 1.0
    for _ in range(ROUNDS):
        fits = [t for t in left.values() if t.cost * ratio <= budget_ms]
        ranked = sorted(fits, key=lambda t: (-t.accuracy, t.cost))[:FINALISTS]
        ranked = ranked or sorted(left.values(), key=lambda t: t.cost)[:FINALISTS]
        if not ranked:
            break
        chosen = [left.pop(t.choice) for t in ranked]
        chosen += [left.pop(t.choice) for t in also if t.choice in left and t.cost * ratio <= budget_ms]
        verdicts = {v.file: v for v in time_whole({space.key(t.choice): space.architecture(t.choice) for t in chosen})}
        timed = [(t, verdicts[key]) for t in chosen if (key := space.key(t.choice)) in verdicts]
        found += [Finalist(v.file, t.accuracy, v) for t, v in timed]
        if any(v.within_budget for _, v in timed):
            break
        ratio = statistics.median(v.high_ms / t.cost for t, v in timed)
    return sorted(found, key=lambda finalist: -finalist.accuracy)


def predicted_finalists(space: Space, record: SearchRecord, budget_ms: float, also: Sequence[Trial] = ()) -> list[str]:
    """Return the keys of judged networks whose cost by the table is inside the budget, most accurate first."""
    trials = {t.choice: t for t in (*(t for run in record.runs for t in run.result.trials), *also)}
    fits = [t for t in trials.values() if t.cost <= budget_ms]
    return [space.key(t.choice) for t in sorted(fits, key=lambda t: (-t.accuracy, t.cost))]


def kept_finalists(
    path: Path,
    space: Space,
    record: SearchRecord,
    budget_ms: float,
    time_whole: TimeWhole,
    also: Sequence[Trial] = (),
) -> list[Finalist]:
    """Return the finalists in the file ``path``, or find them and write that file where one is inside the budget.

    A run that was stopped continues with the finalists in the file. They are timed again where the file is of another
    search or budget, or damaged. InputError where it is of a version that this edgenas does not know.
    """
    judged = [(space.key(t.choice), t.accuracy, t.cost) for run in record.runs for t in run.result.trials]
    judged += [(space.key(t.choice), t.accuracy, t.cost) for t in also]
    digest = hashlib.sha256(json.dumps([space.name, budget_ms, sorted(judged)]).encode()).hexdigest()
    saved = _read_finalists(path)
    if saved is not None and saved.of == digest:
        return list(saved.finalists)
    found = find_finalists(space, record, budget_ms, time_whole, also)
    if any(each.verdict.within_budget for each in found):
        KIND.write(path, Finalists(digest, tuple(found)))
    return found


def _read_finalists(path: Path) -> Finalists | None:
    """Return the finalists in the file ``path``; None where there is no such file, or it is damaged."""
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
