"""Published networks as reference points, each with the accuracy in its paper, on the data set of that paper.

ImageNet top-1 in percent, one crop of 224 pixels, 1,000 classes:

    MobileNetV2            72.0    Sandler et al., arXiv 1801.04381, table 4
    MobileNetV3-Large      75.2    Howard et al., arXiv 1905.02244, table 3
    MobileNetV3-Small      67.4    the same
    MnasNet                74.0    Tan et al., arXiv 1807.11626v1, table 1; the network without squeeze-and-excitation
    ProxylessNAS-Mobile    74.6    Cai et al., arXiv 1812.00332, table 2
    FBNet-C                74.9    Wu et al., arXiv 1812.03443, table 3 and figure 4

MobileNetV1 (arXiv 1704.04861) has an activation after its pointwise convolutions, MnasNet-A1 sigmoid gates as wide as
an input: neither is a chain of blocks that edgenas measures, so no sum of blocks is its latency.

NAS-Bench-Macro (Su et al., arXiv 2103.11922), CIFAR-10 test accuracy, the mean of three trainings in the published
table: its best network, 22212220 there, at 93.13.

No reference is drawn for a search on other data: the accuracy of a network there is not known before training it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgenas.blocks.architecture import Architecture
from edgenas.report.series import Series
from edgenas.runs.search import SavedSearch
from edgenas.search.space import Layer, Option, Space

IMAGENET = "imagenet_top1"  #: a judge, package.module:function, gives ImageNet top-1 if its function has this name
SIZE, CLASSES = 224, 1000


@dataclass(frozen=True, slots=True)
class Reference:
    """A published network: ``accuracy`` in percent by ``source``; ``costs`` by series, None where a table lacks its
    blocks."""

    name: str
    accuracy: float
    source: str
    costs: tuple[float | None, ...]


#: name -> accuracy, source, network
_Published = tuple[str, float, str, Callable[[], Architecture]]


def drawn(search: SavedSearch, series: Sequence[Series]) -> tuple[tuple[Reference, ...], str]:
    """Return the reference networks of a search, and the reason if there are none, else ''."""
    published = _of(search)
    if not published:
        return (), "No published network is drawn: their accuracy on these data is not known."
    found = []
    for name, accuracy, source, build in published:
        network = build()
        costs = tuple(s.total_ms(network) for s in series) if series else (_counted(search.unit, network),)
        if any(cost is not None for cost in costs):
            found.append(Reference(name, accuracy, source, costs))
    why = "No published network is drawn: no table holds all blocks of one."
    return tuple(found), "" if found else why


def _of(search: SavedSearch) -> Sequence[_Published]:
    judge, classes = search.accuracy, search.space.classes
    if judge.startswith("callable:") and judge.rpartition(":")[2] == IMAGENET and classes in (None, CLASSES):
        return _imagenet()
    if judge.startswith("nas-bench-macro-") and search.space.in_size in (None, 32):
        return (("best of NAS-Bench-Macro", 93.13, "arXiv 2103.11922", _macro_best),)
    return ()


def _counted(unit: str, network: Architecture) -> float | None:
    return {"MACs": float(network.macs), "params": float(network.params)}.get(unit)


def _imagenet() -> Sequence[_Published]:
    from edgenas.blocks.reference import REFERENCE

    return (
        ("MobileNetV2", 72.0, "arXiv 1801.04381, table 4", REFERENCE["mobilenet_v2"]),
        ("MobileNetV3-Large", 75.2, "arXiv 1905.02244, table 3", REFERENCE["mobilenet_v3_large"]),
        ("MobileNetV3-Small", 67.4, "arXiv 1905.02244, table 3", REFERENCE["mobilenet_v3_small"]),
        ("MnasNet", 74.0, "arXiv 1807.11626v1, table 1", mnasnet),
        ("ProxylessNAS-Mobile", 74.6, "arXiv 1812.00332, table 2", proxylessnas_mobile),
        ("FBNet-C", 74.9, "arXiv 1812.03443, table 3", fbnet_c),
    )


def _macro_best() -> Architecture:
    from edgenas.search.spaces.nas_bench_macro import nas_bench_macro

    space = nas_bench_macro()
    return space.architecture(space.parse("2.2.2.1.2.2.2.0"))


def proxylessnas_mobile() -> Architecture:
    """Return ProxylessNAS-Mobile, the published member of its space."""
    from edgenas.search.spaces.proxylessnas import PROXYLESSNAS_MOBILE, proxylessnas

    space = proxylessnas(SIZE, CLASSES)
    return space.architecture((0, 0, *PROXYLESSNAS_MOBILE, 0, 0))


def mnasnet() -> Architecture:
    """Return MnasNet (figure 7, arXiv 1807.11626v1). Rows are stages: width, layers, kernel, expansion, stride."""
    stages = (
        (24, 3, 3, 3, 2),
        (40, 3, 5, 3, 2),
        (80, 3, 5, 6, 2),
        (96, 2, 3, 6, 1),
        (192, 4, 5, 6, 2),
        (320, 1, 3, 6, 1),
    )
    layers = [_conv(32, 3, 2), Layer("first", (Option("only", "sep", 16, kernel=3, act="relu"),))]
    for c_out, repeats, kernel, expand, stride in stages:
        layers += [_ir(c_out, kernel, expand, stride if i == 0 else 1) for i in range(repeats)]
    return _built("mnasnet", [*layers, _conv(1280, 1, 1)])


def fbnet_c() -> Architecture:
    """Return FBNet-C (figure 4 of arXiv 1812.03443; it skips one layer). Rows are layers: output width, kernel,
    expansion, stride."""
    rows = (
        (16, 3, 1, 1),
        (24, 3, 6, 2), (24, 3, 1, 1), (24, 3, 1, 1),
        (32, 5, 6, 2), (32, 5, 3, 1), (32, 5, 6, 1), (32, 3, 6, 1),
        (64, 5, 6, 2), (64, 5, 3, 1), (64, 5, 6, 1), (64, 5, 6, 1),
        (112, 5, 6, 1), (112, 5, 6, 1), (112, 5, 6, 1), (112, 5, 3, 1),
        (184, 5, 6, 2), (184, 5, 6, 1), (184, 5, 6, 1), (184, 5, 6, 1),
        (352, 3, 6, 1),
    )  # fmt: skip
    layers = [_conv(16, 3, 2), *(_ir(*row) for row in rows), _conv(1984, 1, 1)]
    return _built("fbnet_c", layers)


def _conv(c_out: int, kernel: int, stride: int) -> Layer:
    return Layer("fixed", (Option("only", "conv", c_out, kernel, stride, act="relu"),))


def _ir(c_out: int, kernel: int, expand: float, stride: int) -> Layer:
    return Layer("fixed", (Option("only", "ir", c_out, kernel, stride, expand, act="relu"),))


def _built(name: str, layers: Sequence[Layer]) -> Architecture:
    space = Space(name, SIZE, (*layers, Layer("head", (Option("fc", "head", CLASSES),))))
    return Architecture(name, space.architecture((0,) * len(space.layers)).blocks)
