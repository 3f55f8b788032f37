"""``edgenas.adapt`` and AdaptiveMenu: a menu of networks, between which a device switches when it gets slower."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import limit_texts, table_path
from edgenas.api.inventory import load_entry
from edgenas.api.judge import checked_options, known_options
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import among
from edgenas.base.reading import check_exists

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.adaptive.members import MemberSource
    from edgenas.api.table import Table
    from edgenas.profiler.export.quantize import Precision
    from edgenas.runs.menu import SavedMenu
    from edgenas.runs.search import SavedSearch
    from edgenas.search.space import Space

_FORMATS = ("tflite", "onnx")


@dataclass(frozen=True, repr=False)
class AdaptiveMenu:
    """A menu in ``folder``: ``saved`` is the content of its menu.json."""

    folder: Path
    saved: SavedMenu
    files: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas adapt --json`` prints."""
        from edgenas.runs.menu import MENU

        return {"written": str(self.folder), "files": list(self.files), "menu": MENU.to_json(self.saved)}

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each network."""
        return [
            {
                "name": n.name,
                "key": n.key,
                "ms": n.ms,
                "low_ms": n.low_ms,
                "high_ms": n.high_ms,
                "predicted_ms": n.predicted_ms,
                "accuracy": n.accuracy,
                "judged": n.judged,
                "test_accuracy": n.test_accuracy,
            }
            for n in self.saved.networks
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each network."""
        return frame(self.rows())

    def __repr__(self) -> str:
        first, last = self.saved.networks[0], self.saved.networks[-1]
        return (
            f"<Menu {self.folder}: {len(self.saved.networks)} networks, {number(first.ms)} ms "
            f"{first.accuracy:.2f} % .. {number(last.ms)} ms {last.accuracy:.2f} %>"
        )

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self.rows())


