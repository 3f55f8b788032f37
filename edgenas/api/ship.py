"""``edgenas.ship`` and ``edgenas.demo``: make files inside a latency budget from images, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.gate import limit_texts, table_path, table_source
from edgenas.api.inventory import load_entry
from edgenas.api.judge import checked_options, known_options
from edgenas.api.network import Network
from edgenas.api.pretrained import told
from edgenas.api.shown import FilePath, html_table, number
from edgenas.api.spaces import space as space_of
from edgenas.base.amounts import check_budget
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.files import output_path
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import among
from edgenas.base.reading import check_exists
from edgenas.blocks.size import SizesLike
from edgenas.search.accuracy.estimate_by_name import fed_by

if TYPE_CHECKING:
    from edgenas.api.table import Table
    from edgenas.profiler.export.quantize import Precision
    from edgenas.search.space import Space
    from edgenas.ship.pipeline import ShipPipeline, ShipResult


@dataclass(frozen=True, repr=False, eq=False)
class ShippedRun:
    """A finished run in ``folder``, and its ``bundle``; ``story`` holds the results of all steps."""

    folder: Path
    bundle: Path
    story: ShipResult
    _data: dict[str, Any]

    @property
    def network(self) -> Network:
        """The network that ships, with the accuracy of its file on test images, and its predicted latency."""
        finished = self.story.finished
        return Network(finished.architecture, finished.files[0].proof.accuracy, finished.predicted_ms)

    @property
    def within_budget(self) -> bool | None:
        """Return True where the file that ships is inside its budget by the upper end of its interval; None where no
        device was at hand, so that nothing was measured."""
        shipped = self.story.finished.shipped
        return None if shipped is None else shipped.within_budget is True

    @property
    def seconds(self) -> float:
        """Duration of all steps, seconds."""
        return float(self._data["seconds"])

    def check(self) -> None:
        """Raise OutcomeError where the file that ships is not inside its budget."""
        shipped = self.story.finished.shipped
        if shipped is not None and not shipped.within_budget:
            raise OutcomeError(
                f"{shipped.file} is not inside {self.story.budget_ms:g} ms on {shipped.device}: upper end "
                f"{shipped.high_ms:.4g} ms; it was slower than while the table was measured: close other programs on "
                "the device and run the same command again"
            )

    def to_json(self) -> dict[str, Any]:
        """Return what ``edgenas ship --json`` and ``edgenas demo --json`` print."""
        return {**self._data, "bundle": str(self.bundle)}

    def __repr__(self) -> str:
        finished = self.story.finished
        shipped, file = finished.shipped, finished.files[0].path.name
        if shipped is None:
            return (
                f"<Run {self.folder}: {file} of {self.network.name}, {number(finished.predicted_ms)} ms predicted, not "
                f"measured; budget {self.story.budget_ms:g} ms>"
            )
        inside = "inside" if self.within_budget else "OUTSIDE"
        return (
            f"<Run {self.folder}: {file} of {self.network.name}, {number(shipped.measured_ms)} ms "
            f"({number(shipped.low_ms)} .. {number(shipped.high_ms)}), {inside} {self.story.budget_ms:g} ms>"
        )

    def _repr_html_(self) -> str:
        rows = [
            {"file": f.path.name, "precision": f.precision, "accuracy %": f.proof.accuracy}
            for f in self.story.finished.files
        ]
        return html_table(repr(self)[1:-1], rows)


def ship(
    space: str | Space | Callable[..., Space],
    *,
    images: FilePath,
    budget_ms: float,
    uncertainty: str | None = None,
    limits: Mapping[FilePath, float] | Sequence[str] = (),
    device: str | None = None,
    inventory: FilePath | None = None,
    in_size: SizesLike | None = None,
    channels: int | None = None,
    precisions: Sequence[Precision] = ("fp32",),
    reduce_range: bool | None = None,
    delegate: str | None = None,
    partial: bool = False,
    software: bool = False,
    accuracy: str = "supernet",
    algorithm: str = "hybrid",
    options: Mapping[str, Mapping[str, Any]] | None = None,
    max_trials: int = 200,
    pretrained: FilePath | None = None,
    pretrained_as: str | None = None,
    from_scratch_too: bool = False,
    table: FilePath | Table | None = None,
    held_out: int = 24,
    train: int = 3,
    train_on: str = "auto",
    seed: int = 0,
    workers: int = 2,
    force: bool = False,
    out: FilePath = "shipped",
    listener: Listener = SILENT,
) -> ShippedRun:
    """Make files inside a latency budget from images, as ``edgenas ship`` does.

    The steps are: measure, validate, search, train, export, verify, bundle. After an interruption, the same call
    continues.

    images       a folder for each class, an .npz of arrays, or a Hugging Face dataset on disk
    budget_ms    budget in ms; the upper end of the 95 % interval of the file that ships must be inside it
    uncertainty  estimate of a latency that the search compares with the budget: 'mean', 'upper' or 'rss' (default:
                 'rss', because the networks found are measured again)
    limits       limits on costs of your own, such as energy: file with the cost of each block -> the most
    precisions   precisions of the files; the first, 'fp32' or 'int8', is that of the file that must keep the budget
    reduce_range   True: weights of int8 ONNX files in 7 bits, False: in 8 (default: 7 where sums of 8-bit products
                 saturate on the device)
    delegate     what computes the blocks and the first file, NAME or NAME:WHAT; ``partial`` and ``software`` as in
                 ``edgenas.profile``
    accuracy     judge of networks: 'supernet', 'train', 'table:FILE' with accuracies of your own, or 'estimate:JUDGE'
                 with one of these, which predicts all networks from some
    options      options of the algorithm and of trainings, such as {"winner": {"epochs": 60}}
    max_trials   most networks that the search may judge
    device       device of the inventory (default: 'local', this machine; with an imported table none: its latency is
                 predicted, and not measured)
    table        a table of the space that was measured on the device, or an imported one (default: the run measures
                 one)
    pretrained   weights that others published for a member of the space: a file, or 'package:NAME'. That network
                 competes where the budget allows it; the supernet and the trainings of finalists begin from its weights
    pretrained_as   which published weights they are, 'LAYOUT/MODEL', where several fit
    from_scratch_too   train the network that ships from random weights, too, on the same images with the same seed
    held_out     number of networks timed whole to validate the table
    train        number of networks inside the budget that are trained in full; the most accurate ships
    workers      training processes
    force        measure a device even if it is busy, warm or not ready
    out          folder of the run; the bundle is ``out``/bundle

    ``check()`` of the result raises OutcomeError where the file is outside its budget. InputError for a value that
    breaks a rule; OutcomeError where no network is inside the budget.

        edgenas.ship("mobilenet_v3_small", images="photos", budget_ms=8, device="pi4", in_size=160).check()
    """
    from edgenas.latency_tables.store.open import is_imported
    from edgenas.latency_tables.store.open import open_table as read_table
    from edgenas.profiler.delegation import check_plan
    from edgenas.profiler.export.quantize import MEASURED
    from edgenas.profiler.workers import default_runtime
    from edgenas.runs.layout import SEARCH
    from edgenas.search.accuracy.by_name import is_table, open_accuracy
    from edgenas.search.accuracy.image_task import SCRATCH, image_task
    from edgenas.search.budgets import BudgetRequest
    from edgenas.search.delegated import delegated_space
    from edgenas.search.own_cost import own_limits
    from edgenas.search.published import published_member
    from edgenas.search.space import Space as SpaceClass
    from edgenas.ship.order import ShipRequest
    from edgenas.ship.pipeline import ShipPipeline

    budget = check_budget(budget_ms, "ms", "budget_ms")
    precisions = tuple(dict.fromkeys(precisions))
    if not precisions or precisions[0] not in MEASURED:
        raise InputError(
            f"--precision {precisions[0] if precisions else ''} comes first, but blocks are not measured in it; give "
            f"{' or '.join(MEASURED)} first, and {precisions[0] if precisions else 'fp16'} after it"
        )
    if table is not None:  # a damaged one is refused before anything is trained or written
        check_exists(table_path(table), "table")
        read_table(table_path(table))
    measured = table is None or device is not None or not is_imported(table_path(table))
    folder, entry = output_path(out), load_entry(inventory, device or "local")
    known = known_options((algorithm,), accuracy, winner=True)
    chosen = checked_options({} if options is None else options, known)
    if from_scratch_too and pretrained is None:
        raise InputError("--from-scratch-too compares with a training from published weights; add --pretrained")
    if chosen[SCRATCH] and not from_scratch_too:
        raise InputError(f"--set {SCRATCH}.{next(iter(chosen[SCRATCH]))} is for --from-scratch-too; add it")
    task = image_task(_trained_by(accuracy), Path(images), folder / SEARCH, chosen, train_on, workers)
    assert task is not None
    made = space_of(space, in_size, None if isinstance(space, SpaceClass) else task.classes, channels)
    published = None if pretrained is None else published_member(made, str(pretrained), pretrained_as)
    if published is not None:
        task = task.from_published(published)
        listener.message(told(published.pretrained.provenance))
    if table is not None:
        made, left_out = delegated_space(made, [table_source(table)])
        for note in left_out:
            listener.message(note)
    order = ShipRequest(
        made,
        accuracy,
        task.winner_recipe(),
        task,
        BudgetRequest(ms=(budget,), uncertainty=uncertainty, limits=limit_texts(limits)),
        runtimes=(default_runtime(entry),),
        precisions=precisions,
        algorithms={algorithm: chosen[algorithm]},
        estimate=chosen.get("estimate", {}),
        max_trials=max_trials,
        held_out=held_out,
        trained=train,
        table=None if table is None else table_path(table),
        measured=measured,
        force=force,
        reduce_range=reduce_range,
        delegate=delegate or "",
        partial=partial,
        software=software,
        published=published,
        scratch=task.scratch_recipe() if from_scratch_too else None,
    )
    check_plan(order.plan(entry.cores), order.runtimes[0])
    if is_table(fed_by(accuracy)):  # a damaged one is refused before anything is measured, trained or written
        with open_accuracy(fed_by(accuracy), order.space, seed):
            pass
    own_limits(order.budget.limits, order.space)
    listener.message(f"writing into {folder}; after an interruption, the same command continues")
    return _run(ShipPipeline(folder, entry, order, seed, workers), "ship", listener)


def _trained_by(accuracy: str) -> str:
    """Return the judge that trains on the images; 'train' where a table judges and only the finalists are trained."""
    from edgenas.search.accuracy.by_name import is_table
    from edgenas.search.accuracy.image_task import NAMES

    judge = fed_by(accuracy)
    if judge in NAMES or is_table(judge):
        return judge if judge in NAMES else "train"
    known = (*NAMES, "table:FILE", "estimate:JUDGE")
    raise InputError(f"--accuracy {accuracy!r} is not one of {among(accuracy, known)}")


def demo(
    folder: FilePath | None = None,
    *,
    device: str = "local",
    inventory: FilePath | None = None,
    seed: int = 0,
    workers: int = 2,
    listener: Listener = SILENT,
) -> ShippedRun:
    """Run all steps on a small space and scikit-learn's digits in five minutes, as ``edgenas demo`` does.

    folder    folder of the run, new or to continue (default: runs/ and the date and time)
    workers   training processes

    ``check()`` of the result raises OutcomeError where the file is outside its budget.
    """
    from edgenas.runs.layout import new_run_folder
    from edgenas.ship.demo import demo_order
    from edgenas.ship.pipeline import ShipPipeline

    where = new_run_folder() if folder is None else output_path(folder)
    entry = load_entry(inventory, device)
    listener.message(f"writing into {where}; after an interruption, continue with: edgenas demo --run {where}")
    return _run(ShipPipeline(where, entry, demo_order(), seed, workers), "demo", listener)


def _run(pipeline: ShipPipeline, label: str, listener: Listener) -> ShippedRun:
    """Run the pipeline; write its records, its report and its bundle."""
    from edgenas.bundle.write import write_bundle
    from edgenas.report.run import write_run

    bundle = pipeline.folder / "bundle"
    with listener.task(label) as task:
        pipeline.listener = task
        story = pipeline.run()
        task.step("writing the report and the bundle")
        data = write_run(story, pipeline.seconds, pipeline.folder)
        write_bundle(pipeline.folder, bundle, replace=True)
    return ShippedRun(pipeline.folder, bundle, story, data)
