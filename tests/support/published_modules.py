"""The real modules of torchvision, timm, once-for-all and efficientnet_lite_pytorch, with random weights.

torchvision's compiled operators (of detection) fit one version of torch each; classification needs none of them, so
their registration is left out where they are missing.
"""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable
from typing import Any

import pytest


def module_of(name: str, *path: str) -> Any:
    """Return the module ``name``; the test skips where it, or one of the packages that it needs, is not installed."""
    torch = pytest.importorskip("torch")
    real = torch.library.register_fake

    def register(operator: Any, *given: Any, **named: Any) -> Any:
        if str(operator).startswith("torchvision::"):
            return lambda function: function
        return real(operator, *given, **named)

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(torch.library, "register_fake", register)
        try:
            return importlib.import_module(name)
        except (ImportError, RuntimeError) as error:
            pytest.skip(f"could not import {name!r}, which comparisons need: {error}")


def real_network(name: str) -> Any:
    """Return the torch module of 'LAYOUT/MODEL', in evaluation mode, with random weights and statistics."""
    from edgenas.blocks.torch_modules import randomize_batch_norm

    layout, _, model = name.partition("/")
    builders: dict[str, Callable[[], Any]] = {
        "torchvision": lambda: getattr(module_of("torchvision.models"), model)(weights=None),
        "timm": lambda: module_of("timm").create_model(model, pretrained=False),
        "efficientnet_pytorch": lambda: module_of("efficientnet_lite_pytorch").EfficientNet.from_name(model),
        "once-for-all": lambda: module_of("ofa.imagenet_classification.elastic_nn.networks").OFAMobileNetV3(
            width_mult=float(model.rpartition("w")[2]),
            ks_list=[3, 5, 7],
            expand_ratio_list=[3, 4, 6],
            depth_list=[2, 3, 4],
        ),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = builders[layout]().eval()
    randomize_batch_norm(module, 3)
    return module
