"""A supernet that begins from published weights: filled from them, and taught by the published network. This module
imports torch.

Smaller options share the weights of the published one: the middle of its kernels, and its expanded channels, sorted by
importance; so the published network is a member exactly, apart from the statistics of its batch norms. A step teaches
the published network, the smallest member and some random ones the published feature maps, stage by stage
(``edgenas.training.distillation``). The classifier is a logistic regression on the published network's features; it is
shared, and does not learn. A once-for-all supernet is trained already, and is not trained further.
"""

from __future__ import annotations

import random
from dataclasses import replace

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.pretrained.slicing import sliced_block, teacher_of
from edgenas.blocks.size import ImageSize
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.torch_modules import NetworkModule
from edgenas.search.accuracy.shared_weights import SharedLayer, SharedNetwork, SharedOp, places
from edgenas.search.accuracy.supernet_torch import at_size_of, drawn, extreme
from edgenas.search.published import PublishedMember
from edgenas.search.space import Space
from edgenas.training.arithmetic import Arithmetic
from edgenas.training.checkpoints import Checkpoint
from edgenas.training.data import ImageData, SupernetRecipe
from edgenas.training.distillation import feature_maps, noise_to_signal, stages
from edgenas.training.feed import Feed
from edgenas.training.fine_tuning import features, recalibrated, started
from edgenas.training.head_regression import regression
from edgenas.training.loop import Fit, Gradients

try:
    import torch
    from torch import Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", "train", "training a supernet") from error


def published_supernet(
    space: Space,
    published: PublishedMember,
    data: ImageData,
    recipe: SupernetRecipe,
    seed: int,
    device: torch.device,
    checkpoint: Checkpoint | None = None,
    listener: Listener = SILENT,
) -> SharedNetwork:
    """Return the shared weights of all members, begun from published ones, and taught unless they are those of a
    supernet. InputError where options of the space hold several blocks; OutcomeError where the loss is not finite."""
    known, how = published.pretrained, Arithmetic.of(device)
    shrink = recipe.training.shrink
    feed = Feed(data, data.train_images, data.train_labels, shrink, device, how.memory_format)
    with torch.random.fork_rng(devices=[]):
        network = SharedNetwork(space, seed, known.epsilon).to(device)
    fill(network, published)
    whole = space.architecture(space.at_size(published.choice, data.in_size))
    start = published.start(whole)
    teacher = started(start, whole, how).to(device)
    if not start.exact:
        recalibrated(teacher, feed)
    weight, bias = regression(*features(teacher, feed, recipe.training.flip), data.classes, 1 + recipe.training.flip)
    classifier = network.layers[-1].get_submodule("classifier")
    assert isinstance(classifier, SharedOp)
    with torch.no_grad():
        classifier.weight.copy_(weight)
        classifier.bias.copy_(bias)
    if known.turns:
        listener.message(f"{published.name} is a trained supernet: its members are judged as they are")
        return network.eval()
    step = taught(network, published, recipe, seed, device)
    name = f"a supernet of {space.name} from {published.name}"
    Fit(name, network, feed, recipe.training, seed, step, checkpoint, listener).run()
    return network.eval()


def fill(network: SharedNetwork, published: PublishedMember) -> None:
    """Copy the published weights, without those of the classifier, to the places that the published member takes its
    weights from; what it does not use keeps random weights, or copies of other channels that nothing reads yet."""
    known = published.pretrained
    blocks = list(places(network.space))
    if len(blocks) != len(known.architecture.blocks):
        raise InputError(
            f"options of {network.space.name} hold several blocks, so no supernet of it can begin from published "
            "weights; leave out --pretrained, or judge by --accuracy train"
        )
    for number, (layer, alternatives) in enumerate(zip(network.layers, blocks, strict=True)):
        assert isinstance(layer, SharedLayer)
        whole = known.architecture.blocks[number]
        if whole.kind == "skip":
            continue
        widest = _widest(whole, alternatives)
        tensors = sliced_block(whole, known.tensors[number], widest, ordered=bool(known.turns), sort=True)
        for name, array in tensors.items():
            operation, _, rest = name.partition(".")
            if operation != "classifier":
                _copy(layer.get_submodule(operation), rest, torch.from_numpy(array))
        for (block, _, small), matrix in known.turns.items():
            if block == number:
                depthwise = layer.get_submodule("depthwise")
                assert isinstance(depthwise, SharedOp)
                with torch.no_grad():
                    depthwise.turns[str(small)].copy_(torch.from_numpy(matrix.T.copy()))


def _widest(whole: BlockSpec, alternatives: list[BlockSpec]) -> BlockSpec:
    """Return the published block with the most expanded and squeezed channels of its alternatives."""
    if whole.kind != "ir":
        return whole
    alike = [block for block in alternatives if block.kind == whole.kind]
    squeezed = max(block.c_se for block in alike) if whole.c_se else 0
    return replace(whole, c_mid=max(block.c_mid for block in alike), c_se=squeezed)


def _copy(shared: nn.Module, rest: str, values: Tensor) -> None:
    """Copy a tensor of a block into the first channels of shared weights, a kernel into their middle, between zeros."""
    assert isinstance(shared, SharedOp)
    with torch.no_grad():
        if rest in ("conv.weight", "weight"):
            room = shared.weight[: values.shape[0], : values.shape[1]]
            if values.ndim == 4 and values.shape[2] != room.shape[2]:
                room.zero_()
                edge = (room.shape[2] - values.shape[2]) // 2
                room = room[..., edge : room.shape[2] - edge, edge : room.shape[3] - edge]
            room.copy_(values)
        elif rest == "bn.weight":
            assert shared.scale is not None
            shared.scale[: len(values)].copy_(values)
        elif rest in ("bn.bias", "conv.bias", "bias"):
            shared.bias[: len(values)].copy_(values)


def taught(
    network: SharedNetwork, published: PublishedMember, recipe: SupernetRecipe, seed: int, device: torch.device
) -> Gradients:
    """Return the function that computes the gradients of one step: the published network, the smallest member and
    random ones learn the feature maps of the published network at their own size."""
    space, how = network.space, Arithmetic.of(device)
    found = stages(published.pretrained.architecture.blocks)
    teachers: dict[ImageSize, NetworkModule] = {}
    for size in space.sizes:
        member = space.architecture(space.at_size(published.choice, size))
        architecture = teacher_of(published.pretrained.architecture, member)
        teachers[size] = started(published.start(member), architecture, how).to(device)
    ends = [published.choice, extreme(space, min)]

    def step(images: Tensor, labels: Tensor, number: int) -> Tensor:
        rng = random.Random(f"{seed}/{number}")
        members = [*ends, *(drawn(space, rng) for _ in range(recipe.drawn))]
        maps: dict[ImageSize, list[Tensor]] = {}
        sum_of: list[Tensor] = []
        for member in members:
            size = space.size_of(member)
            if size not in maps:
                own = at_size_of(member, images, space, recipe.training.shrink)
                with torch.no_grad(), how.autocast(images.device):
                    maps[size] = feature_maps(teachers[size], own, found[-1][1])
            for first, end in found:
                with how.autocast(images.device):
                    outputs = network.part(maps[size][first], member, first, end).float()
                loss = noise_to_signal(outputs, maps[size][end].float()) / (len(members) * len(found))
                torch.autograd.backward(loss)
                sum_of.append(loss.detach())
        return torch.stack(sum_of).sum()

    return step
