"""``edgenas.search``: the most accurate network of a space inside each budget."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import limit_texts, table_path, table_source
from edgenas.api.search_run import SearchOrder, run
from edgenas.api.shown import FilePath
from edgenas.base.amounts import budget_numbers
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.size import SizesLike
from edgenas.runs.layout import SEARCH
from edgenas.search.budgets import BudgetRequest

if TYPE_CHECKING:
    from edgenas.api.search_result import SearchResult
    from edgenas.api.table import Table
    from edgenas.blocks.architecture import Architecture
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space

Numbers = float | Iterable[float] | None  #: one budget, several budgets, or none


def search(
    space: str | Space | Callable[..., Space],
    *,
    accuracy: str | Callable[[Architecture], float] | Accuracy,
    score: bool = False,
    table: FilePath | Table | None = None,
    budget_ms: Numbers = None,
    budget_macs: Numbers = None,
    budget_params: Numbers = None,
    budget_mb: Numbers = None,
    budget_memory_mb: Numbers = None,
    also: Mapping[FilePath | Table, float] | Sequence[str] = (),
    limits: Mapping[FilePath, float] | Sequence[str] = (),
    statistic: str | None = None,
    unvalidated: bool = False,
    predict: bool = False,
    uncertainty: str | None = None,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    algorithms: str | Sequence[str] = "hybrid",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    max_trials: int | None = None,
    seed: int = 0,
    images: FilePath | None = None,
    train_on: str = "auto",
    pretrained: FilePath | None = None,
    pretrained_as: str | None = None,
    stand_alone: int = 12,
    workers: int | None = None,
    ray: str | None = None,
    ray_cpus: float | None = None,
    ray_gpus: float | None = None,
    remeasure: str | None = None,
    remeasure_rounds: int = 10,
    inventory: FilePath | None = None,
    force: bool = False,
    out: FilePath | None = None,
    listener: Listener = SILENT,
) -> SearchResult:
    """Find the most accurate network of a space inside each budget, as ``edgenas search`` does.

    space             a name; or a ``Space`` of your own or a function that returns one, as an object or as text such as
                      'my_space.py:tiny'
    accuracy          judge of networks: a function from an ``Architecture`` to percent, a name such as 'supernet',
                      'table:FILE', 'nas-bench-macro:FILE', 'my_judge.py:judge' or 'package.module:judge', or an object
                      with ``name`` and ``evaluate``
    score             True: a judge of your own gives a score, any finite number, higher is better; False: percent
    table             the latency table for ``budget_ms``; it must be validated, unless ``unvalidated``
    budget_...        one budget or several, in milliseconds (ms), MACs, parameters (params), MB (10^6 bytes) of weights
                      in single precision (mb), MB of activations (memory_mb); budgets of several kinds all apply
    also              limits on other devices: table -> milliseconds
    limits            limits on costs of your own, such as energy: file with the cost of each block -> the most
    statistic         statistic of the table's samples: 'min', 'median', 'p90', or 'mean' of an imported table (default:
                      that of the validation)
    predict           predict the latency of blocks that the table lacks
    uncertainty       estimate of a latency that is compared with a budget: 'mean', 'upper' or 'rss' (default: 'upper';
                      'rss' with ``remeasure``; 'mean' for imported tables)
    algorithms        names of algorithms, also 'my_algorithm.py:NAME'; ``edgenas.front`` needs 'mathnas' among them
    options           name -> option -> value, such as {"layernas": {"buckets": 20}}
    max_trials        most networks that one run may judge
    images            images that 'train' and 'supernet' train on
    train_on          'auto', 'cpu' or 'cuda'
    pretrained        weights that others published for a member of the space: a file, or 'package:NAME'. A supernet
                      begins from them, and learns from that network
    pretrained_as     which published weights they are, 'LAYOUT/MODEL', where several fit
    stand_alone       number of networks that are also trained alone, to compare the supernet's ranking with; 0: none.
                      With ``pretrained``, none are
    workers           processes on this machine that judge networks
    ray               HOST:PORT of a Ray cluster that judges networks; a task takes ``ray_cpus`` and ``ray_gpus``
    remeasure         device that measures the winners' blocks again until the winners no longer change, in at most
                      ``remeasure_rounds`` rounds
    out               the JSON file to write; a journal beside it keeps the judged networks, and the same search
                      continues from it (default: no file is written)

    InputError for a value that breaks a rule; BudgetError, an InputError, where no network fits the budget;
    OutcomeError where the table is not validated.
    """
    pairs = also.items() if isinstance(also, Mapping) else ()
    others = tuple(f"{table_path(path)}={most}" for path, most in pairs) if pairs else tuple(map(str, also))
    request = BudgetRequest(
        ms=budget_numbers(budget_ms, "ms", "budget_ms"),
        macs=budget_numbers(budget_macs, "MACs", "budget_macs"),
        params=budget_numbers(budget_params, "params", "budget_params"),
        mb=budget_numbers(budget_mb, "MB", "budget_mb"),
        memory_mb=budget_numbers(budget_memory_mb, "MB", "budget_memory_mb"),
        also=others,
        limits=limit_texts(limits),
        table=None if table is None else table_path(table),
        statistic=statistic,
        unvalidated=unvalidated,
        predict=predict,
        uncertainty=uncertainty,
        measured_again=remeasure is not None,
        opened={table_path(given): table_source(given) for given in (table, *dict(pairs)) if given is not None},
    )
    order = SearchOrder(
        space,
        accuracy,
        request,
        score=score,
        in_size=in_size,
        classes=classes,
        channels=channels,
        algorithms=(algorithms,) if isinstance(algorithms, str) else tuple(algorithms),
        options={} if options is None else options,
        max_trials=max_trials,
        seed=seed,
        images=None if images is None else Path(images),
        train_on=train_on,
        pretrained=None if pretrained is None else str(pretrained),
        pretrained_as=pretrained_as,
        stand_alone=stand_alone,
        workers=workers,
        ray=ray,
        ray_cpus=ray_cpus,
        ray_gpus=ray_gpus,
        remeasure=remeasure,
        remeasure_rounds=remeasure_rounds,
        inventory=inventory,
        force=force,
    )
    if out is not None:
        found = run(order, output_path(out), listener)
        found.save(out)
        return found
    with tempfile.TemporaryDirectory(prefix="edgenas-search-") as folder:
        found = run(order, Path(folder, SEARCH), listener)
    named = None if request.table is None else str(request.table)
    return replace(found, saved=replace(found.saved, table=named))
