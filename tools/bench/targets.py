"""Settings of ``edgenas.train``: the error of two networks that learn the place of a spot, for several optimizers.

    python -m tools.bench.targets
    python -m tools.bench.targets --train 600 --epochs 20 --seeds 2 --json targets.json
    python -m tools.bench.targets --scale 10

Pictures of 48x32 pixels hold one bright spot and noise; the targets are its two coordinates, as shares of width and
height, times ``--scale``. Each network is trained with each setting from each seed on ``--train`` pictures, and judged
on 200 others by its mean absolute error over the scale; a training that diverges has no error and is the worst. The
defaults of ``edgenas.train`` are the setting whose worst error, over both networks and the scales 1 and 10, is the
smallest. One setting takes one to two minutes on one core.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

import edgenas
from edgenas.api.train import DEFAULTS
from tools.bench.command import options, run, show

NETWORKS = ("digits/3.3.3.3.3.3", "mobilenet_v3_small")
SETTINGS: tuple[dict[str, Any], ...] = (
    {"optimizer": "adamw", "lr": 0.002},
    {"optimizer": "adamw", "lr": 0.005},
    {"optimizer": "adamw", "lr": 0.01},
    {"optimizer": "adamw", "lr": 0.02},
    {"optimizer": "sgd", "lr": 0.05},
    {"optimizer": "sgd", "lr": 0.2},
)
JUDGED = 200  #: pictures that a network is judged on
DRAWN = 1000  #: seed of the pictures to train on; those to judge by have the next one


def main(argv: Sequence[str] | None = None) -> int:
    parser = options(__doc__)
    parser.add_argument("--train", type=int, default=600, help="pictures to train on")
    parser.add_argument("--epochs", type=int, default=DEFAULTS["epochs"])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--scale", type=float, default=1.0, help="factor of the targets")
    arguments = parser.parse_args(argv)
    if arguments.train < DEFAULTS["batch"] or arguments.epochs < 1 or arguments.seeds < 1:
        parser.error(f"needs {DEFAULTS['batch']} pictures, one epoch and one seed, or more")
    rows = [
        trained(network, setting, arguments.train, arguments.epochs, arguments.seeds, arguments.scale)
        for setting in SETTINGS
        for network in NETWORKS
    ]
    title = (
        f"{arguments.train} pictures, {arguments.epochs} epochs, {arguments.seeds} seeds, targets x {arguments.scale:g}"
    )
    table = Table("optimizer", "lr", "network", "mean error", "least", "most", "s", title=title)
    for row in rows:
        numbers = ("diverges" if row[name] is None else f"{row[name]:.4f}" for name in ("error", "least", "most"))
        table.add_row(row["optimizer"], f"{row['lr']:g}", row["network"], *numbers, f"{row['seconds']:.0f}")
    show(rows, [table], arguments.json)
    return 0


def trained(network: str, setting: dict[str, Any], count: int, epochs: int, seeds: int, scale: float) -> dict[str, Any]:
    """Return the errors of a network over seeds, as shares of the width and height, and the seconds of one training."""
    images, place = spots(count, DRAWN)
    shown, where = spots(JUDGED, DRAWN + 1)
    errors, begun = [], time.perf_counter()
    for seed in range(seeds):
        try:
            done = edgenas.train(
                network,
                images,
                scale * place,
                loss="mse",
                validation=(shown, scale * where),
                options={**setting, "epochs": epochs},
                seed=seed,
                train_on="cpu",
            )
        except edgenas.OutcomeError:
            errors.append(math.inf)
            continue
        errors.append(float(np.abs(done.predict(shown) / scale - where).mean()))
    seconds = (time.perf_counter() - begun) / seeds
    found = {"error": statistics.fmean(errors), "least": min(errors), "most": max(errors), "seconds": seconds}
    return {
        **setting,
        "network": network,
        **{name: None if value == math.inf else value for name, value in found.items()},
    }


def spots(count: int, seed: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return pictures (n, 32, 48, 1) of one spot, and its place (x, y) as shares of width and height."""
    rng = np.random.default_rng(seed)
    place = rng.uniform(0.2, 0.8, (count, 2)).astype(np.float32)
    rows, columns = np.mgrid[:32, :48]
    away = (columns / 48 - place[:, :1, None]) ** 2 + (rows / 32 - place[:, 1:, None]) ** 2
    levels = 220 * np.exp(-away / 0.01) + rng.normal(40, 20, away.shape)
    return np.clip(levels, 0, 255).astype(np.uint8)[..., None], place


if __name__ == "__main__":
    run(main)
