"""Metadata of TFLite files for the programs that run them: labels, colour space, and normalization of the input.

    model = with_metadata(model, About('my-net', 'sorts screws', ('bolt', 'nut'), (127.5,) * 3, (127.5,) * 3))

Schema: tensorflow_lite_support/metadata/metadata_schema.fbs, version 1.0.0, which MediaPipe's tasks and Android Studio
read: a flatbuffer in the file's buffer TFLITE_METADATA, and ``labels.txt`` in a zip behind the file. Operators, weights
and their alignment do not change: the file's outputs and times are the same with metadata and without.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.labels import class_name, labels_text, parse_labels
from edgenas.profiler.export.run import ends, model_format
from edgenas.profiler.export.tflite_pack import ALIGNMENT_BYTES, IDENTIFIER

NAME = "TFLITE_METADATA"  #: name of the buffer in the model's list of metadata
IDENTIFIER_OF_METADATA = b"M001"
PARSER = "1.0.0"  #: lowest version of a parser that can read the metadata
LABELS = "labels.txt"
_ZIPPED = (1980, 1, 1, 0, 0, 0)  #: fixed time in the zip, so that equal models give equal bytes

#: enums of the schema
_TENSOR_AXIS_LABELS = 2
_UNKNOWN, _COLOURS = 0, {3: 1, 1: 2}  # RGB, grey
_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2
_NORMALIZATION_OPTIONS = 1


@dataclass(frozen=True, slots=True)
class About:
    """Description of a model: ``labels`` name the classes in order; a pixel's level, 0 .. 255, is normalized to
    (level - mean) / deviation, with one mean and one deviation per channel."""

    name: str
    description: str
    labels: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def with_metadata(model: bytes, about: About) -> bytes:
    """Return the TFLite file ``model`` with the metadata ``about``, which replaces any earlier metadata.

    InputError for a file of another format, and where the numbers of labels or channels differ from the file's.
    """
    if model_format(model) != "tflite":
        raise InputError("metadata is for TFLite files; ONNX files have none that runtimes read")
    height, width, channels = ends(model).shape
    if {len(about.mean), len(about.deviation)} != {channels}:
        raise InputError(
            f"{len(about.mean)} means and {len(about.deviation)} deviations for {counted(channels, 'channel')}"
        )
    for label in about.labels:
        class_name(label, "TFLite metadata")
    import ai_edge_litert.schema_py_generated as schema

    root = schema.ModelT.InitFromPackedBuf(model)
    classes = int(root.subgraphs[0].tensors[root.subgraphs[0].outputs[0]].shape[-1])
    if len(about.labels) != classes:
        raise InputError(f"{len(about.labels)} labels for a file with {counted(classes, 'class')}")
    root.metadata = root.metadata or []
    entry = next((entry for entry in root.metadata if entry.name == NAME.encode()), None)
    if entry is None:
        entry = schema.MetadataT()
        entry.name, entry.buffer = NAME, len(root.buffers)
        root.buffers.append(schema.BufferT())
        root.metadata.append(entry)
    _bring_in(root, model)
    root.buffers[entry.buffer].data = np.frombuffer(_packed(about, height == width), np.uint8)
    return _packed_model(root) + _zip({LABELS: labels_text(about.labels)})


def read_labels(model: bytes) -> tuple[str, ...]:
    """Return the labels that are packed into a file; InputError where there are none."""
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as packed:
            return parse_labels(packed.read(LABELS), LABELS)
    except (zipfile.BadZipFile, KeyError) as error:
        raise InputError(f"the model has no {LABELS} in it: {error}") from error


def _bring_in(root: Any, model: bytes) -> None:
    """Move weights from behind the flatbuffer, where the quantizer puts them, into it; the zip is appended there."""
    for buffer in root.buffers:
        if buffer.offset > 1:  # 0 and 1 mean none, as the schema says
            buffer.data = np.frombuffer(model, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def _packed_model(root: Any) -> bytes:
    """Pack a model with every buffer aligned to ALIGNMENT_BYTES, which kernels require and the object API does not
    give."""
    import ai_edge_litert.schema_py_generated as schema
    import flatbuffers

    class Aligned(schema.BufferT):  # type: ignore[misc]  # the package has no types
        def Pack(self, builder: Any) -> int:  # noqa: N802  # the name in the base class
            vector = 0
            if self.data is not None and len(self.data):
                builder.Prep(ALIGNMENT_BYTES, len(self.data))
                vector = builder.CreateNumpyVector(self.data)
            schema.BufferStart(builder)
            if vector:
                schema.BufferAddData(builder, vector)
            return int(schema.BufferEnd(builder))

    constants_bytes = 0
    for buffer in root.buffers:
        constants_bytes += 0 if buffer.data is None else len(buffer.data)
        buffer.__class__ = Aligned
    builder = flatbuffers.Builder(constants_bytes + (1 << 16))
    builder.Finish(root.Pack(builder), IDENTIFIER)
    return bytes(memoryview(builder.Bytes)[builder.Head() :])


def _packed(about: About, square: bool) -> bytes:
    """Return a ModelMetadata flatbuffer with one subgraph: an image as input, one score per label as output."""
    import flatbuffers

    b = flatbuffers.Builder(1024)
    colours = _table(b, 2, {0: (b.PrependInt8Slot, _COLOURS.get(len(about.mean), _UNKNOWN))})
    mean, deviation = _floats(b, about.mean), _floats(b, about.deviation)
    normalisation = _table(b, 2, {0: mean, 1: deviation})
    unit = _table(b, 2, {0: (b.PrependUint8Slot, _NORMALIZATION_OPTIONS), 1: normalisation})
    lows = _floats(b, [(0 - m) / d for m, d in zip(about.mean, about.deviation, strict=True)])
    highs = _floats(b, [(255 - m) / d for m, d in zip(about.mean, about.deviation, strict=True)])
    image = _tensor(
        b,
        "image",
        f"The picture, scaled until it covers the {'square' if square else 'rectangle'} and cut at the centre.",
        _content(b, _IMAGE_PROPERTIES, colours),
        units=[unit],
        stats=(lows, highs),
    )
    file = _table(b, 4, {0: b.CreateString(LABELS), 1: b.CreateString("The classes, in order."),
                         2: (b.PrependInt8Slot, _TENSOR_AXIS_LABELS)})  # fmt: skip
    scores = _tensor(
        b,
        "scores",
        "A score a class, the largest wins; their softmax is how sure the network is.",
        _content(b, _FEATURE_PROPERTIES, _table(b, 0, {})),
        files=[file],
    )
    subgraph = _table(b, 7, {2: _vector(b, [image]), 3: _vector(b, [scores])})
    fields = {0: b.CreateString(about.name), 1: b.CreateString(about.description), 3: _vector(b, [subgraph]),
              7: b.CreateString(PARSER)}  # fmt: skip
    b.Finish(_table(b, 8, fields), IDENTIFIER_OF_METADATA)
    return bytes(b.Output())


def _content(builder: Any, kind: int, properties: int) -> int:
    return _table(builder, 3, {0: (builder.PrependUint8Slot, kind), 1: properties})


def _tensor(
    builder: Any,
    name: str,
    description: str,
    content: int,
    units: Sequence[int] = (),
    stats: tuple[int, int] | None = None,
    files: Sequence[int] = (),
) -> int:
    """Add a TensorMetadata and return its offset; ``stats`` are offsets of the vectors of minima and maxima."""
    fields: dict[int, Any] = {0: builder.CreateString(name), 1: builder.CreateString(description), 3: content}
    if units:
        fields[4] = _vector(builder, units)
    if stats:
        fields[5] = _table(builder, 2, {0: stats[1], 1: stats[0]})
    if files:
        fields[6] = _vector(builder, files)
    return _table(builder, 7, fields)


def _table(builder: Any, slots: int, fields: dict[int, Any]) -> int:
    """Add a table and return its offset. ``fields`` maps a slot of the schema to the offset of an object built before,
    or to (method that prepends, number)."""
    builder.StartObject(slots)
    for slot, value in fields.items():
        if isinstance(value, tuple):
            prepend, number = value
            prepend(slot, number, 0)
        else:
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
    return int(builder.EndObject())


def _vector(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _floats(builder: Any, values: Sequence[float]) -> int:
    builder.StartVector(4, len(values), 4)
    for value in reversed(values):
        builder.PrependFloat32(value)
    return int(builder.EndVector())


def _zip(texts: dict[str, str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as packed:
        for name, text in texts.items():
            packed.writestr(zipfile.ZipInfo(name, _ZIPPED), text)
    return made.getvalue()
