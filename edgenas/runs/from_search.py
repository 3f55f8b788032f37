"""Conversion of a search's record to the content of ``search.json``, and of saved block values back to block values."""

from __future__ import annotations

from typing import Any

from edgenas.base.errors import InputError
from edgenas.runs.search import (
    Answer,
    FrontPoint,
    FullRun,
    MostRewarded,
    SavedBlockValues,
    SavedCode,
    SavedExplanation,
    SavedRun,
    SavedSearch,
    SavedTrial,
)
from edgenas.search.algorithms.by_name import find_algorithm
from edgenas.search.algorithms.mathnas_blocks import BlockValues
from edgenas.search.explain import Explanation
from edgenas.search.predicted_front import PERCENT, PredictedFront
from edgenas.search.record import BudgetRun, SearchRecord
from edgenas.search.space import Space
from edgenas.search.spaces.recorded import space_record


def saved_search(record: SearchRecord, **more: Any) -> SavedSearch:
    """Return the record as ``search.json`` holds it; the winner is that of the first budget.

    ``more`` are fields of ``SavedSearch`` that the search itself does not know.
    """
    space = record.space
    runs = []
    for run in record.runs:
        trials = tuple(SavedTrial(space.key(t.choice), t.accuracy, t.cost, t.newly_judged) for t in run.result.trials)
        runs.append(FullRun(**_run_fields(record, run), trials=trials))
    return SavedSearch(
        space=space_record(space),
        accuracy=record.accuracy,
        score=record.score,
        code=_code(record),
        unit=record.cost.unit,
        winner=saved_run(record, record.best(record.runs[0].budget)),
        runs=tuple(runs),
        block_values=None if record.values is None else saved_values(space, record.values),
        **more,
    )


def saved_front(front: PredictedFront | None) -> dict[str, Any]:
    """Return the fields of ``SavedSearch`` that hold a predicted front; none without a front."""
    if front is None:
        return {}
    return {
        "front": tuple(FrontPoint(p.cost, p.accuracy, p.key, p.low, p.high) for p in front.points),
        "front_error": None if front.calibration is None else front.calibration.error,
        "front_doubt": front.doubt or None,
    }


def saved_run(record: SearchRecord, run: BudgetRun) -> SavedRun:
    """Return one run without its trials."""
    return SavedRun(**_run_fields(record, run))


def saved_answer(record: SearchRecord, run: BudgetRun) -> Answer:
    """Return the answer of a run."""
    return Answer(**_answer_fields(record, run))


def saved_explanation(record: SearchRecord, explained: Explanation) -> SavedExplanation:
    """Return an explanation of an answer of ``record``."""
    return SavedExplanation(
        key=record.space.key(explained.winner.result.answer.choice),
        options=record.space.options(explained.winner.result.answer.choice),
        front=tuple(saved_run(record, run) for run in explained.front),
        dearest_blocks=explained.dearest,
        fixed_cost=explained.fixed,
        limits=explained.bounds,
        trials=explained.judged,
        cache_hits=explained.hits,
        seconds=explained.seconds,
    )


def saved_values(space: Space, values: BlockValues) -> SavedBlockValues:
    """Return block values, with networks by key."""
    return SavedBlockValues(
        space.key(values.base),
        values.base_accuracy,
        space.key(values.average),
        values.loss,
        values.mean_flops,
        values.ended,
    )


def values_of(space: Space, saved: SavedBlockValues | None, source: str) -> BlockValues:
    """Return block values from their saved form; InputError names ``source`` and the fault."""
    if saved is None:
        raise InputError(
            f"{source} holds no block values of {space.name}, which mathnas finds: search with --algorithm mathnas and "
            "the same -o; networks that are judged already are not judged again"
        )
    shape = [len(layer.options) for layer in space.layers]
    if any([len(row) for row in rows] != shape for rows in (saved.loss, saved.mean_flops)):
        raise InputError(f"{source}: its block values do not fit the layers of {space.name}; search with mathnas again")
    return BlockValues(
        space.parse(saved.base),
        saved.base_accuracy,
        space.parse(saved.average),
        saved.loss,
        saved.mean_flops,
        saved.ended,
    )


def _answer_fields(record: SearchRecord, run: BudgetRun) -> dict[str, Any]:
    best = run.result.answer
    network = record.space.architecture(best.choice)
    predicted = record.cost.total(network)
    return {
        "budget": run.budget,
        "key": record.space.key(best.choice),
        "accuracy": best.accuracy,
        "cost": best.cost,
        "predicted_cost": predicted,
        "interval": record.interval(predicted),
        "limits": tuple(record.slacks(run)),
        "network": network,
    }


def _run_fields(record: SearchRecord, run: BudgetRun) -> dict[str, Any]:
    lucky = run.result.best
    return {
        **_answer_fields(record, run),
        "algorithm": run.algorithm,
        "predicted_accuracy": _possible(record, run.result.predicted),
        "most_rewarded": MostRewarded(record.space.key(lucky.choice), lucky.accuracy, lucky.cost),
        "judged": len(run.result.trials),
        "newly_judged": sum(trial.newly_judged for trial in run.result.trials),
        "seconds": run.seconds,
        "notes": run.result.notes,
    }


def _possible(record: SearchRecord, predicted: float | None) -> float | None:
    return predicted if predicted is None or record.score else min(PERCENT, predicted)


def _code(record: SearchRecord) -> SavedCode:
    """Return the user's own code that was used; None in place of edgenas's own code."""
    space, accuracy = record.space.code, record.accuracy_code
    algorithms = {run.algorithm: find_algorithm(run.algorithm).code for run in record.runs}
    return SavedCode(
        None if space is None else space.as_dict(),
        None if accuracy is None else accuracy.as_dict(),
        {name: code.as_dict() for name, code in algorithms.items() if code},
    )
