"""Checks of exported files: outputs, operators, accuracy on images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.installing import install_extra
from edgenas.base.listener import Listener
from edgenas.base.reading import read_bytes
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.features import Backbone
from edgenas.blocks.size import axes

if TYPE_CHECKING:
    from edgenas.blocks.weights import Array, Weights
    from edgenas.devices.inventory import Entry
    from edgenas.training.pictures import Pictures


def check_parity(architecture: Architecture, files: dict[str, Path], seed: int) -> None:
    """Raise OutcomeError where the float32 files compute different outputs, or hold different operators."""
    import numpy as np

    from edgenas.profiler.export.check import parity
    from edgenas.profiler.export.run import run_model

    floats = [read_bytes(path) for kind, path in files.items() if " " not in kind]
    shape = (1, *axes(architecture.in_size), architecture.c_in)
    image = np.random.default_rng(seed).random(shape, dtype=np.float32)
    reference = run_model(floats[0], image) if floats else None
    for model in floats:
        assert reference is not None
        parity(model, image, reference, blocks=architecture.blocks)


def census_of(kind: str, path: Path) -> dict[str, Any]:
    """Return scales of input and output, bits of weights and fallbacks (operators not in int8) of an int8 file."""
    from edgenas.profiler.export.integer import fallbacks, weight_bits
    from edgenas.profiler.export.run import ends

    if not kind.endswith("int8"):
        return {}
    model = read_bytes(path)
    found = ends(model)
    scales = {
        name: None if s is None else s._asdict() for name, s in (("input", found.source), ("output", found.target))
    }
    return {**scales, "weight_bits": weight_bits(model), "fallbacks": [f._asdict() for f in fallbacks(model)]}


def proofs(
    architecture: Architecture,
    arrays: Sequence[Weights],
    files: dict[str, Path],
    pictures: Pictures,
    entry: Entry,
    listener: Listener,
) -> dict[str, dict[str, Any]]:
    from edgenas.ship.accuracy import prove, torch_classes

    expected = torch_classes(architecture, arrays, pictures.images)
    if expected is None:
        listener.message(f"torch is not installed, so the files are not compared with it: {install_extra('train')}")
    return {
        kind: prove(path, kind.partition(" ")[2] or "fp32", pictures, expected, entry, listener=listener).as_dict()
        for kind, path in files.items()
    }


def features_facts(
    kept: Backbone, arrays: Sequence[Weights], files: dict[str, Path], images: Array, listener: Listener
) -> dict[str, dict[str, Any]]:
    """Return the outputs of every file: stride, shape (height, width, channels), quantization, and the error against
    torch on ``images``: of float32 files the largest one relative to the largest value, of others the relative root
    mean square.

    Without torch, the reference is the first float32 file. OutcomeError where a float32 file is wrong.
    """
    from edgenas.profiler.export.integer import fallbacks, weight_bits
    from edgenas.profiler.export.outputs import named_outputs, outputs_parity, relative_rms_error
    from edgenas.profiler.export.run import scales

    models = {kind: read_bytes(path) for kind, path in files.items()}
    floats = [kind for kind in models if " " not in kind]
    expected = _torch_maps(kept, arrays, images)
    if expected is None:
        listener.message(f"torch is not installed, so the files are not compared with it: {install_extra('train')}")
        expected = named_outputs(models[next(iter([*floats, *models]))], images)
    facts: dict[str, dict[str, Any]] = {}
    for kind, model in models.items():
        if kind in floats:
            errors = outputs_parity(model, images, expected, kept.architecture.blocks)
        else:
            found = named_outputs(model, images)
            errors = {name: relative_rms_error(found[name], expected[name]) for name in expected}
        known = scales(model)
        outputs = {
            each.name: {
                "stride": each.stride,
                "shape": [*axes(each.block.out_size), each.block.c_out],
                "scale": None if (scale := known[each.name]) is None else scale._asdict(),
                "error": errors[each.name],
                "error_is": "largest" if kind in floats else "rms",
            }
            for each in kept.maps
        }
        facts[kind] = {"outputs": outputs}
        if kind.endswith("int8"):
            slow = [fallback._asdict() for fallback in fallbacks(model)]
            facts[kind] |= {"weight_bits": weight_bits(model), "fallbacks": slow}
    return facts


def _torch_maps(kept: Backbone, arrays: Sequence[Weights], images: Array) -> dict[str, Array] | None:
    """Return the feature maps as torch computes them, by name; None without torch."""
    from edgenas.base.errors import MissingExtraError

    try:
        from edgenas.blocks.torch_folded import network_of_weights
        from edgenas.blocks.torch_modules import predict_maps
    except MissingExtraError:
        return None
    network = network_of_weights(kept.architecture, arrays)
    return dict(zip(kept.outputs.values(), predict_maps(network, images, list(kept.outputs)), strict=True))
