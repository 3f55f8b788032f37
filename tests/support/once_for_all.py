"""Members of once-for-all's supernet cut out of its file by the rule of its own code, as tensors by its names.

The rule is that of ``DynamicSeparableConv2d.get_active_filter``, ``DynamicPointConv2d``, ``DynamicSE`` and
``DynamicBatchNorm2d`` in github.com/mit-han-lab/once-for-all (``ofa/imagenet_classification/elastic_nn/modules``).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array

OLD, NEW = ".mobile_inverted_conv.", ".conv."  #: names of a block's part, in the published files and in today's code


def with_old_names(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Return the tensors with the names of the files that its authors published."""
    return {name.replace(NEW, OLD, 1) if name.startswith("blocks.") else name: array for name, array in tensors.items()}


def sub_block(tensors: Mapping[str, Array], number: int, block: BlockSpec) -> dict[str, Array]:
    """Return the tensors of block ``number`` of the file, for kernel and expansion of ``block``, by our names."""
    own = f"blocks.{number}.conv."
    middle = block.c_mid
    filters, kernel = tensors[f"{own}depth_conv.conv.conv.weight"][:middle], 7
    for smaller in (5, 3):
        if block.kernel < kernel:
            start = kernel // 2 - smaller // 2
            cut = filters[:, :, start : start + smaller, start : start + smaller].reshape(middle, 1, -1)
            matrix = tensors[f"{own}depth_conv.conv.{kernel}to{smaller}_matrix"]
            filters = np.einsum("oci,ji->ocj", cut, matrix).reshape(middle, 1, smaller, smaller)  # F.linear
            kernel = smaller
    found = {
        "expand.conv.weight": tensors[f"{own}inverted_bottleneck.conv.conv.weight"][:middle],
        "depthwise.conv.weight": filters,
        "project.conv.weight": tensors[f"{own}point_linear.conv.conv.weight"][:, :middle],
    }
    for name, theirs in (("expand", "inverted_bottleneck"), ("depthwise", "depth_conv"), ("project", "point_linear")):
        for part in ("weight", "bias", "running_mean", "running_var"):
            values = tensors[f"{own}{theirs}.bn.bn.{part}"]
            found[f"{name}.bn.{part}"] = values if name == "project" else values[:middle]
    if block.c_se:
        for name, rows, columns in (("reduce", block.c_se, middle), ("expand", middle, block.c_se)):
            found[f"se_{name}.conv.weight"] = tensors[f"{own}depth_conv.se.fc.{name}.weight"][:rows, :columns]
            found[f"se_{name}.conv.bias"] = tensors[f"{own}depth_conv.se.fc.{name}.bias"][:rows]
    return found
