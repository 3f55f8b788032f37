"""Block-wise distillation as a judge of whole networks: its Kendall's tau beside that of MACs, a supernet and a ridge.

    python -m tools.bench.blockwise --cifar cifar10.npz --macro nas-bench-macro_cifar10.json [--folder FOLDER] [--json]

Random members of NAS-Bench-Macro, a quarter as wide, see CIFAR-10 images at 16x16. The largest member, trained on them,
is the teacher. Each of the 63 ways to build a stage learns the teacher's feature map behind that stage from the map
before it, and is rated by its loss on the validation images (DNA, arXiv 1911.13053; DONNA, arXiv 2012.08859; MathNAS,
arXiv 2311.04943, adds values of blocks too). Ratings of a network: the sum of its stages' losses; a linear fit of these
losses to the accuracies of the other networks; and the accuracy of the network put together from its distilled stages.
Beside them: a supernet trained on the same images, MACs, and the ridge regression of edgenas on options, fitted to all
other networks.

Truth is what NAS-Bench-Macro publishes for members at full width: the mean of three trainings in full on CIFAR-10. With
``--trained 30``, truth is also the accuracy of members trained in full here, on the images of the judges. ``--folder``
keeps trained networks, and the same command continues. Defaults take about 10 CPU minutes, each trained member half a
minute more.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it

import numpy as np
from rich.table import Table

from edgenas.search.accuracy.supernet import SupernetAccuracy
from edgenas.search.accuracy.tabular import NasBenchMacro
from edgenas.search.accuracy.training import TrainingAccuracy, train
from edgenas.search.accuracy.trust import Tau, kendall
from edgenas.search.algorithms.ridge import OptionFeatures, fit_ridge
from edgenas.search.cost import macs_cost
from edgenas.search.digests import network_digest
from edgenas.search.graph import layered_graph
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Candidate
from edgenas.search.space import Choice
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import SupernetRecipe, TrainRecipe
from tools.bench.cifar10 import load
from tools.bench.command import options, run, show
from tools.bench.ranking import DIVIDED, SIZE, Printed, answers, small

if TYPE_CHECKING:
    from torch import nn

    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.training.feed import Feed

BATCH = 64
CALIBRATION = 1024  #: images
#: a stage of a network: its number, and the options of its layers
Part = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one judge: ``published`` with the accuracies of NAS-Bench-Macro, ``own`` with those of trainings here.
    CPU minutes are those that this run took, for all members."""

    judge: str
    published: Tau
    own: Tau | None
    cpu_minutes: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark."""
    parser = options(__doc__)
    parser.add_argument("--macro", type=Path, required=True, metavar="FILE", help="nas-bench-macro_cifar10.json")
    parser.add_argument("--cifar", type=Path, required=True, metavar="FILE", help="CIFAR-10 as tools.bench.cifar10")
    parser.add_argument("--members", type=int, default=60, help="with a published accuracy")
    parser.add_argument("--trained", type=int, default=0, help="of these, trained in full here; 0 for none")
    parser.add_argument("--images", type=int, default=2500, help="that are trained on")
    parser.add_argument("--epochs", type=int, default=8, help="of each training in full")
    parser.add_argument("--supernet-epochs", type=int, default=10)
    parser.add_argument("--stage-epochs", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path("blockwise"), help="keeps what was trained")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(argv)
    if given.members < 5 or not (given.trained == 0 or 5 <= given.trained <= given.members):
        parser.error("needs 5 members, and none or 5 of them trained here")
    given.folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(given)
    rows = bench.rows()
    title = f"{given.images:,} CIFAR-10 images at {SIZE}x{SIZE}"
    table = Table("judge", f"tau with {given.members} published", "95 %", "CPU minutes", title=title)
    if given.trained:
        table.add_column(f"tau with {given.trained} trained here")
        table.add_column("95 %")
    for row in rows:
        taus = [(f"{t.value:.2f}", f"{t.low:.2f} .. {t.high:.2f}") for t in (row.published, row.own) if t is not None]
        table.add_row(row.judge, *taus[0], f"{row.cpu_minutes:.1f}", *(taus[1] if given.trained else ()))
    show({"rows": [asdict(row) for row in rows], "accuracies": bench.own}, [table], given.json)
    return 0


class Bench:
    """The members, the trained networks, and the ratings of every judge."""

    def __init__(self, given: argparse.Namespace) -> None:
        self._given = given
        self._space = nas_bench_macro(SIZE, 10, DIVIDED)
        self._data = small(load(given.cifar), given.images)
        self._rng = random.Random(given.seed)
        drawn = dict.fromkeys(self._space.sample(self._rng) for _ in range(3 * given.members))
        self._choices = list(drawn)[: given.members]
        self._candidates = [Candidate(choice, self._space.architecture(choice)) for choice in self._choices]
        self._listener = Printed()

    def rows(self) -> list[Row]:
        """Return a row for each judge."""
        full, table = nas_bench_macro(), NasBenchMacro(self._given.macro)
        published = [table.accuracy(Candidate(choice, full.architecture(choice))) for choice in self._choices]
        own = self.own
        rows = [self._row(name, judge(), published) for name, judge in self._judges().items()]
        options_of = OptionFeatures(self._space, layered_graph(self._space, macs_cost()))
        fitted = {
            "linear fit of stage losses": np.log(np.array([self._losses(choice) for choice in self._choices])),
            "ridge on options": np.array([options_of.row(choice) for choice in self._choices]),
        }
        for name, features in fitted.items():
            rows.append(self._row(name, (fit_ridge(features, published).left_out.tolist(), 0.0), published))
            if own:
                left_out = fit_ridge(features[: len(own)], own).left_out.tolist()
                rows[-1] = replace(rows[-1], own=kendall(left_out, own))
        return rows

    def _judges(self) -> dict[str, Callable[[], tuple[list[float], float]]]:
        def timed(judge: Callable[[], list[float]]) -> Callable[[], tuple[list[float], float]]:
            def measured() -> tuple[list[float], float]:
                begin = time.process_time()
                return judge(), (time.process_time() - begin) / 60

            return measured

        return {
            "MACs": timed(lambda: [float(c.architecture.macs) for c in self._candidates]),
            "supernet": timed(self._supernet),
            "sum of stage losses": timed(lambda: [-sum(self._losses(choice)) for choice in self._choices]),
            "network of distilled stages": timed(lambda: [self._assembled(choice) for choice in self._choices]),
        }

    def _row(self, name: str, judged: tuple[list[float], float], published: list[float]) -> Row:
        ratings, minutes = judged
        own = kendall(ratings[: len(self.own)], self.own) if self.own else None
        return Row(name, kendall(ratings, published), own, minutes)

    @cached_property
    def own(self) -> list[float]:
        """Accuracies in percent of the first members, trained in full here."""
        some = self._candidates[: self._given.trained]
        if not some:
            return []
        judge = TrainingAccuracy(self._data, self._recipe(self._given.epochs), self._given.seed, workers=0)
        with TrialCache(self._space, judge, self._given.folder / "own.trials.jsonl") as cache:
            for i, candidate in enumerate(some):
                if network_digest(candidate.architecture) not in cache:
                    cache.judge([candidate])
                self._listener.progress((i + 1) * 100, len(some) * 100, name="hundredths of members trained in full")
            return [cache[network_digest(c.architecture)] for c in some]

    def _supernet(self) -> list[float]:
        recipe = SupernetRecipe(self._recipe(self._given.supernet_epochs))
        file = self._given.folder / "supernet.npz"
        judge = SupernetAccuracy(
            self._space, self._data, recipe, self._given.seed, checkpoint=file, listener=self._listener
        )
        return answers(judge, self._candidates)

    def _recipe(self, epochs: int, **values: Any) -> TrainRecipe:
        return TrainRecipe(**{"epochs": epochs, "batch": BATCH, "flip": True, **values})

    @cached_property
    def _teacher(self) -> NetworkModule:
        """The largest member, trained twice as long as the others."""
        largest = self._space.architecture(self._space.parse(".".join("2" * 8)))
        recipe = self._recipe(2 * self._given.epochs)
        file = self._given.folder / "teacher.npz"
        return train(largest, self._data, recipe, self._given.seed, self._listener, checkpoint=file).module

    @cached_property
    def _feeds(self) -> tuple[Feed, Feed, Feed]:
        """Images to train on, to validate on, and to take statistics of batch norms from."""
        import torch

        from edgenas.training.feed import Feed

        data, where = self._data, torch.device("cpu")
        some = slice(0, CALIBRATION)
        return (
            Feed(data, data.train_images, data.train_labels, 1, where),
            Feed(data, data.validation_images, data.validation_labels, 1, where),
            Feed(data, data.train_images[some], data.train_labels[some], 1, where),
        )

    @cached_property
    def _stages(self) -> list[tuple[int, int]]:
        from edgenas.training.distillation import stages

        blocks = self._teacher.architecture.blocks
        return [(first, end) for first, end in stages(blocks) if len(self._space.layers[first].options) > 1]

    def _parts(self, choice: Choice) -> list[Part]:
        return [(i, choice[first:end]) for i, (first, end) in enumerate(self._stages)]

    @cached_property
    def _distilled(self) -> dict[Part, nn.Sequential]:
        """Every way to build each stage, trained to give the teacher's feature maps."""
        import itertools

        import torch

        from edgenas.training.arithmetic import Arithmetic, repeatable
        from edgenas.training.distillation import begin_at, feature_maps, stage_gradients
        from edgenas.training.loop import Fit
        from edgenas.training.network import fresh_network, threads

        parts: dict[Part, nn.Sequential] = {}
        found: list[tuple[int, int]] = []
        teacher = self._teacher  # trained before gradients are switched off
        with threads(1), repeatable(), torch.random.fork_rng(devices=[]):
            with torch.no_grad():
                maps = feature_maps(teacher, self._feeds[0].batch(slice(0, 256))[0], self._stages[-1][1])
            for i, (first, end) in enumerate(self._stages):
                for options_ in itertools.product(range(3), repeat=end - first):
                    choice = (*self._choices[0][:first], *options_, *self._choices[0][end:])
                    network = fresh_network(self._space.architecture(choice), self._given.seed)
                    parts[i, options_] = torch.nn.Sequential(*(network[j] for j in range(first, end)))
                    begin_at(parts[i, options_], maps[end])
                    found.append((first, end))
            students = torch.nn.ModuleList(parts.values())
            recipe = self._recipe(self._given.stage_epochs, optimizer="adamw", lr=2e-3)
            step = stage_gradients(students, teacher, found, Arithmetic())
            kept = Checkpoint(self._given.folder / "stages.npz", f"stages:{self._data.digest}:{recipe.digest}")
            seed, feed = self._given.seed, self._feeds[0]
            Fit("all stages", students, feed, recipe, seed, step, kept, self._listener).run()
        return parts

    @cached_property
    def _part_losses(self) -> dict[Part, float]:
        """Loss of each stage on the validation images."""
        import torch

        from edgenas.training.distillation import feature_maps, noise_to_signal

        total = dict.fromkeys(self._distilled, 0.0)
        batches = list(self._feeds[1].in_order(250))
        with torch.no_grad():
            for stage in self._distilled.values():
                stage.eval()
            for images, _ in batches:
                maps = feature_maps(self._teacher, images, self._stages[-1][1])
                for part, stage in self._distilled.items():
                    first, end = self._stages[part[0]]
                    total[part] += float(noise_to_signal(stage(maps[first]), maps[end])) / len(batches)
        return total

    def _losses(self, choice: Choice) -> list[float]:
        return [self._part_losses[part] for part in self._parts(choice)]

    def _assembled(self, choice: Choice) -> float:
        """Accuracy in percent of the distilled stages of a network between the teacher's other layers."""
        import copy

        import torch

        from edgenas.training.fine_tuning import recalibrated
        from edgenas.training.network import accuracy_percent

        blocks: list[nn.Module] = list(self._teacher)
        for part in self._parts(choice):
            first, end = self._stages[part[0]]
            blocks[first:end] = list(self._distilled[part])
        network: Any = copy.deepcopy(torch.nn.Sequential(*blocks))
        recalibrated(network, self._feeds[2])
        return accuracy_percent(network, self._feeds[1])


if __name__ == "__main__":
    run(main)
