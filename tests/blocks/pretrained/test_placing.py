"""Published tensors in the blocks of a network: every one in its place, and nothing missing or left over."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.placing import Pretrained, read_pretrained
from edgenas.blocks.pretrained.published import PUBLISHED, with_padding
from edgenas.blocks.reference import reference
from edgenas.blocks.weights import Array, check_weights
from tests.support.published_modules import module_of, real_network
from tests.support.published_names import random_tensors, stored_names


def saved(folder: Path, tensors: dict[str, Array], name: str = "weights.npz") -> str:
    np.savez(folder / name, **tensors)
    return str(folder / name)


@pytest.mark.parametrize("name", stored_names())
def test_every_tensor_has_its_place(name: str, tmp_path: Path) -> None:
    tensors = random_tensors(name)
    found = read_pretrained(saved(tmp_path, tensors), name=name)
    assert found.architecture == PUBLISHED[name].network() and found.provenance.name == name
    placed = [array for block in found.tensors for array in block.values()]
    places = sum(array.size for array in placed) - sum(a.size for k, a in tensors.items() if k.endswith("_matrix"))
    hidden_bias = 1280 if name.startswith("once-for-all") else 0  # once-for-all's hidden layer has none: zeros
    matrices = sum(a.size for k, a in tensors.items() if k.endswith("_matrix"))
    assert places + matrices == sum(a.size for a in tensors.values()) - matrices + hidden_bias
    assert sum(turn.size for turn in found.turns.values()) == matrices
    for block, weights in zip(found.architecture.blocks, found.folded(), strict=True):
        check_weights(block, weights)


@pytest.mark.parametrize(
    "name, params",
    [
        ("timm/mobilenetv2_050", 1968680),
        ("timm/mobilenetv2_110d", 4516520),
        ("timm/mobilenetv2_120d", 5831144),
        ("timm/mobilenetv2_140", 6108776),
        ("timm/mnasnet_050", 2218512),
        ("timm/mnasnet_075", 3170208),
        ("timm/mnasnet_140", 7115728),
        ("torchvision/mnasnet1_3", 6282256),
    ],
)
def test_widths_and_depths_have_the_parameters_of_their_modules(name: str, params: int) -> None:
    """Numbers of parameters of the modules of timm 1.0 and torchvision."""
    assert PUBLISHED[name].network().params == params


@pytest.mark.oracle
@pytest.mark.slow
@pytest.mark.parametrize("name", PUBLISHED)
def test_outputs_equal_those_of_the_real_module(name: str, tmp_path: Path) -> None:
    """At 64 pixels, where padding is even, in float64: 1e-5 of the largest output."""
    torch = pytest.importorskip("torch")
    from edgenas.blocks.torch_folded import network_of_weights

    if name.startswith("efficientnet_pytorch"):  # this module's padding is fixed for one size when it is built
        lite = module_of("efficientnet_lite_pytorch").EfficientNet
        real = lite.from_name(name.partition("/")[2], image_size=64).eval()
        from edgenas.blocks.torch_modules import randomize_batch_norm

        randomize_batch_norm(real, 3)
    else:
        real = real_network(name)
    torch.save({"state_dict": real.state_dict()}, tmp_path / "weights.pth")
    network = PUBLISHED[name].network(64)
    found = read_pretrained(str(tmp_path / "weights.pth"), network, name)
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = real.double()(x.double())
        ours = network_of_weights(found.architecture, found.folded()).double()(x.double())
    assert float((ours - expected).abs().max()) <= 1e-5 * float(expected.abs().max())


def test_layouts_that_share_names_need_a_name_or_a_network(tmp_path: Path) -> None:
    tensors = random_tensors("timm/tf_efficientnet_lite0")
    path = saved(tmp_path, tensors)
    with pytest.raises(InputError, match=r"differ in padding or batch norm; say which: --pretrained-as timm/"):
        read_pretrained(path)
    named = read_pretrained(saved(tmp_path, tensors, "tf_efficientnet_lite0-0aa007d2.npz"))
    assert named.provenance.name == "timm/tf_efficientnet_lite0" and named.epsilon == 1e-3
    assert (named.mean, named.deviation) == ((127.5,) * 3, (127.5,) * 3)
    same = reference("efficientnet_lite0", 96)
    assert read_pretrained(path, same).provenance.name == "timm/tf_efficientnet_lite0"
    plain = read_pretrained(path, with_padding(same, False))
    assert (plain.provenance.name, plain.epsilon, plain.mean[0]) == ("timm/efficientnet_lite0", 1e-5, 123.675)


def test_another_padding_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, random_tensors("efficientnet_pytorch/efficientnet-lite0"))
    with pytest.raises(InputError, match=r"trained with TensorFlow's SAME padding, but efficientnet_lite0 pads other"):
        read_pretrained(path, with_padding(reference("efficientnet_lite0"), False))
    odd = reference("efficientnet_lite0", 225)  # where both paddings are the same
    assert not any(block.same for block in odd.blocks)
    assert read_pretrained(path, odd).architecture == odd


@pytest.mark.parametrize("name", stored_names())
def test_files_that_do_not_fit_are_refused(name: str, tmp_path: Path) -> None:
    tensors = random_tensors(name)
    keys = [key for key in tensors if "_matrix" not in key]
    missing = {k: v for k, v in tensors.items() if k != keys[-3]}
    with pytest.raises(InputError, match=r"is missing|does not fit|knows no layout"):
        read_pretrained(saved(tmp_path, missing), name=name)
    middle = keys[len(keys) // 2]
    wrong = {**tensors, middle: np.zeros((3, *tensors[middle].shape), np.float32)}
    with pytest.raises(InputError, match=rf"does not fit.*{middle} is \(3, "):
        read_pretrained(saved(tmp_path, wrong), name=name)
    with pytest.raises(InputError, match=r"no place for 1 of its tensors, such as extra\.weight"):
        read_pretrained(saved(tmp_path, {**tensors, "extra.weight": np.zeros(1, np.float32)}), name=name)
    with pytest.raises(InputError, match="does not fit mobilenet_v3_large"):
        read_pretrained(saved(tmp_path, tensors), reference("mobilenet_v3_large"))


def test_blocks_that_edgenas_lacks_are_named(tmp_path: Path) -> None:
    gates = random_tensors("timm/tf_efficientnet_lite0")
    gates |= {f"blocks.1.0.se.conv_{part}.weight": np.zeros((4, 4, 1, 1), np.float32) for part in ("reduce", "expand")}
    with pytest.raises(InputError, match=r"squeeze-and-excitation with a sigmoid gate, or SiLU"):
        read_pretrained(saved(tmp_path, gates))
    deeper = {key.replace("blocks.6.", "blocks.7."): array for key, array in gates.items()}  # such as mnasnet_small
    deeper |= {key.replace("blocks.5.", "blocks.6."): array for key, array in gates.items() if "blocks.5." in key}
    with pytest.raises(InputError, match=r"does not fit any .*: it has squeeze-and-excitation with a sigmoid gate"):
        read_pretrained(saved(tmp_path, deeper))
    for key, what in (("blocks.0.0.ghost1.primary_conv.0.weight", "ghost"), ("layer1.0.conv1.weight", "MobileNet")):
        with pytest.raises(InputError, match=what):
            read_pretrained(saved(tmp_path, {key: np.zeros(3, np.float32)}))


def test_grey_pictures_sum_the_weights_of_the_stem(tmp_path: Path) -> None:
    path = saved(tmp_path, random_tensors("torchvision/mobilenet_v2"))
    rgb: Pretrained = read_pretrained(path, reference("mobilenet_v2", 64))
    grey = read_pretrained(path, reference("mobilenet_v2", 64, channels=1))
    whole, summed = (found.tensors[0]["conv.conv.weight"] for found in (rgb, grey))
    assert summed.shape == (32, 1, 3, 3)
    np.testing.assert_allclose(summed[:, 0], whole.sum(1), rtol=1e-6, atol=1e-6)
    assert grey.mean == (pytest.approx(114.495),) and len(grey.deviation) == 1


def test_the_number_of_classes_is_that_of_the_file(tmp_path: Path) -> None:
    tensors = random_tensors("torchvision/mobilenet_v3_small")
    tensors |= {"classifier.3.weight": tensors["classifier.3.weight"][:7], "classifier.3.bias": np.zeros(7, np.float32)}
    assert read_pretrained(saved(tmp_path, tensors)).architecture.c_out == 7
    with pytest.raises(InputError, match=r"classifier\.3\.weight is \(7, 1024\)"):
        read_pretrained(saved(tmp_path, tensors), reference("mobilenet_v3_small"))


def test_a_space_whose_channels_differ_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, random_tensors("torchvision/mobilenet_v2"))
    network = reference("mobilenet_v2", 64)
    six = replace(network, blocks=(replace(network.blocks[0], c_in=6), *network.blocks[1:]))
    with pytest.raises(InputError, match=r"features\.0\.0\.weight is \(32, 3, 3, 3\)"):
        read_pretrained(path, six)
