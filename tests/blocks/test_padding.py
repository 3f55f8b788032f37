"""TensorFlow's SAME padding as a property of a block: only where it differs, and computed as TensorFlow does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.padding import same_differs, same_sides
from edgenas.blocks.size import axes, image_size
from edgenas.blocks.spec import BlockSpec
from edgenas.search.space import Option


def test_sides_are_those_of_tensorflow() -> None:
    # tf.nn.convolution, padding="SAME": total = max((ceil(n / s) - 1) * s + k - n, 0), half of it (down) before
    assert same_sides(224, 3, 2) == (0, 1)
    assert same_sides(225, 3, 2) == (1, 1)
    assert same_sides(224, 5, 2) == (1, 2)
    assert same_sides(2, 7, 2) == (2, 3)
    assert same_sides(7, 5, 1) == (2, 2)
    assert same_sides(1, 1, 2) == same_sides(6, 1, 2) == (0, 0)


def test_a_block_has_it_only_where_it_differs() -> None:
    block = BlockSpec.parse("conv-224x3-o32-k3-s2-relu6-same")
    assert block.same and str(block) == "conv-224x3-o32-k3-s2-relu6-same"
    other = replace(block, same=False)
    assert other != block and hash(other) != hash(block) and (other.macs, other.params) == (block.macs, block.params)
    assert BlockSpec.parse("ir-320x239x8-m16-o8-k5-s2-se4-relu-same").same
    for text in ("conv-225x3-o32-k3-s2-same", "sep-224x8-o8-k3-s1-same", "ir-8x4-m8-o4-k1-s2-same", "head-8x4-o3-same"):
        with pytest.raises(InputError, match=r"SAME pads as torch does|head has no same"):
            BlockSpec.parse(text)


def test_a_spaces_option_sets_it_by_the_size() -> None:
    option = Option("k3", "conv", 16, kernel=3, stride=2, act="relu6", same=True)
    assert [option.block(n, 3).same for n in (8, 9, image_size(8, 9), image_size(9, 7))] == [True, False, True, False]
    assert not replace(option, stride=1).block(8, 3).same
    assert not Option("fc", "head", 10, same=True).block(8, 16).same


@pytest.mark.parametrize("size", [(8, 8), (9, 9), (8, 9), (10, 6), (2, 2)])
@pytest.mark.parametrize("kernel", [3, 5, 7])
def test_it_equals_the_network_turned_by_180_degrees(kernel: int, size: tuple[int, int]) -> None:
    """torch's padding of the turned picture by the turned kernel, turned back, is SAME: at stride 2 on an even side,
    torch never reads its last padding, and turning makes that the first."""
    torch = pytest.importorskip("torch")
    from edgenas.blocks.torch_modules import NetworkModule, network_folded_weights, randomize_batch_norm
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.export.check import census, parity

    shape = image_size(*size)
    blocks = [BlockSpec("conv", shape, 3, 0, 8, kernel, 2, act="relu6", same=same_differs(kernel, 2, shape))]
    last = blocks[-1].out_size
    blocks.append(BlockSpec("ir", last, 8, 16, 12, kernel, 2, act="relu6", same=same_differs(kernel, 2, last)))
    network = Architecture("same", tuple(blocks))
    module = NetworkModule(network).eval()
    randomize_batch_norm(module)
    turned = NetworkModule(Architecture("turned", tuple(replace(b, same=False) for b in blocks))).eval()
    turned.load_state_dict({n: v.flip(2, 3) if v.ndim == 4 else v for n, v in module.state_dict().items()})
    x = torch.randn(2, 3, *axes(shape), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        given, expected = module(x), turned(x.flip(2, 3)).flip(2, 3)
    assert float((given - expected).abs().max()) <= 1e-5 * float(expected.abs().max())
    images = np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())
    for write in WRITERS.values():
        model = write(blocks, network_folded_weights(module))
        parity(model, images, np.ascontiguousarray(given.permute(0, 2, 3, 1).numpy()), blocks=blocks)
        assert "PAD" not in census(model)
