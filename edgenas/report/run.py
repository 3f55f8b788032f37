"""Writing of the results of a run (``edgenas.ship.pipeline``): its record, the search, two pictures, a model card and
the report page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.files import write_whole
from edgenas.latency_tables.imported import ImportedTable
from edgenas.report.card import card, card_data, named
from edgenas.report.judged import judged_in, undominated
from edgenas.report.page import page
from edgenas.report.pictures import FrontPicture, draw_front, draw_table
from edgenas.report.plot import Point
from edgenas.runs.from_search import saved_answer, saved_explanation, saved_front, saved_search
from edgenas.runs.gather import gather
from edgenas.runs.layout import (
    ARCH,
    CARD,
    FRONT_PICTURE,
    IMPORTED_TABLE,
    REPORT,
    RUN,
    SEARCH,
    TABLE_PICTURE,
    table_name,
)
from edgenas.runs.network import NETWORK
from edgenas.runs.run import RUN as RUN_KIND
from edgenas.runs.run import RunRecord, StartedFrom
from edgenas.runs.search import SEARCH as SEARCH_KIND
from edgenas.runs.search import SavedSearch
from edgenas.search.explain import explain
from edgenas.search.predicted_front import front_of_record

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.table import LatencyTable
    from edgenas.latency_tables.validation import Validation
    from edgenas.search.problem import Trial
    from edgenas.ship.finish import ShippedFile
    from edgenas.ship.pipeline import ShipResult


def run_record(
    files: Sequence[ShippedFile],
    proof: Validation | None,
    tables: Mapping[str, LatencyTable | ImportedTable],
    **more: Any,
) -> RunRecord:
    """Return the record of a run: its ``files``, the one that the budget is about first, the validation and the table
    of each runtime; an imported table has no setting. ``more`` are the other fields of ``RunRecord``."""
    validation = None if proof is None else {k: v for k, v in proof.as_dict().items() if k != "networks"}
    return RunRecord(
        tables={runtime: table.setting for runtime, table in tables.items() if not isinstance(table, ImportedTable)},
        validation=validation,
        parity={file.path.name: file.parity_max_rel for file in files if file.parity_max_rel is not None},
        files={file.path.name: file.record() for file in files},
        verdicts=tuple(file.verdict for file in files if file.verdict is not None),
        **more,
    )


def write_records(folder: Path, run: RunRecord, search: SavedSearch, network: Architecture) -> dict[str, Any]:
    """Write ``run.json``, ``search.json``, ``arch.json`` and, from these and what lies beside them, ``card.md``.
    Returns the JSON values of ``run.json``."""
    SEARCH_KIND.write(folder / SEARCH, search)
    NETWORK.write(folder / ARCH, network)
    data = RUN_KIND.write(folder / RUN, run)
    write_whole(folder / CARD, card(card_data(folder)))
    return data


def write_run(story: ShipResult, seconds: dict[str, float], folder: Path) -> dict[str, Any]:
    """Write ``run.json``, ``search.json``, ``arch.json``, ``labels.txt``, ``preprocessing.json``, ``predict.py``,
    ``front.svg``, ``table.svg``, ``card.md`` and ``report.html`` into ``folder``, where tables and models are. Returns
    the JSON values of ``run.json``."""
    finished = story.finished
    finished.preprocessing.write(folder, {file.path.name: file.path for file in finished.files})
    search = search_of(story)
    run = run_record(
        finished.files,
        story.proof,
        story.tables,
        space=story.space.name,
        networks=story.space.networks,
        blocks=len(story.space.blocks()),
        data=story.data.name,
        budgets_ms=tuple(story.budgets),
        winner=story.space.key(story.winner),
        budget_ms=story.budget_ms,
        finalists=tuple(story.finalists),
        pretrained=_started_from(story),
        recipe=story.finished.recipe,
        from_scratch=story.finished.scratch,
        brought=story.brought,
        seconds=round(sum(seconds.values()), 1),
        seconds_by_step=seconds,
    )
    data = write_records(folder, run, search, story.space.architecture(story.winner))
    _draw(story, search, run, folder)
    write_whole(folder / REPORT, page(gather([folder])))
    return data


def _started_from(story: ShipResult) -> StartedFrom | None:
    """Return whose weights the trainings of a run began from; None where they began from random ones."""
    published = story.order.published
    if published is None:
        return None
    return StartedFrom(**published.pretrained.provenance.as_dict(), recipe=story.finished.recipe)


def search_of(story: ShipResult) -> SavedSearch:
    """Return the search of a run, with the network that shipped, which the explanation is about."""
    record = story.record
    trial = next(t for run in record.runs for t in run.result.trials if t.choice == story.winner)
    answering = record.answering(trial, story.budget_ms)
    return saved_search(
        record,
        table=table_file(next(iter(story.tables.values()))),
        **story.kept.facts(),
        explanation=saved_explanation(record, explain(record, answering)),
        shipped=saved_answer(record, answering),
        estimate=story.estimate,
        **saved_front(front_of_record(record, story.cost)),
    )


def _draw(story: ShipResult, search: SavedSearch, run: RunRecord, folder: Path) -> None:
    """Write two pictures: the front of the search, and the latency of every block."""

    def expected(trial: Trial) -> float:
        return story.cost.total(story.space.architecture(trial.choice))  # mean prediction, not the upper bound

    trials: dict[str, list[Point]] = {}
    picked: dict[str, list[Point]] = {}
    for one in story.record.runs:
        trials.setdefault(one.algorithm, []).extend((expected(t), t.accuracy) for t in one.result.trials)
        picked.setdefault(one.algorithm, []).append((expected(one.result.answer), one.result.answer.accuracy))
    table, shipped = next(iter(story.tables.values())), story.finished.shipped
    where, how = _measured_on(table)
    trained = None if shipped is None else run.files.get(shipped.file)
    draw_front(
        FrontPicture(
            f"{story.space.name} on {where}, {how}",
            undominated(point for points in trials.values() for point in points),
            trials,
            story.budgets,
            None if shipped is None else (shipped.measured_ms, search.answer.accuracy),
            f"shipped file: {search.answer.accuracy:.1f} %, {judged_in(search)}",
            picked=picked,
            predicted=[
                (p.cost, p.predicted_accuracy, p.low, p.high)
                for p in search.front
                if p.low is not None and p.high is not None
            ],
            trained=None if shipped is None or trained is None else (shipped.measured_ms, trained.accuracy),
            trained_label="" if trained is None else f"the same file: {trained.accuracy:.1f} %, trained in full",
        ),
        folder / FRONT_PICTURE,
    )
    blocks = story.space.blocks()
    series: dict[str, list[float | None]] = {
        _measured_on(each)[1].partition(",")[0]: [_ms(each, block, story.statistic) for block in blocks]
        for each in story.tables.values()
    }
    title = f"Latency of every block on {where}, {story.statistic}"
    draw_table(title, [str(b) for b in blocks], series, folder / TABLE_PICTURE)


def table_file(table: LatencyTable | ImportedTable) -> str:
    """Return the name of a table in the folder of a run."""
    if isinstance(table, ImportedTable):
        return IMPORTED_TABLE
    return table_name(table.setting.runtime, table.setting.precision)


def _measured_on(table: LatencyTable | ImportedTable) -> tuple[str, str]:
    """Return the device of a table, and how it was measured, as far as both are known."""
    if isinstance(table, ImportedTable):
        return table.source.device or "a device that is not named", "a table from elsewhere, means"
    setting = table.setting
    threads = f"{setting.threads} thread{'s' * (setting.threads > 1)}"
    return named(setting), f"{setting.version}, {setting.precision}, {threads}"


def _ms(table: LatencyTable | ImportedTable, block: BlockSpec, statistic: str) -> float | None:
    """Return the time of a block, ms; None where it is predicted from another table."""
    return None if table.missing([block]) else table.ms(block, statistic)
