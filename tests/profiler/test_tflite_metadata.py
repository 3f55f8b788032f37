"""What a TFLite file says of itself, as other readers read it, and that it computes what it did before."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.weights import network_random_weights
from edgenas.profiler.export import WRITERS
from edgenas.profiler.export.quantize import Precision, quantized
from edgenas.profiler.export.run import run_model
from edgenas.profiler.export.tflite_metadata import ALIGNMENT_BYTES, NAME, About, read_labels, with_metadata
from edgenas.search.spaces import space
from tests.conftest import ROOT

GOLDEN = ROOT / "tests" / "golden" / "tflite_metadata.json"
#: what GOLDEN was read from
ABOUT = About("tröt", "Sorts screws.", ("bolt", "nut ✓", "washer"), (120.0, 110.5, 100.0), (60.0, 55.0, 50.25))


def model(precision: Precision = "fp32", classes: int = 3) -> bytes:
    chosen = space("nas_bench_macro", 16, classes)
    network = chosen.architecture(chosen.parse("1.1.1.1.1.1.1.1"))
    floats = WRITERS["tflite"](network.blocks, network_random_weights(network.blocks, 0))
    return quantized(floats, precision, np.random.default_rng(0).standard_normal((4, 16, 16, 3), dtype=np.float32))


def buffers(data: bytes) -> tuple[dict[str, bytes], list[int]]:
    """Metadata by name, and where in the file each buffer's data begins."""
    import ai_edge_litert.schema_py_generated as schema

    root = schema.Model.GetRootAs(data)
    named = {}
    for i in range(root.MetadataLength()):
        entry = root.Metadata(i)
        named[entry.Name().decode()] = root.Buffers(entry.Buffer()).DataAsNumpy().tobytes()
    places = []
    for i in range(root.BuffersLength()):
        buffer = root.Buffers(i)
        assert buffer.Offset() <= 1  # nothing lies behind the flatbuffer, where the zip is
        if buffer.DataLength():
            places.append(buffer._tab.Vector(buffer._tab.Offset(4)))
    return named, places


def test_other_readers_read_what_they_read_when_it_was_captured() -> None:
    """The bytes that tflite-support 0.4.4 read as GOLDEN's ``read``; MediaPipe 1.2.2 classified by them, too."""
    golden = json.loads(GOLDEN.read_text())
    named, _ = buffers(with_metadata(model(), ABOUT))
    assert named[NAME].hex() == golden["bytes"]
    (image,) = golden["read"]["subgraph_metadata"][0]["input_tensor_metadata"]
    assert image["content"]["content_properties"]["color_space"] == "RGB"
    assert image["process_units"][0]["options"] == {"mean": [120.0, 110.5, 100.0], "std": [60.0, 55.0, 50.25]}
    (scores,) = golden["read"]["subgraph_metadata"][0]["output_tensor_metadata"]
    assert scores["associated_files"][0]["name"] == "labels.txt"
    assert scores["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"


@pytest.mark.parametrize("precision", ["fp32", "fp16", "int8"])
def test_the_file_computes_what_it_did(precision: Precision) -> None:
    if precision != "fp32":
        pytest.importorskip("ai_edge_quantizer")
    before = model(precision)
    after = with_metadata(before, ABOUT)
    x = np.random.default_rng(1).standard_normal((3, 16, 16, 3), dtype=np.float32)
    assert np.array_equal(run_model(before, x), run_model(after, x))
    assert read_labels(after) == ABOUT.labels
    _, places = buffers(after)
    assert len(places) > 10 and all(place % ALIGNMENT_BYTES == 0 for place in places)


def test_said_again_it_replaces_what_was_said() -> None:
    once = with_metadata(model(), replace(ABOUT, name="another", labels=("a", "b", "c")))
    assert with_metadata(once, ABOUT) == with_metadata(with_metadata(model(), ABOUT), ABOUT)
    assert read_labels(with_metadata(once, ABOUT)) == ABOUT.labels
    named, _ = buffers(with_metadata(once, ABOUT))
    assert list(named) == [NAME] and b"another" not in named[NAME]


def test_what_does_not_fit_is_refused() -> None:
    for about, why in (
        (replace(ABOUT, labels=("a", "b")), "2 labels for a file with 3 classes"),
        (replace(ABOUT, mean=(1.0,)), "1 means and 3 deviations for 3 channels"),
        (replace(ABOUT, labels=("a", "b\nc", "d")), "a line feed"),
    ):
        with pytest.raises(InputError, match=why):
            with_metadata(model(), about)
    chosen = space("nas_bench_macro", 16, 3)
    blocks = chosen.architecture(chosen.parse("1.1.1.1.1.1.1.1")).blocks
    onnx = WRITERS["onnx"](blocks, network_random_weights(blocks, 0))
    with pytest.raises(InputError, match="ONNX"):
        with_metadata(onnx, ABOUT)
    with pytest.raises(InputError, match=r"no labels\.txt"):
        read_labels(model())
