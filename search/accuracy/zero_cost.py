"""Zero-cost proxies: numbers that rank untrained networks, computed from one batch.

Proxies have no unit, and a proxy that ranks well in one space may fail in another (``tools/bench/ranking.py``). They
choose the first networks of a search (``edgenas.search.algorithms.warm_start``), and are never used as accuracies. This
module imports torch.

naswot          log determinant of the similarity of images' ReLU patterns (Mellor et al., arXiv 2006.04647, eq. 2)
gradient norm   norm of the gradient of the loss over all weights (Abdelfattah et al., arXiv 2101.08134, section 3.1)
synflow         logarithm of the synaptic flow through absolute weights (Tanaka et al., arXiv 2006.05467, eq. 1)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import axes
from edgenas.blocks.torch_modules import BlockModule, NetworkModule
from edgenas.training.network import fresh_network, threads

try:
    import torch
    from torch import Tensor, nn
    from torch.nn import functional as F
except ImportError as error:
    raise MissingExtraError("torch", "train", "ranking networks that are not trained") from error

NOISE_IMAGES = 32  #: number of images of normal noise


def naswot(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    """Log determinant of the similarity of the images' ReLU patterns (arXiv 2006.04647, eq. 2)."""
    similarity = np.zeros((len(images), len(images)))

    def count(module: nn.Module, inputs: Any, features: Tensor) -> None:
        active = (features.flatten(1) > 0).double()
        similarity.__iadd__((active @ active.T + (1 - active) @ (1 - active).T).numpy())

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
    return float(np.linalg.slogdet(similarity)[1])


def gradient_norm(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    """Sum over layers of the norm of the loss gradient of their weights (arXiv 2101.08134, section 3.1)."""
    network.train().zero_grad()
    torch.autograd.backward(F.cross_entropy(network(images), labels))
    return float(sum(p.grad.norm() for p in network.parameters() if p.grad is not None and p.ndim > 1))


def synflow(network: NetworkModule, images: Tensor, labels: Tensor) -> float:
    """Logarithm of the synaptic flow through absolute weights, for an image of ones (arXiv 2006.05467, eq. 1)."""
    network.double().eval().zero_grad()  # batch norm with its initial statistics is the identity
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
    """Compute the proxy ``name`` for initial weights, with noise instead of images.

    Noise has little effect on the proxies: synflow uses no image, naswot only which features are active.
    """
    generator = torch.Generator().manual_seed(seed)
    shape = (NOISE_IMAGES, architecture.c_in, *axes(architecture.in_size))
    images = torch.randn(shape, generator=generator)
    labels = torch.randint(architecture.c_out, (NOISE_IMAGES,), generator=generator)
    with threads(1), torch.random.fork_rng(devices=[]):
        return PROXIES[name](fresh_network(architecture, seed), images, labels)
