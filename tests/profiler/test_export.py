"""The direct writers: what they write computes what the torch module computes, with exactly the operators expected."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
import torch

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import REFERENCE, mobilenet_v3_small, reference
from edgenas.blocks.size import axes, parse_size
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.blocks.torch_modules import NetworkModule, network_folded_weights, randomize_batch_norm
from edgenas.blocks.weights import Array, Weights, network_random_weights, random_weights
from edgenas.profiler.export import WRITERS, write_onnx, write_tflite
from edgenas.profiler.export.check import TOLERANCE, Delegation, census, delegation, parity
from tests.support.strategies import architectures, block_specs

BLOCK = BlockSpec.parse("ir-9x4-m12-o6-k5-s2-se4-hswish")


@dataclass(frozen=True)
class Case:
    """A network with random weights, pictures (n, H, W, C) and what torch makes of them, NHWC or (n, classes).

    ``cancelled`` is the largest value inside a block over the largest that leaves it, for the worst block. Where it is
    large, what leaves is the difference of much larger numbers, and its relative error tells of float32's rounding of
    those, whoever computes it.
    """

    network: Architecture
    weights: tuple[dict[str, Array], ...]
    x: Array
    expected: Array
    cancelled: float

    @property
    def tolerance(self) -> float:
        """1e-5 of what leaves, or where a block cancels more than 20-fold (some 2 % of drawn ones), 1e-5 of a
        twentieth of what is inside."""
        return TOLERANCE * max(1.0, self.cancelled / 20)


def make_case(network: Architecture, seed: int, scale: float = 1.0) -> Case:
    torch.manual_seed(seed)
    module = NetworkModule(network).eval()
    randomize_batch_norm(module, seed)
    inside: dict[int, float] = {}

    def watch(block: int) -> Callable[[torch.nn.Module, Any, torch.Tensor], None]:
        def note(_layer: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> None:
            inside[block] = max(inside.get(block, 0.0), float(output.abs().max()))

        return note

    for block, child in enumerate(module):
        for layer in child.modules():
            layer.register_forward_hook(watch(block))
    x = scale * torch.randn(4, network.c_in, *axes(network.in_size))
    y, cancelled = x, 1.0
    with torch.no_grad():
        for block, child in enumerate(module):
            y = child(y)
            leaves = float(y.abs().max())
            cancelled = max(cancelled, inside[block] / leaves if leaves else 1.0)
    expected = nhwc(y) if y.ndim == 4 else y.numpy()
    return Case(network, network_folded_weights(module), nhwc(x), expected, cancelled)


def nhwc(x: torch.Tensor) -> Array:
    return np.ascontiguousarray(x.permute(0, 2, 3, 1).numpy())


def check_both_formats(case: Case) -> None:
    blocks = case.network.blocks
    tflite = write_tflite(blocks, case.weights)
    parity(tflite, case.x, case.expected, blocks=blocks, tolerance=case.tolerance)
    assert not {"TRANSPOSE", "RESHAPE"} & set(census(tflite))
    assert delegation(tflite) == Delegation(1, Counter())

    onnx_bytes = write_onnx(blocks, case.weights)
    parity(onnx_bytes, case.x, case.expected, blocks=blocks, tolerance=case.tolerance)
    check_onnx(onnx_bytes)


def check_onnx(model: bytes) -> None:
    import onnx

    proto = onnx.load_from_string(model)
    onnx.checker.check_model(proto, full_check=True)
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 17)]
    assert (proto.ir_version, proto.producer_name) == (8, "edgenas")


@pytest.mark.slow
@settings(max_examples=250, deadline=None)
@given(block_specs(), st.integers(0, 2**32 - 1), st.sampled_from((0.1, 1.0, 10.0)))
def test_any_block_computes_what_torch_computes(block: BlockSpec, seed: int, scale: float) -> None:
    case = make_case(Architecture("block", (block,)), seed, scale)
    check_both_formats(case)


@settings(max_examples=50, deadline=None)
@given(architectures(), st.integers(0, 2**32 - 1))
def test_any_chain_computes_what_torch_computes(network: Architecture, seed: int) -> None:
    case = make_case(network, seed)
    check_both_formats(case)


@pytest.mark.parametrize(
    ("name", "size"), [(name, size) for name in REFERENCE for size in ("32", "64", "64x48", "33x64", "49x10")]
)
def test_published_networks_compute_what_torch_computes(name: str, size: str) -> None:
    network = reference(name, parse_size(size), classes=10, channels=1 if size == "49x10" else 3)
    check_both_formats(make_case(network, seed=int(size[:2])))


def padding_cases() -> list[str]:
    """Every way to pad: kernel, stride and parity of the size, also kernels larger than the picture."""
    sizes = (1, 2, 3, 4, 7, 8, "7x8", "8x7", "7x3", "8x4", "1x8", "8x1", "1x2")
    return [f"conv-{n}x3-o4-k{k}-s{s}" for k in (1, 3, 5, 7) for s in (1, 2) for n in sizes]


@pytest.mark.parametrize("text", padding_cases())
def test_padding(text: str) -> None:
    block = BlockSpec.parse(text)
    check_both_formats(make_case(Architecture(text, (block,)), seed=1))
    even = any(side % 2 == 0 for side in axes(block.in_size))
    pads = int(block.stride == 2 and even and block.kernel > 1)
    assert census(write_tflite([block], [random_weights(block)]))["PAD"] == pads


def test_skips_leave_nothing_behind() -> None:
    weights = random_weights(BLOCK)
    padded = [skip(9, 4), BLOCK, skip(5, 6)]
    for write in WRITERS.values():
        assert census(write(padded, [{}, weights, {}])) == census(write([BLOCK], [weights]))


def test_names_and_shapes_of_input_and_output() -> None:
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    network = mobilenet_v3_small(32, classes=7)
    weights = network_random_weights(network.blocks)
    interpreter = Interpreter(model_content=write_tflite(network.blocks, weights))
    [source], [target] = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["name"], source["shape"].tolist(), source["dtype"]) == ("input", [1, 32, 32, 3], np.float32)
    assert (target["name"], target["shape"].tolist(), target["dtype"]) == ("output", [1, 7], np.float32)
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["input"], "outputs": ["output"]}}
    names = [t["name"] for t in interpreter.get_tensor_details()]
    assert len(set(names)) == len(names) and all(names) and "3.project.weight" in names

    graph = onnx.load_from_string(write_onnx(network.blocks, weights, name="small")).graph
    assert graph.name == "small"
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in (*graph.input, *graph.output)}
    assert shapes == {"input": [1, 3, 32, 32], "output": [1, 7]}
    assert "3.project.weight" in {i.name for i in graph.initializer}
    assert all(i.raw_data for i in graph.initializer)


def test_tflite_container() -> None:
    """Identifier, versions, both places an old and a new runtime look for an operator, and aligned buffers."""
    import ai_edge_litert.schema_py_generated as schema

    model = write_tflite([BLOCK], [random_weights(BLOCK)], name="block")
    assert model[4:8] == b"TFL3"
    root = schema.Model.GetRootAs(model)
    assert (root.Version(), root.Description(), root.SubgraphsLength()) == (3, b"edgenas", 1)
    assert root.Subgraphs(0).Name() == b"block"
    for i in range(root.OperatorCodesLength()):
        code = root.OperatorCodes(i)
        assert code.BuiltinCode() == code.DeprecatedBuiltinCode() and code.Version() == 1
    start = np.frombuffer(model, np.uint8).ctypes.data
    offsets = [root.Buffers(i).DataAsNumpy().ctypes.data - start for i in range(1, root.BuffersLength())]
    assert root.Buffers(0).DataLength() == 0
    assert len(offsets) == 11 and not any(offset % 16 for offset in offsets)


DIGEST = """
import hashlib
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.profiler.export import WRITERS
block = BlockSpec.parse({block!r})
print([hashlib.sha256(write([block], [random_weights(block)])).hexdigest() for write in WRITERS.values()])
"""


def test_equal_arguments_give_equal_bytes_in_any_process() -> None:
    weights = random_weights(BLOCK)
    here = [hashlib.sha256(write([BLOCK], [weights])).hexdigest() for write in WRITERS.values()]
    reordered = dict(sorted(weights.items(), reverse=True))
    assert here == [hashlib.sha256(write((BLOCK,), (reordered,))).hexdigest() for write in WRITERS.values()]
    done = subprocess.run(
        [sys.executable, "-c", DIGEST.format(block=str(BLOCK))],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    )
    assert done.stdout.strip() == str(here)


def test_order_of_weights_in_memory_does_not_matter() -> None:
    weights = random_weights(BLOCK)
    fortran = {name: np.asfortranarray(array) for name, array in weights.items()}
    for write in WRITERS.values():
        assert write([BLOCK], [fortran]) == write([BLOCK], [weights])


def wrong_shape(weights: Weights) -> dict[str, Array]:
    return {**weights, "project.weight": weights["project.weight"][:, 1:]}


@pytest.mark.parametrize("fmt", WRITERS)
def test_bad_arguments_are_refused(fmt: str) -> None:
    write, weights = WRITERS[fmt], random_weights(BLOCK)
    missing = {name: array for name, array in weights.items() if name != "expand.bias"}
    double = {**weights, "expand.bias": weights["expand.bias"].astype(np.float64)}
    cases: list[tuple[Sequence[BlockSpec], Sequence[Weights], str]] = [
        ([BLOCK], [missing], "expand.bias missing"),
        ([BLOCK], [{**weights, "extra.bias": weights["expand.bias"]}], "extra.bias"),
        ([BLOCK], [wrong_shape(weights)], r"project.weight is float32\(6, 11, 1, 1\)"),
        ([BLOCK], [double], "expand.bias is float64"),  # type: ignore[list-item]  # that it is refused is the point
        ([BLOCK], [weights, weights], "has 1 blocks, but weights for 2"),
        ([BLOCK, BLOCK], [weights, weights], "gives 5x6, but block 1"),
        ([skip(9, 4)], [{}], "computes nothing"),
        ([], [], "has no blocks"),
    ]
    for blocks, arrays, message in cases:
        with pytest.raises(InputError, match=message):
            write(blocks, arrays)


def test_writers_are_found_without_importing_what_they_need() -> None:
    code = (
        "import sys, edgenas.profiler.export, edgenas.profiler.export.check; "
        "print({'onnx', 'flatbuffers', 'ai_edge_litert', 'onnxruntime', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
