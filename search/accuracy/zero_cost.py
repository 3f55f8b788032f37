"""What is said of a network that was never trained, from one batch: zero-cost proxies.

They are on no scale that means anything, and one that ranks well in a space may fail in the next
(``tools/bench/ranking.py``): good for a place to begin (``edgenas.search.algorithms.warm_start``), never for an
accuracy. Needs torch, and importing this file imports it.

naswot          log determinant of how alike images' ReLU patterns are (Mellor et al., arXiv 2006.04647, eq. 2)
gradient norm   of the loss over all weights (Abdelfattah et al., arXiv 2101.08134, section 3.1)
synflow         how much flows through weights made positive (Tanaka et al., arXiv 2006.05467, eq. 1), its logarithm
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.torch_modules import BlockModule, NetworkModule
from edgenas.training.network import fresh_network, threads

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "ranking networks that are not trained") from error

NOISE_IMAGES = 32  #: of normal noise, where there are no images


def naswot(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    alike = np.zeros((len(images), len(images)))

    def count(module: nn.Module, given: Any, features: Tensor) -> None:
        on = (features.flatten(1) > 0).double()
        alike.__iadd__((on @ on.T + (1 - on) @ (1 - on).T).numpy())

    hooks = [
        block.get_submodule(op.name).register_forward_hook(count)
        for block in network
        if isinstance(block, BlockModule)
        for op in block.ops
        if op.has_weights and op.act in ("relu", "relu6", "hswish")
    ]
    with torch.no_grad():
        network.train()(images)
    for hook in hooks:
        hook.remove()
    return float(np.linalg.slogdet(alike)[1])


def gradient_norm(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    network.train().zero_grad()
    F.cross_entropy(network(images), labels).backward()  # type: ignore[no-untyped-call]
    return float(sum(p.grad.norm() for p in network.parameters() if p.grad is not None and p.ndim > 1))


def synflow(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    network.double().eval().zero_grad()  # batch norm as it begins: nothing
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    network(torch.ones_like(images[:1], dtype=torch.float64)).sum().backward()
    flow = sum(float((p * p.grad).detach().sum()) for p in network.parameters() if p.grad is not None and p.ndim > 1)
    return math.log(flow)


PROXIES: dict[str, Callable[[NetworkModule, Tensor, Tensor], float]] = {
    "naswot": naswot,
    "gradient norm": gradient_norm,
    "synflow": synflow,
}


def on_noise(name: str, architecture: Architecture, seed: int) -> float:
    """What the proxy ``name`` says of fresh weights, given noise instead of images, which it hardly minds: synflow
    looks at no image, and naswot at which features are on."""
    generator = torch.Generator().manual_seed(seed)
    size = (NOISE_IMAGES, architecture.c_in, architecture.in_size, architecture.in_size)
    images = torch.randn(size, generator=generator)
    labels = torch.randint(architecture.c_out, (NOISE_IMAGES,), generator=generator)
    with threads(1), torch.random.fork_rng(devices=[]):
        return PROXIES[name](fresh_network(architecture, seed), images, labels)
