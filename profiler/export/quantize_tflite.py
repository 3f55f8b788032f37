"""Conversion of TFLite files to int8 and to fp16 weights, by ai-edge-quantizer.

The quantizer's own calibrator prints, warns, and gives late samples a smaller weight. This module computes the range of
every tensor instead: minimum and maximum over all images, read from LiteRT's built-in kernels.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from edgenas.base.errors import MissingExtraError
from edgenas.blocks.weights import Array

_NOTHING = 1e-6  #: a tensor whose values never exceed this magnitude is all 0, and would get a scale of 0


def to_int8(model: bytes, images: Array) -> bytes:
    """Convert a float32 file: int8 weights (scale per channel), int8 activations (scale per tensor), int8 input and
    output."""
    modules = tools()
    manager = modules.recipe_manager.RecipeManager()
    manager.add_static_config(".*", "*", activation_num_bits=8, weight_num_bits=8)
    return _quantize(modules, model, manager, ranges(model, images))


def with_half_weights(model: bytes) -> bytes:
    """Convert a float32 file to float16 weights, each with a DEQUANTIZE, which XNNPACK folds when it loads the file."""
    modules = tools()
    manager = modules.recipe_manager.RecipeManager()
    manager.add_weight_only_config(".*", "*", 16, algorithm_key=modules.algorithm_manager.AlgorithmName.FLOAT_CASTING)
    return _quantize(modules, model, manager, None)


def ranges(model: bytes, images: Array) -> dict[str, dict[str, Any]]:
    """Return {'min', 'max'} of each tensor over all ``images`` (n, H, W, C), in the form that ai-edge-quantizer
    reads."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]
    computed = {int(i) for op in interpreter._get_ops_details() for i in op["outputs"]} | {source["index"]}
    tensors = [t for t in interpreter.get_tensor_details() if t["index"] in computed]
    least = {t["name"]: np.inf for t in tensors}
    most = {t["name"]: -np.inf for t in tensors}
    for picture in images:
        interpreter.set_tensor(source["index"], np.ascontiguousarray(picture[None]))
        interpreter.invoke()
        for t in tensors:
            values = interpreter.get_tensor(t["index"])
            least[t["name"]] = min(least[t["name"]], float(values.min()))
            most[t["name"]] = max(most[t["name"]], float(values.max()))
    for name in least:
        if max(abs(least[name]), abs(most[name])) < _NOTHING:
            most[name] = 1.0
    shape = (1, 1, 1, 1)
    return {
        name: {"min": np.full(shape, least[name], np.float32), "max": np.full(shape, most[name], np.float32)}
        for name in least
    }


def _quantize(modules: Any, model: bytes, manager: Any, calibration: Any) -> bytes:
    """Run the two steps of the package's ``Quantizer.quantize``, whose second step always shows a progress bar."""
    read = modules.utils.tfl_flatbuffer_utils.read_model(bytearray(model))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")  # its own debugging
        found = modules.params_generator.ParamsGenerator(read).generate_quantization_parameters(
            manager, calibration, enable_progress_bar=False
        )
        return bytes(modules.model_modifier.ModelModifier(read).modify_model(found, enable_progress_bar=False))


def tools() -> Any:
    """Import ai-edge-quantizer with the modules that are used; MissingExtraError without it."""
    try:
        import ai_edge_quantizer
        import ai_edge_quantizer.model_modifier
        import ai_edge_quantizer.params_generator
        import ai_edge_quantizer.recipe_manager
        import ai_edge_quantizer.utils.tfl_flatbuffer_utils
    except ImportError as error:
        raise MissingExtraError("ai_edge_quantizer", "int8", "int8 and fp16 TFLite files") from error
    return ai_edge_quantizer
