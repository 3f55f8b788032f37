"""Packing of a menu: the members of a supernet as skeletons and patches of one store of weights.

Members are slices of the same weights; in their files, each output channel is multiplied by the scale of its own batch
norm. The store holds each weight once, at the largest shape of any member; a file's skeleton is all else. The content
of a packed file is by definition what ``edgenas.adaptive.device.pack`` puts together: its sha256 is in the menu.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edgenas.blocks.ops import lower

if TYPE_CHECKING:
    from edgenas.adaptive.members import Member
    from edgenas.search.space import Space

STORE, RECIPES = "pack.bin", "pack.json"
Floats = NDArray[np.float32]
_ALIGN = 64  #: bytes; the arrays of the store are mapped into memory
_CLOSE = 1e-5  #: a weight is a slice times scales where it differs by at most this share of its largest value


@dataclass
class _Store:
    content: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> int:
        """Append data at a multiple of ``_ALIGN``; return its place."""
        self.content += bytes(-len(self.content) % _ALIGN)
        at = len(self.content)
        self.content += data
        return at


def packed(space: Space, members: Sequence[Member], names: Sequence[str], files: Sequence[bytes]) -> dict[str, bytes]:
    """Return ``pack.bin`` and ``pack.json`` of TFLite files, ``names``, of members of a supernet of ``space``."""
    slices = [dict(_slices(space, member)) for member in members]
    bases = _bases(slices)
    store, weights = _Store(), dict[str, Any]()
    for key, base in bases.items():
        weights[key] = [store.add(base.tobytes()), list(base.shape)]
    recipes = {name: _recipe(content, of, bases, store) for name, content, of in zip(names, files, slices, strict=True)}
    text = json.dumps({"weights": weights, "files": recipes}, separators=(",", ":"))
    return {STORE: bytes(store.content), RECIPES: text.encode()}


def _slices(space: Space, member: Member) -> Iterator[tuple[str, tuple[str, Floats]]]:
    """Yield (name of a constant in the file, (key of its weight in the store, unfolded weight in the file's order)).

    Members share a weight where it belongs to the same place of the space, the same operation and kernel.
    """
    state = {name: value.numpy() for name, value in member.module.state_dict().items()}
    firsts = np.cumsum([0, *(len(table.places) for table in space.edge_tables)])
    blocks = [(first + j, b) for first, part in zip(firsts, space.parts(member.choice), strict=False)
              for j, b in enumerate(part)]  # fmt: skip
    ops = [(i, place, op) for i, (place, block) in enumerate(blocks) for op in lower(block)]
    for number, (i, place, op) in enumerate(ops):
        if not op.has_weights:
            continue
        weight = state.get(f"{i}.{op.name}.conv.weight", state.get(f"{i}.{op.name}.weight"))
        if weight is None:
            continue
        label = "output" if number == len(ops) - 1 else f"{i}.{op.name}"
        yield f"{label}.weight", (f"{place}.{op.name}.k{op.kernel}", _file_order(op.kind, weight))


def _file_order(kind: str, weight: Floats) -> Floats:
    """Return a weight of torch in the order of axes of TFLite."""
    if kind == "linear":
        return weight
    return weight.transpose(1, 2, 3, 0) if kind == "depthwise" else weight.transpose(0, 2, 3, 1)


def _bases(slices: Sequence[Mapping[str, tuple[str, Floats]]]) -> dict[str, Floats]:
    """Return each weight of the store, at the largest shape of any member."""
    shapes: dict[str, tuple[int, ...]] = {}
    for each in slices:
        for key, weight in each.values():
            known = shapes.get(key, weight.shape)
            shapes[key] = tuple(max(pair) for pair in zip(known, weight.shape, strict=True))
    bases = {key: np.zeros(shape, np.float32) for key, shape in shapes.items()}
    for each in slices:
        for key, weight in each.values():
            bases[key][tuple(slice(0, side) for side in weight.shape)] = weight
    return bases


def _recipe(
    content: bytes, slices: Mapping[str, tuple[str, Floats]], bases: Mapping[str, Floats], store: _Store
) -> dict[str, Any]:
    patches, spans = [], []
    for name, (offset, shape) in _constants(content).items():
        if name not in slices:
            continue
        key, _ = slices[name]
        stored = np.frombuffer(content, np.float32, int(np.prod(shape)), offset).reshape(shape)
        part = bases[key][tuple(slice(0, side) for side in shape)]
        scales = _scales(stored, part)
        if scales is None:  # not a slice: it stays in the skeleton
            continue
        patches.append([offset, list(shape), key, store.add(scales.tobytes())])
        spans.append((offset, offset + stored.nbytes))
    kept, last = [], 0
    for begin, end in sorted(spans):
        kept.append([last, begin])
        last = end
    kept.append([last, len(content)])
    at = store.add(b"".join(content[begin:end] for begin, end in kept))
    return {"bytes": len(content), "kept": kept, "at": at, "patches": patches}


def _scales(stored: Floats, part: Floats) -> Floats | None:
    """Return the factor of each output channel from ``part`` to ``stored``, by least squares; None where they are not
    proportional."""
    depthwise = stored.ndim == 4 and stored.shape[0] == 1
    axes = (0, 1, 2) if depthwise else tuple(range(1, stored.ndim))
    a, b = part.astype(np.float64), stored.astype(np.float64)
    squares = (a * a).sum(axes)
    scales = np.where(squares > 0, (a * b).sum(axes) / np.where(squares > 0, squares, 1), 0).astype(np.float32)
    scaled = part * (scales if depthwise else scales.reshape(-1, *[1] * (stored.ndim - 1)))
    return scales if np.abs(scaled - stored).max() <= _CLOSE * np.abs(stored).max() else None


def _constants(content: bytes) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return the place and shape of each float32 constant of a TFLite file, by its name."""
    import ai_edge_litert.schema_py_generated as schema

    model = schema.Model.GetRootAs(content, 0)
    graph, found = model.Subgraphs(0), {}
    for number in range(graph.TensorsLength()):
        tensor = graph.Tensors(number)
        buffer = model.Buffers(tensor.Buffer())
        if tensor.Type() == schema.TensorType.FLOAT32 and buffer.DataLength():
            begin = buffer._tab.Vector(buffer._tab.Offset(4))  # field 0, data
            found[tensor.Name().decode()] = (begin, tuple(int(side) for side in tensor.ShapeAsNumpy()))
    return found
