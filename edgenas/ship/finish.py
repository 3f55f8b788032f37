"""The last steps of a run: train the chosen network, write its files, run each on pictures, time each on the device."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.listener import Listener
from edgenas.base.reading import read_bytes
from edgenas.profiler.delegation import fits
from edgenas.profiler.export.network import export_network, parity_max_rel
from edgenas.profiler.plan import Plan
from edgenas.profiler.target import target_of
from edgenas.profiler.verdict import Verdict
from edgenas.profiler.verify import plan_in, runtime_of, verify_files
from edgenas.runs.layout import TRAINED, WEIGHTS
from edgenas.ship.accuracy import FileAccuracy, float32_rounding, prove
from edgenas.ship.from_scratch import compared, from_random
from edgenas.ship.preprocessing import Preprocessing
from edgenas.training.sizes import at_size

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.devices.inventory import Entry
    from edgenas.latency_tables.setting import Setting
    from edgenas.profiler.export.integer import Fallback
    from edgenas.profiler.export.quantize import Precision
    from edgenas.runs.run import FileRecord, FromScratch
    from edgenas.search.problem import Cost
    from edgenas.ship.order import ShipRequest
    from edgenas.training.data import ImageData
    from edgenas.training.network import Trained

CALIBRATED_ON = 256  #: most training images, evenly spaced, that int8 is calibrated on
#: fresh processes that time a network; the most, while the file that ships is outside its budget
PROCESSES, MOST_PROCESSES = 4, 40


@dataclass(frozen=True, slots=True)
class ShippedFile:
    """A file that ships, with what was measured of it.

    proof            accuracy on test images
    parity_max_rel   largest relative difference from the outputs of the torch model; None where it is not compared
    fallbacks        operators of an int8 file that are not computed in int8
    verdict          latency on the device; None where no runtime of the device runs the file
    weight_bits      bits of int8 weights; None where weights are not int8
    """

    path: Path
    precision: Precision
    proof: FileAccuracy
    parity_max_rel: float | None
    fallbacks: tuple[Fallback, ...]
    verdict: Verdict | None
    weight_bits: int | None = None

    def record(self) -> FileRecord:
        """Return the record of the file in ``run.json``."""
        from edgenas.runs.run import FileRecord

        proof = self.proof
        return FileRecord(
            precision=self.precision,
            bytes=self.path.stat().st_size,
            pictures=proof.pictures,
            accuracy=proof.accuracy,
            agreement=proof.agreement,
            accuracy_on=proof.on,
            weight_bits=self.weight_bits,
            fallbacks=tuple(self.fallbacks),
        )


@dataclass(frozen=True, slots=True)
class FinishedFiles:
    """The files of the network that ships, and their preprocessing.

    trained_accuracy   accuracy of the trained network on the validation images, in percent
    files              the file that must keep the budget is the first
    predicted_ms       latency that the table predicts, ms
    recipe             of the training; from published weights, the one that the validation images chose
    scratch            the same network trained from random weights, where that was requested
    """

    architecture: Architecture
    trained_accuracy: float
    files: tuple[ShippedFile, ...]
    preprocessing: Preprocessing
    predicted_ms: float
    recipe: str = ""
    scratch: FromScratch | None = None

    @property
    def shipped(self) -> Verdict | None:
        """The verdict on the file that must keep the budget; None where no device was at hand."""
        return self.files[0].verdict

    @property
    def verdicts(self) -> list[Verdict]:
        """The verdicts on all files that a runtime of the device runs."""
        return [file.verdict for file in self.files if file.verdict is not None]


def plan_for(setting: Setting | None, entry: Entry, precision: str) -> Plan:
    """Return the plan that times a file of ``precision``: that of the table of ``setting``, whose sums predict it. For
    an imported table, which has no setting, the plan of the device.

    Files with fp16 weights compute in float32.
    """
    computed = "int8" if precision == "int8" else "fp32"
    if setting is None:
        return Plan(rounds=20, cores=entry.cores, precision=computed)
    return plan_in(setting, entry, rounds=20, precision=computed)


def runs_there(path: Path, entry: Entry) -> str | None:
    """Return the runtime that times a file on a device; None where the device has no runtime for such files."""
    try:
        return runtime_of(path, entry)
    except InputError:
        return None


@dataclass(frozen=True)
class Finisher:
    """Training, export and timing of the networks of one run; its device times files as it measured the tables."""

    folder: Path
    entry: Entry
    order: ShipRequest
    setting: Setting | None
    data: tuple[ImageData, ...]
    seed: int
    statistic: str
    budget_ms: float
    listener: Listener
    recipes: dict[str, str] = field(default_factory=dict)  #: network -> what its training from published weights was

    def time_whole(self, networks: dict[str, Architecture]) -> list[Verdict]:
        """Time networks with random weights, by the runtime and in the precision of the budget; one that cannot be
        measured is left out."""
        from edgenas.blocks.weights import network_random_weights
        from edgenas.profiler.export.quantize import table_writer
        from edgenas.profiler.workers import runtime_named

        runtime = self.order.runtimes[0]
        write = table_writer(runtime_named(runtime).format, self.order.precision)
        models = {
            key: write(network.blocks, network_random_weights(network.blocks, self.seed))
            for key, network in networks.items()
        }
        return self._timed(models, runtime, self.order.precision, self.budget_ms, None, memory=False, leave_out=True)

    def train(self, architecture: Architecture) -> Trained:
        """Train a network in full; a training that was interrupted continues from its checkpoint."""
        device = "cpu" if self.order.images is None else self.order.images.device
        recipe = self.order.recipe
        data = at_size(self.data, architecture.in_size)
        if self.order.published is not None:
            trained, self.recipes[architecture.name] = self.order.published.train(
                architecture, data, recipe, self.seed, self.listener, device=device, folder=self.folder
            )
            return trained
        return from_random(architecture, data, recipe, self.seed, self.listener, device=device, folder=self.folder)

    def finish(self, architecture: Architecture, trained: Trained, cost: Cost) -> FinishedFiles:
        """Write the files of a trained network, run each on the test images, and time each on the device.

        OutcomeError where a float32 file does not compute what the trained network does.
        """
        from edgenas.blocks.pretrained.own import write_own
        from edgenas.blocks.torch_modules import network_folded_weights, predict, unfolded
        from edgenas.blocks.weights import save_weights
        from edgenas.profiler.export.integer import fallbacks, weight_bits
        from edgenas.training.pictures import Pictures, evenly

        weights = network_folded_weights(trained.module)
        save_weights(self.folder / WEIGHTS, weights)
        data = at_size(self.data, architecture.in_size)
        if data.mean:  # else the images are no levels, and no other training can scale its own as theirs
            licence = "" if self.order.published is None else self.order.published.pretrained.provenance.licence
            scaling = data.mean, data.deviation
            write_own(self.folder / TRAINED, architecture, *unfolded(trained.module), scaling, licence)
        preprocessing = Preprocessing.of(data)
        calibration = data.normalised(data.train_images[evenly(len(data.train_images), CALIBRATED_ON)])
        about = preprocessing.about(architecture.name, f"Classifies images as those of {data.name}.")
        paths = export_network(
            architecture,
            weights,
            self.folder,
            precisions=self.order.precisions,
            images=calibration,
            about=about,
            reduce_range=self.reduce_range(),
        )
        test = Pictures(data.normalised(data.test_images), data.test_labels)
        outputs = predict(trained.module, test.images)
        floats = {kind: path for kind, path in paths.items() if " " not in kind}
        few = evenly(len(test.images), CALIBRATED_ON)
        rounding = float32_rounding(trained.module, test.images[few], outputs[few])
        parity = parity_max_rel(floats, architecture, test.images, outputs, rounding)
        files: list[ShippedFile] = []
        predicted_ms = cost.total(architecture)
        for kind, path in paths.items():
            precision: Any = kind.partition(" ")[2] or "fp32"
            proof = prove(
                path,
                precision,
                test,
                outputs.argmax(1),
                self.entry,
                listener=self.listener.named(f"{path.name}, images"),
            )
            slow = tuple(fallbacks(read_bytes(path))) if precision == "int8" else ()
            ships = not files
            verdict = self._verified(path, precision, predicted_ms if ships else None, ships)
            files.append(
                ShippedFile(path, precision, proof, parity.get(kind), slow, verdict, weight_bits(read_bytes(path)))
            )
        recipe = self.recipes.get(architecture.name, str(self.order.recipe))
        scratch = compared(self.order, architecture, data, outputs, self.seed, self.listener, self.folder)
        return FinishedFiles(architecture, trained.accuracy, tuple(files), preprocessing, predicted_ms, recipe, scratch)

    def reduce_range(self) -> bool:
        """Return whether int8 weights of ONNX files have 7 bits: as requested, else as the device needs."""
        if self.order.reduce_range is not None or "int8" not in self.order.precisions:
            return bool(self.order.reduce_range)
        return target_of(self.entry).reduce_range

    def _verified(self, path: Path, precision: str, predicted_ms: float | None, ships: bool) -> Verdict | None:
        runtime = runs_there(path, self.entry) if self.order.measured else None
        if runtime is None:
            return None
        models = {path.name: read_bytes(path)}
        budget_ms, most = (self.budget_ms, MOST_PROCESSES) if ships else (None, None)
        (verdict,) = self._timed(models, runtime, precision, budget_ms, predicted_ms, most)
        return verdict

    def _timed(
        self,
        models: dict[str, bytes],
        runtime: str,
        precision: str,
        budget_ms: float | None,
        predicted_ms: float | None,
        most: int | None = None,
        memory: bool = True,
        leave_out: bool = False,
    ) -> list[Verdict]:
        plan = plan_for(self.setting, self.entry, precision)
        if runtime != self.order.runtimes[0] or not fits(plan, runtime):  # such a file is timed as its runtime computes
            plan = replace(plan, requested="", partial=False, software=False)
        return verify_files(
            self.entry,
            models,
            runtime,
            plan=plan,
            processes=PROCESSES,
            most=most,
            budget_ms=budget_ms,
            predicted_ms=predicted_ms,
            statistic=self.statistic,
            force=self.order.force,
            memory=memory,
            leave_out=leave_out,
            listener=self.listener.named(f"{runtime}, whole"),
        )
