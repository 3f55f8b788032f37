"""int8 and fp16 files: what they compute, the census that proves it, and bad images named."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from edgenas.base.errors import InputError, MissingExtraError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.ops import lower
from edgenas.blocks.reference import mobilenet_v3_small
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import Array, network_random_weights, random_weights
from edgenas.profiler.export import WRITERS, quantize_onnx, quantize_tflite
from edgenas.profiler.export.check import census, delegation
from edgenas.profiler.export.integer import Fallback, fallbacks, float_convolutions, nodes, weight_bits
from edgenas.profiler.export.operator_times import alone
from edgenas.profiler.export.quantize import Precision, quantized, random_activations, table_writer
from edgenas.profiler.export.run import ends, interpreter, run_model
from edgenas.profiler.target import this_machine
from tests.support.strategies import architectures

pytest.importorskip("ai_edge_quantizer")

RELU6 = BlockSpec.parse("ir-14x8-m48-o8-k5-s1-se8-relu6-res")
HSWISH = BlockSpec.parse("ir-14x8-m48-o8-k5-s1-hswish-res")
FORMATS = list(WRITERS)


def written(fmt: str, *blocks: BlockSpec) -> bytes:
    return WRITERS[fmt](blocks, network_random_weights(blocks))


def pictures(block: BlockSpec, seed: int = 7) -> Array:
    return random_activations(block, seed)


def sqnr_db(exact: Array, rough: Array) -> float:
    """Signal over what quantizing took from it, in decibels."""
    return float(10 * np.log10((exact**2).mean() / ((exact - rough) ** 2).mean()))


@pytest.mark.slow
@pytest.mark.parametrize("fmt", FORMATS)
@given(network=architectures(max_blocks=3))
@settings(max_examples=20)
def test_no_convolution_of_any_network_stays_float(fmt: str, network: Architecture) -> None:
    blocks = [b for b in network.blocks if b.kind != "skip"]
    convolutions = sum(op.has_weights for b in blocks for op in lower(b))
    floats = written(fmt, *blocks)
    assert len(float_convolutions(floats)) == convolutions
    small = quantized(floats, "int8", random_activations(blocks[0]))
    assert float_convolutions(small) == []
    assert sum(node.macs for node in nodes(small)) == sum(node.macs for node in nodes(floats))
    assert run_model(small, pictures(blocks[0])).shape == run_model(floats, pictures(blocks[0])).shape


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("block", [RELU6, HSWISH, BlockSpec.parse("head-7x96-m64-o10-hswish")], ids=str)
def test_int8_files_run_and_lose_little(fmt: str, block: BlockSpec) -> None:
    floats = written(fmt, block)
    reduced = this_machine().reduce_range
    small = quantized(floats, "int8", random_activations(block), reduce_range=reduced)
    again = quantized(floats, "int8", random_activations(block), reduce_range=reduced)
    assert small == again, "equal arguments give equal bytes"
    assert weight_bits(small) == (7 if fmt == "onnx" and reduced else 8)
    x = pictures(block)
    assert sqnr_db(run_model(floats, x), run_model(small, x)) > 25
    taken = ends(small)
    stored = "int8" if fmt == "tflite" else "uint8"
    assert taken.source is not None and taken.target is not None
    assert (taken.source.dtype, taken.target.dtype) == (stored, stored)
    seen = random_activations(block)  # others may lie outside of the range that was calibrated, and saturate
    assert taken.source.real(taken.source.stored(seen)) == pytest.approx(seen, abs=0.51 * taken.source.scale)


def test_weights_have_a_scale_a_channel() -> None:
    import onnx

    for fmt in FORMATS:
        small = quantized(written(fmt, RELU6), "int8", random_activations(RELU6))
        if fmt == "onnx":
            arrays = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load_from_string(small).graph.initializer}
            weights = {name: a for name, a in arrays.items() if name.endswith("weight_quantized")}
            assert {a.dtype.name for a in weights.values()} == {"int8"}
            assert all(arrays[n.replace("_quantized", "_scale")].shape == a.shape[:1] for n, a in weights.items())
            assert len(weights) == 5
        else:
            from edgenas.profiler.export.run import interpreter

            tensors = [t for t in interpreter(small).get_tensor_details() if t["name"].endswith(".weight")]
            assert [len(t["quantization_parameters"]["scales"]) for t in tensors] == [48, 48, 8, 48, 8]


def test_a_relu6_block_has_no_fallback_and_an_hswish_block_names_its_own() -> None:
    def found(fmt: str, block: BlockSpec) -> dict[str, int]:
        small = quantized(written(fmt, block), "int8", random_activations(block))
        return {f.kind: f.number for f in fallbacks(small)}

    plain = BlockSpec.parse("ir-14x8-m48-o8-k5-s1-relu6-res")
    assert found("tflite", plain) == found("tflite", RELU6) == found("onnx", plain) == {}
    assert found("tflite", HSWISH) == {"HARD_SWISH": 2}
    assert found("onnx", RELU6) == {"HardSigmoid": 1, "QuantizeLinear": 1, "DequantizeLinear": 1}
    assert found("onnx", HSWISH) == {"HardSigmoid": 2, "Mul": 2, "QuantizeLinear": 2, "DequantizeLinear": 2}


def test_fallbacks_have_one_text() -> None:
    assert Fallback("HARD_SWISH", 3, 0.0525, 0.0, 0.2).text == (
        "3 HARD_SWISH do not run in int8 kernels: 5.2 % of the time, 0.0 % of the MACs, 20.0 % of the values written"
    )


def test_fallbacks_have_shares() -> None:
    block = BlockSpec.parse("conv-8x3-o16-k3-s1-hswish")
    (swish,) = fallbacks(quantized(written("tflite", block), "int8", random_activations(block)))
    assert (swish.kind, swish.macs_share, swish.values_share) == ("HARD_SWISH", 0.0, 0.5)
    assert 0 < swish.time_share <= 1
    found = fallbacks(quantized(written("onnx", block), "int8", random_activations(block)))
    shares = [f.time_share for f in found]
    assert all(share > 0 for share in shares) and sum(shares) < 1
    assert shares == sorted(shares, reverse=True)
    left = fallbacks(written("tflite", block))
    assert {f.kind: f.macs_share for f in left} == {"CONV_2D": 1.0, "HARD_SWISH": 0.0}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_operators_alone_compute_together_what_the_file_does(precision: Precision) -> None:
    block = BlockSpec.parse("conv-8x3-o16-k3-s1-hswish")
    model = quantized(written("tflite", block), precision, random_activations(block))
    x = np.random.default_rng(0).standard_normal((1, 8, 8, 3), dtype=np.float32)
    stored = x if precision == "fp32" else np.rint(x * 30).astype(np.int8)

    def run(file: bytes, given: Any) -> Any:
        runs = interpreter(file)
        runs.set_tensor(runs.get_input_details()[0]["index"], given)
        runs.invoke()
        return runs.get_tensor(runs.get_output_details()[0]["index"])

    chained = stored
    for number in range(len(nodes(model))):
        chained = run(alone(model, number), chained)
    assert len(nodes(model)) == 2
    np.testing.assert_allclose(chained, run(model, stored), rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_census_of_mobilenet_v3_small() -> None:
    network = mobilenet_v3_small(96, 10)
    x = np.random.default_rng(1).standard_normal((4, 96, 96, 3), dtype=np.float32)
    files = {fmt: quantized(written(fmt, *network.blocks), "int8", x) for fmt in FORMATS}
    assert all(float_convolutions(small) == [] for small in files.values())
    (swish,) = fallbacks(files["tflite"])
    assert (swish.kind, swish.number) == ("HARD_SWISH", 19)
    assert swish.values_share == pytest.approx(0.2333, abs=1e-4)
    shared = delegation(files["tflite"])
    assert shared is not None
    assert (shared.partitions, shared.outside) == (20, Counter(HARD_SWISH=19))
    kinds = {f.kind: f.number for f in fallbacks(files["onnx"])}
    assert kinds == {"HardSigmoid": 28, "Mul": 19, "QuantizeLinear": 28, "DequantizeLinear": 28}
    assert {fmt: round(len(small) / 1e6, 1) for fmt, small in files.items()} == {"tflite": 1.8, "onnx": 1.8}
    assert sum(node.macs for node in nodes(files["tflite"])) == sum(node.macs for node in nodes(files["onnx"]))
    assert sum(node.macs for node in nodes(files["tflite"])) == network.macs


def test_a_float_convolution_that_is_left_is_found_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    floats, x = written("tflite", RELU6), random_activations(RELU6)
    modules = quantize_tflite.tools()
    manager = modules.recipe_manager.RecipeManager()
    manager.add_static_config(".*", "*", activation_num_bits=8, weight_num_bits=8)
    manager.add_quantization_config(
        ".*project.*", "*", algorithm_key=modules.algorithm_manager.AlgorithmName.NO_QUANTIZE
    )
    left = quantize_tflite._quantize(modules, floats, manager, quantize_tflite.ranges(floats, x))
    assert float_convolutions(left) == ["0.project"]
    assert {f.kind for f in fallbacks(left)} >= {"CONV_2D"}
    monkeypatch.setattr(quantize_tflite, "to_int8", lambda model, images: left)
    with pytest.raises(OutcomeError, match=r"left 1 convolutions in float, such as 0\.project"):
        quantized(floats, "int8", x)

    import onnx

    graph = onnx.load_from_string(quantized(written("onnx", RELU6), "int8", x))
    conv = next(node for node in graph.graph.node if node.output[0] == "0.project")
    source = next(node for node in graph.graph.node if node.output[0] == conv.input[0])
    conv.input[0] = next(n.input[0] for n in graph.graph.node if n.output[0] == source.input[0])  # past Q and DQ
    assert float_convolutions(graph.SerializeToString()) == ["0.project"]


def test_half_weights_take_half_the_bytes_and_stay_in_one_partition() -> None:
    block = BlockSpec.parse("ir-14x40-m120-o40-k5-s1-se32-hswish-res")
    floats = written("tflite", block)
    half = quantized(floats, "fp16")
    assert len(half) < 0.6 * len(floats)
    shared = delegation(half)
    assert shared is not None
    assert (shared.partitions, shared.outside) == (1, Counter())
    assert census(half)["DEQUANTIZE"] == 5, "weights; biases stay float32"
    assert sqnr_db(run_model(floats, pictures(block)), run_model(half, pictures(block))) > 55
    with pytest.raises(InputError, match="fp16 weights are written for TFLite only"):
        quantized(written("onnx", block), "fp16")


@pytest.mark.parametrize("fmt", FORMATS)
def test_bad_calibration_images_are_named(fmt: str) -> None:
    floats, x = written(fmt, RELU6), random_activations(RELU6)
    with pytest.raises(InputError, match="int8 needs calibration images"):
        quantized(floats, "int8")
    for bad in (x[:0], x[:, 1:], x[..., 1:], x[0], x.astype(np.float64)):
        with pytest.raises(InputError, match=r"calibration images are .*; the model takes float32 \(n, 14, 14, 8\)"):
            quantized(floats, "int8", bad)  # type: ignore[arg-type]  # that it is refused is the point
    for value in (np.nan, np.inf):
        spoiled = x.copy()
        spoiled[3, 0, 0, 0] = value
        with pytest.raises(InputError, match=r"1 of 8 calibration images .* not finite, the first is number 3"):
            quantized(floats, "int8", spoiled)
    with pytest.raises(InputError, match="precision 'int4' is not one of fp32, fp16, int8"):
        quantized(floats, "int4", x)  # type: ignore[arg-type]


def test_the_extra_that_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(MissingExtraError, match=r"edgenas\[int8\]"):
        quantized(written("tflite", RELU6), "int8", random_activations(RELU6))


def test_blocks_are_written_for_tables_in_both_precisions(monkeypatch: pytest.MonkeyPatch) -> None:
    weights = [random_weights(RELU6)]
    assert table_writer("onnx", "fp32") is WRITERS["onnx"]
    write = table_writer("onnx", "int8")
    assert float_convolutions(write([RELU6], weights)) == []
    monkeypatch.setattr(quantize_onnx, "to_int8", lambda *args: pytest.fail("quantized twice"))
    assert float_convolutions(write([RELU6], weights)) == [], "each process of a campaign wants the same file"
    with pytest.raises(InputError, match="blocks are not measured in 'fp16'; the precisions of tables are fp32, int8"):
        table_writer("tflite", "fp16")


@pytest.mark.slow
def test_quantizing_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    network = mobilenet_v3_small(32, 10)  # more than 100 tensors, for which the quantizer shows progress bars
    for fmt in FORMATS:
        quantized(written(fmt, *network.blocks), "int8", np.ones((1, 32, 32, 3), np.float32))
    assert capfd.readouterr() == ("", "")
