"""Options of verbs that train networks: images, processor, random seed, processes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from edgenas.cli.paths import UserPath

train_on_option = click.option(
    "--train-on", default="auto", show_default=True, help="Processor that trains: auto, cpu or cuda."
)
seed_option = click.option(
    "--seed", default=0, show_default=True, help="Random seed of the search and of the trainings."
)
training_workers_option = click.option(
    "--workers", type=click.IntRange(0, 64), default=2, show_default=True, help="Training processes."
)


def images_option(*, required: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option of images to train and judge networks on."""
    return click.option(
        "--images",
        required=required,
        type=UserPath(path_type=Path),
        help="Images of your own: one folder for each class (in train/, val/ and test/, or edgenas splits them), an "
        ".npz of arrays, or a Hugging Face dataset on disk.",
    )
