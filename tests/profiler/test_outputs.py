"""Files with several outputs: both formats and all precisions give the feature maps that torch computes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from edgenas.base.errors import OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.features import Backbone, backbone, feature_maps
from edgenas.blocks.reference import reference
from edgenas.blocks.size import Rectangle, axes
from edgenas.blocks.torch_folded import network_of_weights
from edgenas.blocks.torch_modules import predict_maps
from edgenas.blocks.weights import Array, network_random_weights
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.check import Delegation, delegation
from edgenas.profiler.export.outputs import named_outputs, outputs_parity, relative_rms_error
from edgenas.profiler.export.quantize import quantized
from edgenas.profiler.export.run import scales
from tests.support.strategies import architectures

Weights = tuple[dict[str, Array], ...]


def case(kept: Backbone, seed: int = 0) -> tuple[Weights, Array, dict[str, Array]]:
    """Random weights, pictures, and the feature maps that torch computes of them."""
    network = kept.architecture
    weights = network_random_weights(network.blocks, seed)
    shape = (3, *axes(network.in_size), network.c_in)
    x = np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)
    maps = predict_maps(network_of_weights(network, weights), x, list(kept.outputs))
    return weights, x, dict(zip(kept.outputs.values(), maps, strict=True))


@settings(max_examples=40, deadline=None)
@given(architectures(8), st.integers(0, 2**32 - 1), st.data())
def test_any_maps_of_any_chain_are_those_of_torch(network: Architecture, seed: int, data: st.DataObject) -> None:
    strides = data.draw(st.sets(st.sampled_from(sorted(feature_maps(network))), min_size=1))
    kept = backbone(network, strides)
    weights, x, expected = case(kept, seed)
    for write in WRITERS.values():
        model = write(kept.architecture.blocks, weights, outputs=kept.outputs)
        errors = outputs_parity(model, x, expected, kept.architecture.blocks, tolerance=1e-4)
        assert list(errors) == [f"features_{stride}" for stride in sorted(strides)]


def test_a_wrong_map_is_seen() -> None:
    kept = backbone(reference("mobilenet_v3_small", 32, 10), (8, 16))
    weights, x, expected = case(kept)
    for write in WRITERS.values():
        model = write(kept.architecture.blocks, weights, outputs=kept.outputs)
        wrong = expected | {"features_8": expected["features_8"] * np.float32(1.001)}
        with pytest.raises(OutcomeError, match=r"features_8 of the .* file is off by 0.001"):
            outputs_parity(model, x, wrong, kept.architecture.blocks)
        with pytest.raises(OutcomeError, match=r"gives \{.*\}, but \{.*\} was expected"):
            outputs_parity(model, x, {"features_8": expected["features_8"]}, kept.architecture.blocks)
        other = reference("mobilenet_v2", 32, 10).blocks
        with pytest.raises(OutcomeError, match="other operators"):
            outputs_parity(model, x, expected, other)


def test_files_name_their_outputs_and_run_as_one_partition() -> None:
    import onnx
    from ai_edge_litert.interpreter import Interpreter

    kept = backbone(reference("mobilenet_v3_large", Rectangle(64, 48), 10), (8, 16, 32))
    weights, _, expected = case(kept)
    tflite, onnx_file = (write(kept.architecture.blocks, weights, outputs=kept.outputs) for write in WRITERS.values())
    assert delegation(tflite) == Delegation(1, Counter())
    runner = Interpreter(model_content=tflite).get_signature_runner("serving_default")
    assert sorted(runner.get_output_details()) == sorted(expected)
    graph = onnx.load_from_string(onnx_file)
    onnx.checker.check_model(graph, full_check=True)
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.graph.output}
    assert shapes == {"features_8": [1, 40, 6, 8], "features_16": [1, 112, 3, 4], "features_32": [1, 960, 2, 2]}


def test_int8_and_fp16_files_have_the_same_outputs() -> None:
    pytest.importorskip("ai_edge_quantizer")
    kept = backbone(reference("mobilenet_v2", Rectangle(48, 32), 10), (4, 8, 16))
    weights, x, expected = case(kept)
    for fmt, write in WRITERS.items():
        floats = write(kept.architecture.blocks, weights, outputs=kept.outputs)
        for precision, most in (("int8", 0.25), *([("fp16", 0.01)] if fmt == "tflite" else [])):
            model = quantized(floats, precision, x)
            found, known = named_outputs(model, x), scales(model)
            assert list(found) == list(known) == list(expected)
            assert all((scale is not None) == (precision == "int8") for scale in known.values())
            for name, values in expected.items():
                assert 0 < relative_rms_error(found[name], values) < most, (fmt, precision, name)


def test_relative_rms_error_by_hand() -> None:
    one = np.array([3.0, 4.0], np.float32)
    assert relative_rms_error(one, one) == 0 and relative_rms_error(one * 0, one * 0) == 0
    assert relative_rms_error(one * np.float32(1.5), one) == pytest.approx(0.5)
    assert relative_rms_error(one, one * 0) == float("inf")
