"""Options of weights that others published."""

from __future__ import annotations

import click

pretrained_option = click.option(
    "--pretrained",
    metavar="FILE_OR_PACKAGE",
    help="Weights that others published: a file (.safetensors, .npz or .pth), or package:NAME of an installed package. "
    "Their training's mean and deviation are used.",
)
pretrained_as_option = click.option(
    "--pretrained-as",
    metavar="LAYOUT/MODEL",
    help="Which published weights they are, such as timm/tf_efficientnet_lite0, where several fit "
    "[default: by the names in the file, and the network].",
)
from_scratch_option = click.option(
    "--from-scratch-too",
    is_flag=True,
    help="Train the network that ships from random weights, too, on the same images with the same seed, and print what "
    "the published weights are worth. --set scratch.epochs=60 changes that training.",
)