def adapt(
    search: FilePath,
    out: FilePath = "adaptive",
    *,
    budget_ms: float,
    nets: int = 8,
    slowdown: float = 3.0,
    images: FilePath | None = None,
    weights: str | None = None,
    pretrained: FilePath | None = None,
    pretrained_as: str | None = None,
    table: FilePath | Table | None = None,
    statistic: str | None = None,
    unvalidated: bool = False,
    limits: Mapping[FilePath, float] | Sequence[str] = (),
    also: Sequence[str] = (),
    device: str = "local",
    inventory: FilePath | None = None,
    precision: Precision = "fp32",
    formats: Sequence[str] = (),
    pack: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    train_on: str = "auto",
    workers: int = 2,
    seed: int | None = None,
    force: bool = False,
    listener: Listener = SILENT,
) -> AdaptiveMenu:
    """Choose networks of a search for a device that gets slower, and write them with the program that switches between
    them into the new folder ``out``, as ``edgenas adapt`` does.

    search       folder of a run of ``ship`` or ``demo``, or the JSON file of a search
    budget_ms    budget of a frame in ms
    nets         most networks of the menu
    slowdown     largest slowdown that the menu serves: 3 is three times slower than measured
    images       the images of the search (not for a search that was judged on scikit-learn's digits)
    weights      'supernet': members of the supernet that judged the search; 'alone': each trained by itself (default:
                 'supernet' where a supernet judged the search)
    pretrained   weights that others published, from which each network is trained; see ``edgenas.ship``
    table        latency table that predicts the networks (default: that of the search)
    limits       limits on costs of your own, as in the search: file with the cost of each block -> the most
    also         latency limits on other devices, as TABLE=MS
    precision    'fp32', 'fp16' or 'int8'
    formats      'tflite', 'onnx': formats of the files; the first is timed (default: that of the table's runtime)
    pack         one store of weights instead of a file for each network; for members of a supernet in fp32
    options      options of trainings, such as {"supernet": {"epochs": 9}, "winner": {"epochs": 60}}
    seed         random seed of the supernet and of trainings (default: that of the search)
    workers      threads of the supernet
    force        measure a device even if it is busy, warm or not ready

    A training that was stopped continues. InputError for a value that breaks a rule; OutcomeError where fewer than two
    networks are of use within the budget.

        edgenas.adapt("search.json", budget_ms=30, images="photos", device="pi4")
    """
    from edgenas.adaptive.candidates import choose, with_limits
    from edgenas.adaptive.make import MenuRequest, make_menu
    from edgenas.adaptive.members import SupernetMembers
    from edgenas.adaptive.write import write_menu
    from edgenas.bundle.write import check_out
    from edgenas.latency_tables.store.journal import read_journal
    from edgenas.profiler.workers import runtime_named
    from edgenas.runs.layout import SEARCH, table_beside
    from edgenas.runs.search import read_search
    from edgenas.search.budgets import BudgetRequest, open_budgets
    from edgenas.search.delegated import delegated_space
    from edgenas.search.spaces.recorded import recorded_space
    from edgenas.ship.preprocessing import Preprocessing
    from edgenas.training.sizes import at_size

    check_exists(Path(search), "search")
    path = Path(search) / SEARCH if Path(search).is_dir() else Path(search)
    folder, budget = output_path(out), check_budget(budget_ms, "ms", "budget_ms")
    check_out(folder)
    if unknown := [name for name in formats if name not in _FORMATS]:
        raise InputError(f"--format {unknown[0]} is not one of {among(unknown[0], _FORMATS)}")
    if precision == "fp16" and "onnx" in formats:
        raise InputError("--precision fp16 writes only TFLite; leave out --format onnx, or choose int8")
    saved = read_search(path)
    space = recorded_space(saved.space, saved.code.space, str(path))
    used = table_beside(path, saved.table) if table is None else table_path(table)
    request = BudgetRequest(
        ms=(budget,),
        table=used,
        statistic=statistic or (saved.statistic if table is None else None),
        unvalidated=unvalidated or (table is None and saved.validated is False),
        also=tuple(also),
        limits=limit_texts(limits),
        measured_again=True,
    )
    space, left_out = delegated_space(space, request.latency_tables().values())
    for note in left_out:
        listener.message(note)
    kept = open_budgets(with_limits(request, saved, listener), space)
    for note in kept.notes:
        listener.message(note)
    work = folder.with_name(f".{folder.name}.work")
    source = _source(
        saved, space, path, work, weights, images, pretrained, pretrained_as, options, train_on, workers, seed, listener
    )
    judge = source.judge if isinstance(source, SupernetMembers) else None
    chosen = choose(saved, space, kept, nets, slowdown, judge, listener)
    setting = read_journal(used).table.setting
    kinds = tuple(dict.fromkeys(formats)) or (runtime_named(setting.runtime).format,)
    if pack and (source.name != "supernet" or precision != "fp32" or kinds != ("tflite",)):
        raise InputError("--pack shares the weights of a supernet's members in TFLite files of fp32: leave it out")
    made_in = folder.with_name(f".{folder.name}.files")
    shutil.rmtree(made_in, ignore_errors=True)
    menu = MenuRequest(
        space,
        budget,
        nets,
        slowdown,
        load_entry(inventory, device),
        setting,
        kept.priced.statistic or "median",
        precision,
        kinds,
        pack,
        force,
    )
    try:
        with listener.task("adapt") as task:
            made = make_menu(menu, chosen, source, made_in, task)
        preprocessing = Preprocessing.of(at_size(source.data, made.members[0].architecture.in_size))
        names = write_menu(made, preprocessing, folder)
    finally:
        shutil.rmtree(made_in, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    return AdaptiveMenu(folder, made.saved, tuple(names))


def _source(
    saved: SavedSearch,
    space: Space,
    search: Path,
    work: Path,
    weights: str | None,
    images: FilePath | None,
    pretrained: FilePath | None,
    pretrained_as: str | None,
    options: Mapping[str, Mapping[str, Any]] | None,
    train_on: str,
    workers: int,
    seed: int | None,
    listener: Listener,
) -> MemberSource:
    """Return the source of the weights of the menu's networks."""
    from dataclasses import replace

    from edgenas.adaptive.members import TrainedMembers, digits_members, supernet_members
    from edgenas.search.accuracy.image_task import image_task
    from edgenas.search.published import published_member
    from edgenas.training.feed import device_named

    judged = "supernet" if saved.accuracy.startswith("supernet:") else "alone"
    kind = weights or ("pretrained" if pretrained is not None else judged)
    if weights is not None and weights not in ("supernet", "alone"):
        raise InputError(f"--weights {weights} is not one of {among(weights, ('supernet', 'alone'))}")
    if kind == "supernet" and judged != "supernet":
        raise InputError(f"{search} was judged by {saved.accuracy[:60]}, not by a supernet: leave out --weights")
    if kind == "supernet" and pretrained is not None:
        raise InputError("--pretrained trains each network of the menu: leave out --weights supernet")
    used = (saved.seed or 0) if seed is None else seed
    if images is None and "digits" in saved.accuracy and kind == "alone":
        return digits_members(space, used, work, listener)
    if images is None:
        raise InputError(f"the networks of the menu need the images of {search}: add --images FOLDER")
    known = known_options((), "supernet", winner=True)
    chosen = checked_options({} if options is None else options, known)
    task = image_task("supernet" if kind == "supernet" else "train", Path(images), search, chosen, train_on, workers)
    assert task is not None
    if kind == "supernet":
        return supernet_members(task, space, used, saved.accuracy, search, listener)
    published = None if pretrained is None else published_member(space, str(pretrained), pretrained_as)
    if published is not None:
        task = replace(task, scaling=(published.pretrained.mean, published.pretrained.deviation))
    where = str(device_named(train_on))
    data = task.read(space, listener)
    return TrainedMembers(data, task.winner_recipe(), used, work, where, published, listener)
