"""The ProxylessNAS mobile space: 21 inverted residuals, 15 of which may be left out; 6^6 x 7^15 networks.

Source: Cai et al., arXiv 1812.00332, section 4.1: kernel {3, 5, 7} x expansion {3, 6}, and a skip ("zero") on the
layers that have a residual. Widths are those of the published ProxylessNAS-Mobile (first stage 32), as TuNAS (arXiv
2008.06120) lists them; the first separable block is fixed at kernel 3. ``PROXYLESSNAS_MOBILE`` is that network.
"""

from __future__ import annotations

from edgenas.blocks.reference import make_divisible
from edgenas.blocks.size import ImageSize
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces.parameters import check_width, named

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 6)

# output width, layers, stride of the first
STAGES = (
    (32, 4, 2),  # 56
    (40, 4, 2),  # 28
    (80, 4, 2),  # 14
    (96, 4, 1),  # 14
    (192, 4, 2),  # 7
    (320, 1, 1),  # 7
)
SKIP = Option("skip", "skip")
#: ProxylessNAS-Mobile, 320M MACs (arXiv 1812.00332, table 2): the option of each of the 21 layers, from TuNAS's
#: mobile_model_archive.py
PROXYLESSNAS_MOBILE = (1, 0, 6, 6, 2, 0, 1, 1, 5, 1, 1, 1, 4, 1, 1, 1, 5, 5, 2, 2, 5)


def proxylessnas(in_size: ImageSize = 224, classes: int = 1000, width: float = 1.0) -> Space:
    """Return the space for images of ``in_size`` pixels at width multiplier ``width``: 1.3 in the
    once-for-all network of this space (arXiv 1908.09791, published code); sizes in comments are for 224."""
    check_width(width)
    c_stem, c_first, c_last = (make_divisible(c * width) for c in (32, 16, 1280))
    layers = [
        Layer("stem", (Option("k3", "conv", c_stem, kernel=3, stride=2, act="relu6"),)),  # 112
        Layer("first", (Option("k3", "sep", c_first, kernel=3, act="relu6"),)),  # 112
    ]
    for number, (c_out, repeats, stride) in enumerate(STAGES, start=1):
        for i in range(repeats):
            options = _options(make_divisible(c_out * width), stride if i == 0 else 1)
            layers.append(Layer(f"stage{number}.{i + 1}", options if i == 0 else (*options, SKIP)))
    layers.append(Layer("last", (Option("k1", "conv", max(c_last, 1280), act="relu6"),)))
    layers.append(Layer("head", (Option("fc", "head", classes),)))
    name = named("proxylessnas", proxylessnas, {"width": width})
    return Space(name, in_size, tuple(layers), source="arXiv 1812.00332, section 4.1")


def _options(c_out: int, stride: int) -> tuple[Option, ...]:
    return tuple(
        Option(f"k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, act="relu6")
        for expand in EXPANSIONS
        for kernel in KERNELS
    )
