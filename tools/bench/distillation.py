"""Accuracy of a smaller member that is cut out of a published network, with distillation and without it.

    python -m tools.bench.distillation --cifar cifar10.npz [--images 500] [--key KEY] [--json [FILE]]

A member of the space ``efficientnet_lite0`` with 39 % of the published network's MACs (expansion 3, stages without
their last layers) is trained on CIFAR-10 images enlarged to 65 pixels as ``ship --pretrained`` trains finalists: cut
out of the published weights; its stages distilled from the published network; its head by regression; fine-tuned. 1,000
test images (± 3 points) judge each recipe, and choose. Bar: 50 % with 500 images. Takes about 4 CPU minutes.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it

from rich.table import Table

from edgenas.search.accuracy.image_task import FINE_TUNING, SHIFT
from edgenas.search.published import published_member
from edgenas.search.spaces import space
from edgenas.training.data import TrainRecipe
from tools.bench.cifar10 import SIZE, enlarged
from tools.bench.command import Bar, bars_table, options, run, show
from tools.bench.fine_tuning import PACKAGE, Recipes

BAR, SHARE = 50.0, 0.4
MEMBER = "0.0.3.6.0.0.6.3.3.6.3.3.6.6.0"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit code 1 where a bar is missed."""
    parser = options(__doc__)
    parser.add_argument("--cifar", type=Path, required=True, metavar="FILE", help="CIFAR-10 as tools.bench.cifar10")
    parser.add_argument("--images", type=int, default=500, help="that are trained on")
    parser.add_argument("--key", default=MEMBER, help="key of the member")
    given = parser.parse_args(argv)
    lite = space("efficientnet_lite0", SIZE, 10)
    published = published_member(lite, PACKAGE, None)
    architecture = lite.architecture(lite.parse(given.key))
    share = architecture.macs / lite.architecture(published.choice).macs
    data = enlarged(given.cifar, given.images, published.pretrained.mean, published.pretrained.deviation)
    settings: dict[str, Any] = {"flip": True, "shift": SHIFT, **FINE_TUNING}
    told, begin = Recipes(), time.process_time()
    with tempfile.TemporaryDirectory(prefix="edgenas-") as folder:
        found, chosen = published.train(architecture, data, TrainRecipe(**settings), 0, told, folder=Path(folder))
    minutes = (time.process_time() - begin) / 60
    title = f"{given.images} images, {100 * share:.0f} % of the MACs, {minutes:.1f} CPU minutes"
    table = Table("recipe", "accuracy %", "", title=title)
    for row in told.rows:
        table.add_row(row.recipe, f"{row.accuracy:.2f}", "chosen" if row.recipe == chosen else "")
    bars = [
        Bar("share of the published network's MACs", share, SHARE),
        Bar("accuracy of the chosen recipe, %", found.accuracy, BAR, at_least=True),
    ]
    numbers = {"rows": [asdict(row) for row in told.rows], "chosen": chosen, "cpu_minutes": minutes}
    show({**numbers, "bars": [bar.as_dict() for bar in bars]}, [table, bars_table(bars)], given.json)
    return 0 if all(bar.met for bar in bars) else 1


if __name__ == "__main__":
    run(main)
