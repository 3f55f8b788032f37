"""Measure the speed of training networks, the use of the device, and the accuracy after a fixed time.

    python -m tools.bench.training --cifar cifar10.npz                            # on a GPU where torch finds one
    python -m tools.bench.training --cifar cifar10.npz --on cpu --seconds 30 --json training.json

Members of NAS-Bench-Macro, MobileNetV2-like, its best (93.1 % published) among them, see CIFAR-10 in every arithmetic
that ``edgenas.training.arithmetic`` leaves open, with the recipe of ``--accuracy train``; then one supernet of all.
Each is trained for as many whole epochs as ``--seconds`` allow by the speed of its first steps. Accuracy is that on the
validation images: 5,000 of CIFAR-10's training images, or as many as are trained on.

On a GPU seconds are wall time and ``busy`` is the time that its kernels take in a step, by torch's profiler, over the
wall time of a step without it. On a CPU seconds are CPU time of the one thread, so that other programs do not count,
and ``busy`` is its share of wall time; images there are 16x16 and networks a quarter as wide, unless told.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.autograd import DeviceType

from edgenas.base.listener import Listener
from edgenas.search.accuracy.image_task import recipe_options
from edgenas.search.accuracy.supernet import SupernetAccuracy
from edgenas.search.accuracy.tabular import NasBenchMacro
from edgenas.search.problem import Candidate
from edgenas.search.space import Choice, Space
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.training.arithmetic import Arithmetic
from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
from edgenas.training.feed import device_named
from edgenas.training.network import train
from tools.bench.cifar10 import Cifar10, load
from tools.bench.command import options, run, show
from tools.bench.ranking import halved

BEST = "22212220"  #: the most accurate of all
MEMBERS = (BEST, "11111111", "10100100")
VALIDATION = 5000  #: images at most
JUDGED = 24  #: members of the supernet
PROFILED = 20  #: steps whose kernels are timed

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Row:
    """Result of one training. ``images_s`` are images per second (of a supernet, images that a member saw); ``busy`` is
    the used share of the device; ``accuracy``, in percent, was reached in ``epochs`` and ``seconds``; ``judged_s`` are
    members judged per second.
    """

    network: str
    how: str
    images_s: float
    busy: float
    epochs: int
    seconds: float
    accuracy: float
    published: float | None = None
    judged_s: float | None = None


class EnoughError(Exception):
    """Error that a listener raises to end a training."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument(
        "--cifar", type=Path, required=True, metavar="FILE", help="CIFAR-10 as tools.bench.cifar10 reads"
    )
    parser.add_argument(
        "--macro", type=Path, metavar="FILE", help="nas-bench-macro_cifar10.json, for what is published"
    )
    parser.add_argument("--on", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--seconds", type=float, default=60.0, help="of each training")
    parser.add_argument("--images", type=int, help="that are trained on: 45,000 on a GPU, 5,000 on a CPU")
    parser.add_argument("--in-size", type=int, choices=(16, 32), help="pixels: 32 on a GPU, 16 on a CPU")
    parser.add_argument("--divided", type=int, help="how much narrower than published: 1 on a GPU, 4 on a CPU")
    parser.add_argument("--batch", type=int, help="256 on a GPU, 64 on a CPU")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(argv)
    device = device_named(asked.on)
    usual = (45_000, 32, 1, 256) if device.type == "cuda" else (5_000, 16, 4, 64)
    images, in_size, divided, batch = (
        value if given is None else given
        for given, value in zip((asked.images, asked.in_size, asked.divided, asked.batch), usual, strict=True)
    )
    space, data = nas_bench_macro(in_size, 10, divided), pictures(load(asked.cifar), images, in_size)
    recipe = TrainRecipe(**{**recipe_options()["train"], "batch": batch})
    bench = Bench(space, data, recipe, device, asked.seconds, asked.seed, asked.macro)
    rows = bench.rows()
    numbers = [asdict(row) for row in rows]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "one CPU thread"
    title = f"{images:,} CIFAR-10 images at {in_size}x{in_size}, widths / {divided}, batch {batch}, on {name}"
    table = Table(
        "network",
        "numbers",
        "images/s",
        "busy",
        "epochs",
        "seconds",
        "top-1 %",
        "published",
        "judged/s",
        title=title,
    )
    for r in rows:
        table.add_row(
            r.network,
            r.how,
            f"{r.images_s:,.0f}",
            f"{r.busy:.0%}",
            str(r.epochs),
            f"{r.seconds:.0f}",
            f"{r.accuracy:.1f}",
            "" if r.published is None else f"{r.published:.1f}",
            "" if r.judged_s is None else f"{r.judged_s:.1f}",
        )
    show(numbers, [table], asked.json)
    return 0


@dataclass(frozen=True)
class Bench:
    """Settings that all rows share."""

    space: Space
    data: ImageData
    recipe: TrainRecipe
    device: torch.device
    seconds: float
    seed: int
    macro: Path | None

    def rows(self) -> list[Row]:
        usual = Arithmetic.of(self.device)
        hows = [usual, replace(usual, bf16=not usual.bf16), replace(usual, channels_last=False)]
        rows = [self.alone(BEST, how) for how in hows]
        rows += [self.alone(member, usual) for member in MEMBERS if member != BEST]
        return [*rows, self.supernet()]

    def alone(self, member: str, how: Arithmetic) -> Row:
        """Train one network from its initial weights."""
        network = self.space.architecture(choice(self.space, member))

        def run(epochs: int, listener: Listener) -> float:
            recipe = replace(self.recipe, epochs=epochs)
            where = str(self.device)
            return train(network, self.data, recipe, self.seed, listener, device=where, arithmetic=how).accuracy

        accuracy, images_s, busy, epochs, seconds = self.timed(member, run)
        return Row(member, told(how), images_s, busy, epochs, seconds, accuracy, self.published(member))

    def supernet(self) -> Row:
        """Train all networks at once, and judge some of them."""
        drawn = 2

        def run(epochs: int, listener: Listener) -> SupernetAccuracy:
            recipe = SupernetRecipe(replace(self.recipe, epochs=epochs), drawn)
            judge = SupernetAccuracy(
                self.space, self.data, recipe, self.seed, device=str(self.device), listener=listener
            )
            list(judge.evaluate([]))  # trains
            return judge

        judge, images_s, busy, epochs, seconds = self.timed("supernet", run)
        rng = random.Random(self.seed)
        choices = [choice(self.space, BEST), *(self.space.sample(rng) for _ in range(JUDGED - 1))]
        begun = self.now()
        percents = [
            percent for _, percent in judge.evaluate([Candidate(c, self.space.architecture(c)) for c in choices])
        ]
        judged_s = JUDGED / (self.now() - begun)
        how = told(Arithmetic.of(self.device))
        return Row(
            "supernet", how, (2 + drawn) * images_s, busy, epochs, seconds, percents[0], self.published(BEST), judged_s
        )

    def timed(self, name: str, run: Callable[[int, Listener], Result]) -> tuple[Result, float, float, int, float]:
        """Return (result, images per second, busy share, epochs, seconds) of the training ``run(epochs, listener)``."""
        probe = Probe(self)
        with contextlib.suppress(EnoughError):
            run(1000, probe)
        steps_an_epoch = len(self.data.train_images) // self.recipe.batch
        epochs = max(1, round(self.seconds / (probe.step_s * steps_an_epoch)))
        Console(stderr=True).print(f"{name}: {epochs} epochs, {self.recipe.batch / probe.step_s:,.0f} images a second")
        begun, marks = self.now(), Marks(self)
        result = run(epochs, marks)
        busy = marks.busy if probe.kernels_s is None else probe.kernels_s / marks.step_s
        return result, self.recipe.batch / marks.step_s, busy, epochs, self.now() - begun

    def now(self) -> float:
        """Return the time in seconds: CPU time of the process, or wall time after the GPU has finished."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return time.perf_counter()
        return time.process_time()

    def published(self, member: str) -> float | None:
        if self.macro is None:
            return None
        space = nas_bench_macro()
        found = choice(space, member)
        return NasBenchMacro(self.macro).accuracy(Candidate(found, space.architecture(found)))


class Marks(Listener):
    """Listener that measures the duration of a step, and the share of it in which the process computes. The first steps
    are left out, since libraries initialise in them.
    """

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.first = 50 if bench.device.type == "cuda" else 3
        self.step_s = self.busy = 0.0
        self._begun = (0.0, 0.0, 0.0)

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        if done == self.first:
            self._begun = self.bench.now(), time.process_time(), time.perf_counter()
        elif done == total:
            self._end(done)

    def _end(self, done: int) -> None:
        now, cpu, wall = self.bench.now(), time.process_time(), time.perf_counter()
        self.step_s = (now - self._begun[0]) / (done - self.first)
        self.busy = (cpu - self._begun[1]) / (wall - self._begun[2])


class Probe(Marks):
    """Listener that measures some first steps and, on a GPU, the seconds of kernels in one step (None on a CPU); then
    it ends the training.
    """

    kernels_s: float | None = None
    _profiler: Any = None

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        super().progress(done, total, note, name=name, detail=detail)
        on_gpu = self.bench.device.type == "cuda"
        last = self.first + (150 if on_gpu else 12)
        if done == last:
            self._end(done)
            if not on_gpu:
                raise EnoughError
            self._profiler = torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CUDA])
            self._profiler.__enter__()
        elif done == last + PROFILED:
            torch.cuda.synchronize(self.bench.device)
            self._profiler.__exit__(None, None, None)
            self.kernels_s = kernel_seconds(self._profiler.events()) / PROFILED
            raise EnoughError


def kernel_seconds(events: Any) -> float:
    """Return the seconds of kernels and copies on the GPU; they share one stream, so that no two overlap."""
    own = (e for e in events if e.device_type == DeviceType.CUDA and not e.is_user_annotation)
    return float(sum(e.time_range.elapsed_us() for e in own)) / 1e6


def choice(space: Space, published: str) -> Choice:
    """Return the choice of a member by its published name, one digit for each layer."""
    return space.parse(".".join(published))


def told(how: Arithmetic) -> str:
    return f"{'bf16' if how.bf16 else 'fp32'} {'NHWC' if how.channels_last else 'NCHW'}"


def pictures(cifar: Cifar10, train_images: int, in_size: int) -> ImageData:
    """Return the first ``train_images`` images for training, and those after them for validation."""
    judged = min(VALIDATION, train_images)
    images, labels = cifar.train_images[: train_images + judged], cifar.train_labels[: train_images + judged]
    if in_size == 16:
        images = halved(images)
    mean, deviation = (tuple(f(images[:train_images], axis=(0, 1, 2)).tolist()) for f in (np.mean, np.std))
    parts = (images[:train_images], labels[:train_images], *(images[train_images:], labels[train_images:]) * 2)
    return ImageData(f"cifar10-{in_size}", len(cifar.classes), *parts, mean, deviation, cifar.classes)


if __name__ == "__main__":
    run(main)
