"""NAS-Bench-Macro: 8 layers x 3 options on CIFAR-10, 6,561 networks whose accuracies are published.

Source: Su et al., arXiv 2103.11922, appendix; github.com/xiusu/NAS-Bench-Macro, ``train/model.py``. Parameters and MACs
(published as "flops") of every member agree exactly. A member's published name is the option of its 8 layers:
0 identity (a 1x1 convolution without activation where the shape changes), 1 MB3 k3, 2 MB6 k5.
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.parameters import named

STEM_WIDTH, LAST_WIDTH = 32, 1280
STAGES = (2, 3, 3)  #: layers of each stage; the first has stride 2 and doubles the width


def nas_bench_macro(in_size: ImageSize = 32, classes: int = 10, divided: int = 1) -> Space:
    """Return the space for images of ``in_size`` pixels; the published accuracies are for 32 pixels and
    10 classes. ``divided`` (a divisor of 32) divides the width of every layer, for networks that are cheaper to
    train."""
    if divided < 1 or STEM_WIDTH % divided:
        raise InputError(f"divided={divided} must divide the {STEM_WIDTH} channels of the stem")
    width = STEM_WIDTH // divided
    layers = [Layer("stem", (Option("k3", "conv", width, kernel=3, act="relu"),))]  # 32
    for number, repeats in enumerate(STAGES, start=1):
        width *= 2
        for i in range(repeats):
            layers.append(Layer(f"stage{number}.{i + 1}", _options(width, first=i == 0)))  # 16, 8, 4
    layers.append(Layer("last", (Option("k1", "conv", LAST_WIDTH // divided, act="relu"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    name = named("nas_bench_macro", nas_bench_macro, {"divided": divided})
    return Space(name, in_size, tuple(layers), source="arXiv 2103.11922")


def _options(c_out: int, first: bool) -> tuple[Option, ...]:
    stride = 2 if first else 1
    return (
        Option("identity", "conv", c_out, stride=2) if first else Option("identity", "skip"),
        Option("mb3k3", "ir", c_out, 3, stride, 3, act="relu"),
        Option("mb6k5", "ir", c_out, 5, stride, 6, act="relu"),
    )
