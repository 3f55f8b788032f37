"""Members of spaces whose accuracy is published, in percent, each with its source.

ImageNet top-1, one crop, of the weights in the paper or in its repository:

    MobileNetV2              72.0     Sandler et al., arXiv 1801.04381, table 4
    MobileNetV3-Large        75.2     Howard et al., arXiv 1905.02244, table 3
    MobileNetV3-Small        67.4     the same
    ProxylessNAS-Mobile      74.6     Cai et al., arXiv 1812.00332, table 2
    Single-Path NAS          74.96    Stamoulis et al., arXiv 1904.02877, table 1
    EfficientNet-Lite0 .. 4  75.1 76.7 77.6 79.8 81.5    github.com/tensorflow/tpu, efficientnet/lite, README

NAS-Bench-Macro: CIFAR-10 test accuracy of its best network, 93.13 (Su et al., arXiv 2103.11922).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedAccuracy:
    """A member of a space: name of the network, top-1 accuracy in percent on ``data``, and where that is written."""

    network: str
    accuracy: float
    source: str
    data: str = "ImageNet"


_V3_LARGE = PublishedAccuracy("MobileNetV3-Large", 75.2, "arXiv 1905.02244, table 3")
_V3_SMALL = PublishedAccuracy("MobileNetV3-Small", 67.4, "arXiv 1905.02244, table 3")
_LITE = (75.1, 76.7, 77.6, 79.8, 81.5)

#: space -> its member with a published accuracy
PUBLISHED_ACCURACY = {
    "mobilenet_v2": PublishedAccuracy("MobileNetV2", 72.0, "arXiv 1801.04381, table 4"),
    "mobilenet_v3_large": _V3_LARGE,
    "mobilenet_v3_large_same": _V3_LARGE,
    "mobilenet_v3_small": _V3_SMALL,
    "mobilenet_v3_small_same": _V3_SMALL,
    "proxylessnas": PublishedAccuracy("ProxylessNAS-Mobile", 74.6, "arXiv 1812.00332, table 2"),
    "single_path": PublishedAccuracy("Single-Path NAS", 74.96, "arXiv 1904.02877, table 1"),
    "nas_bench_macro": PublishedAccuracy("its best network", 93.13, "arXiv 2103.11922", "CIFAR-10"),
    **{
        f"efficientnet_lite{number}": PublishedAccuracy(
            f"EfficientNet-Lite{number}", accuracy, "github.com/tensorflow/tpu, efficientnet/lite"
        )
        for number, accuracy in enumerate(_LITE)
    },
}
