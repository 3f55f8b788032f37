"""Stage-wise distillation: each stage of a network learns the feature maps of the same stage of a larger one, its
teacher. This module imports torch.

A stage takes the teacher's feature map before it, and learns the teacher's feature map behind it, so that stages do not
depend on each other and all of them learn in one pass over the pictures, without labels (DNA: Li et al., arXiv
1911.13053, section 3.2). The loss of a stage is the squared error of each channel over the variance of the teacher's
channel, averaged over channels (DONNA: Moons et al., arXiv 2012.08859, section 3.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.torch_modules import ConvBN, NetworkModule
from edgenas.training.arithmetic import Arithmetic
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import TrainRecipe
from edgenas.training.feed import Feed
from edgenas.training.loop import Fit, Gradients

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a network") from error

RATE = 2e-3  #: learning rate
LEAST = 1e-6  #: least variance of a channel of the teacher, as a share of the mean of all channels
Stage = tuple[int, int]  #: numbers of its first block, and of the block behind its last one


def stages(blocks: Sequence[BlockSpec]) -> list[Stage]:
    """Return the stages of a network without its head: runs of blocks of one width and size, behind the first of them.

    A block that skips belongs to the stage before it.
    """
    body = len(blocks) - (blocks[-1].kind == "head")
    starts = [i for i in range(body) if i == 0 or blocks[i].stride != 1 or blocks[i].c_in != blocks[i].c_out]
    return list(zip(starts, [*starts[1:], body], strict=True))


def distilling(recipe: TrainRecipe) -> TrainRecipe:
    """Return the recipe of distillation before a fine-tuning with ``recipe``: with Adam."""
    return replace(recipe, optimizer="adamw", lr=RATE)


def distil(
    name: str,
    student: NetworkModule,
    teacher: NetworkModule,
    feed: Feed,
    recipe: TrainRecipe,
    seed: int,
    how: Arithmetic,
    checkpoint: Checkpoint | None = None,
    listener: Listener = SILENT,
) -> tuple[float, ...]:
    """Train the stages of ``student`` that differ from those of ``teacher``, in place; return the loss of every step.

    Both have the same layers, each with the outer widths and the size of the other. The statistics of the batch norms
    are then moving averages of small batches: take plain means of the whole network afterwards. Nothing is trained
    where no stage differs. InputError where the layers do not fit; OutcomeError where the loss is not finite.
    """
    whole, part = teacher.architecture.blocks, student.architecture.blocks
    ends = [[(b.kind == "head" or (b.c_in, b.in_size, b.c_out, b.out_size)) for b in those] for those in (whole, part)]
    if ends[0] != ends[1]:
        raise InputError(f"{name} cannot learn the feature maps of {teacher.architecture.name}: their layers differ")
    found = [(first, end) for first, end in stages(whole) if whole[first:end] != part[first:end]]
    if not found:
        return ()
    own = nn.ModuleList(nn.Sequential(*(student[i] for i in range(first, end))) for first, end in found)
    step = stage_gradients(own, teacher.eval(), found, how)
    return Fit(f"the stages of {name}", own, feed, recipe, seed, step, checkpoint, listener).run()


def stage_gradients(
    students: nn.ModuleList, teacher: nn.Sequential, found: Sequence[Stage], how: Arithmetic
) -> Gradients:
    """Return the function that computes the gradients of one step of ``students``, one module for each stage."""

    def step(images: Tensor, labels: Tensor, number: int) -> Tensor:
        with torch.no_grad(), how.autocast(images.device):
            maps = feature_maps(teacher, images, found[-1][1])
        losses = []
        for student, (first, end) in zip(students, found, strict=True):
            with how.autocast(images.device):
                loss = noise_to_signal(student(maps[first]).float(), maps[end].float())
            torch.autograd.backward(loss)
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    return step


def feature_maps(network: nn.Sequential, images: Tensor, count: int) -> list[Tensor]:
    """Return the images, and the output of each of the first ``count`` blocks."""
    maps = [images]
    for i in range(count):
        maps.append(network[i](maps[-1]))
    return maps


def noise_to_signal(outputs: Tensor, target: Tensor) -> Tensor:
    """Return the mean over channels of squared error over variance, of feature maps (n, c, h, w)."""
    variance = target.var((0, 2, 3), correction=0)  # (c,)
    variance = torch.maximum(variance, LEAST * variance.mean() + torch.finfo(variance.dtype).tiny)
    return ((outputs - target).square().mean((0, 2, 3)) / variance).mean()


def begin_at(stage: nn.Sequential, target: Tensor) -> None:
    """Set the last batch norm of a stage with random weights to the deviation and the mean of the teacher's feature map
    ``target`` (n, c, h, w), channel by channel: the stage begins with the right scale."""
    norms = [layer.bn for layer in stage.modules() if isinstance(layer, ConvBN) and layer.bn is not None]
    with torch.no_grad():
        norms[-1].weight.copy_(target.std((0, 2, 3)))
        norms[-1].bias.copy_(target.mean((0, 2, 3)))
