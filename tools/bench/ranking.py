"""Compare rankings of networks with those of full trainings: by a supernet, by short trainings, and by proxies without
training.

    python -m tools.bench.ranking --macro nas-bench-macro_cifar10.json --cifar cifar10.npz
    python -m tools.bench.ranking --macro ... --cifar ... --alone 18 --alone-epochs 12 --json ranking.json

Random members of NAS-Bench-Macro, a quarter as wide, see 10,000 CIFAR-10 images at 16x16, and are ranked by each judge.
Kendall's tau is with the published accuracies (mean of three full trainings at 32x32), its 95 % interval that of
``edgenas.search.accuracy.trust``. CPU minutes are those of one thread, for all the members ranked. With
``--checkpoint`` a supernet that was cut goes on; minutes before the cut are not counted. Defaults take about 12 CPU
minutes.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from edgenas.base.listener import Listener
from edgenas.search.accuracy.supernet import SupernetAccuracy
from edgenas.search.accuracy.tabular import NasBenchMacro
from edgenas.search.accuracy.training import TrainingAccuracy
from edgenas.search.accuracy.trust import Tau, kendall
from edgenas.search.problem import Accuracy, Candidate
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
from tools.bench.cifar10 import Cifar10, load
from tools.bench.command import options, run, show

DIVIDED = 4  #: how much narrower than published
SIZE = 16
VALIDATION = 2500  #: images after those that train
PROXY_IMAGES = 128


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one judge."""

    judge: str
    tau: Tau
    cpu_minutes: float
    lowest: float
    highest: float


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--macro", type=Path, required=True, metavar="FILE", help="nas-bench-macro_cifar10.json")
    parser.add_argument(
        "--cifar", type=Path, required=True, metavar="FILE", help="CIFAR-10 as tools.bench.cifar10 reads"
    )
    parser.add_argument("--members", type=int, default=60)
    parser.add_argument("--images", type=int, default=10_000, help="that are trained on")
    parser.add_argument("--epochs", type=int, default=9, help="of the supernet")
    parser.add_argument("--alone", type=int, default=12, help="members that are trained alone too; 0 for none")
    parser.add_argument("--alone-epochs", type=int, default=2)
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="where the supernet's training stands")
    parser.add_argument("--device", default="cpu", help="cpu, cuda or auto")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    if arguments.members < 5 or not (arguments.alone == 0 or 5 <= arguments.alone <= arguments.members):
        parser.error("needs 5 members, and none or 5 of them trained alone")
    rows = ranked(arguments)
    numbers = [asdict(row) for row in rows]
    title = f"{arguments.images:,} CIFAR-10 images at {SIZE}x{SIZE}, against published accuracies"
    table = Table("judge", "members", "Kendall's tau", "95 % interval", "CPU minutes", title=title)
    for row in rows:
        tau = row.tau
        interval = f"{tau.low:.2f} .. {tau.high:.2f}"
        table.add_row(row.judge, str(tau.members), f"{tau.value:.3f}", interval, f"{row.cpu_minutes:.1f}")
    show(numbers, [table], arguments.json)
    return 0


def ranked(arguments: argparse.Namespace) -> list[Row]:
    """Return one row for every judge."""
    space, seed = nas_bench_macro(SIZE, 10, DIVIDED), arguments.seed
    data = small(load(arguments.cifar), arguments.images)
    rng = random.Random(seed)
    choices = list(dict.fromkeys(space.sample(rng) for _ in range(3 * arguments.members)))[: arguments.members]
    candidates = [Candidate(choice, space.architecture(choice)) for choice in choices]
    full, table = nas_bench_macro(), NasBenchMacro(arguments.macro)
    published = [table.accuracy(Candidate(choice, full.architecture(choice))) for choice in choices]

    def row(name: str, judge: Callable[[], Sequence[float]]) -> Row:
        begun = time.process_time()
        says = judge()
        minutes = (time.process_time() - begun) / 60
        return Row(name, kendall(says, published[: len(says)]), minutes, min(says), max(says))

    recipe = SupernetRecipe(TrainRecipe(epochs=arguments.epochs, flip=True))
    supernet = SupernetAccuracy(
        space, data, recipe, seed, checkpoint=arguments.checkpoint, device=arguments.device, listener=Printed()
    )
    rows = [row(f"supernet, {arguments.epochs} epochs", lambda: answers(supernet, candidates))]
    if arguments.alone:
        alone = TrainingAccuracy(
            data, TrainRecipe(epochs=arguments.alone_epochs, flip=True), seed, workers=0, device=arguments.device
        )
        some = candidates[: arguments.alone]
        rows.append(row(f"trained alone, {arguments.alone_epochs} epochs", lambda: answers(alone, some)))
    rows += [row(name, lambda name=name: scores(name, candidates, data, seed)) for name in proxy_names()]
    rows.append(row("MACs", lambda: [float(c.architecture.macs) for c in candidates]))
    rows.append(row("parameters", lambda: [float(c.architecture.params) for c in candidates]))
    return rows


def answers(accuracy: Accuracy, candidates: Sequence[Candidate]) -> list[float]:
    """Return the accuracies in the order of ``candidates``."""
    return [percent for _, percent in sorted(accuracy.evaluate(candidates))]


def small(data: Cifar10, train: int) -> ImageData:
    """Return the first ``train`` images for training, and the next for validation; each pixel is the mean of four."""
    images = halved(data.train_images[: train + VALIDATION])
    labels = data.train_labels[: train + VALIDATION]
    mean = tuple(images[:train].mean((0, 1, 2)).tolist())
    deviation = tuple(images[:train].std((0, 1, 2)).tolist())
    return ImageData(
        f"cifar10-{SIZE}",
        len(data.classes),
        images[:train],
        labels[:train],
        images[train:],
        labels[train:],
        halved(data.test_images),
        data.test_labels,
        mean,
        deviation,
        data.classes,
    )


def halved(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Halve the size of images by the mean of four pixels: (n, 32, 32, 3) -> (n, 16, 16, 3)."""
    return images.reshape(-1, SIZE, 2, SIZE, 2, 3).mean((2, 4)).round().astype(np.uint8)


def proxy_names() -> tuple[str, ...]:
    from edgenas.search.accuracy.zero_cost import PROXIES

    return tuple(PROXIES)


def scores(name: str, candidates: Sequence[Candidate], data: ImageData, seed: int) -> list[float]:
    """Return the score of each candidate by a proxy, from one batch."""
    import torch

    from edgenas.search.accuracy.zero_cost import PROXIES
    from edgenas.training.feed import Feed
    from edgenas.training.network import fresh_network, threads

    feed = Feed(data, data.train_images, data.train_labels, 1, torch.device("cpu"))
    images, labels = feed.batch(slice(0, PROXY_IMAGES))
    with threads(1):
        return [PROXIES[name](fresh_network(c.architecture, seed), images, labels) for c in candidates]


class Printed(Listener):
    """Listener that prints a line for every 100 steps of a training."""

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        if done % 100 == 0 or done == total:
            minutes = time.process_time() / 60
            Console(stderr=True).print(f"{name}: {done} of {total}, {minutes:.1f} CPU minutes")


if __name__ == "__main__":
    run(main)
