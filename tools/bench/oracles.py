"""Independent exporters of the same torch modules, with which tests and the benchmark compare the writers."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

from edgenas.blocks.torch_modules import BlockModule


def by_torch_onnx(module: BlockModule) -> bytes:
    """Export with ``torch.onnx.export`` through TorchScript (its newer exporter needs onnxscript and takes a second for
    each block).
    """
    with tempfile.TemporaryDirectory() as folder, _quiet():
        path = Path(folder, "model.onnx")
        torch.onnx.export(module, (_picture(module),), path, opset_version=17, dynamo=False)
        return path.read_bytes()


def by_litert_torch(module: BlockModule) -> bytes:
    """Export with litert-torch, with NHWC input and output; ImportError where it is not installed."""
    with _quiet():
        import litert_torch

        outputs = [] if module.spec.kind == "head" else [0]
        nhwc = litert_torch.to_channel_last_io(module, args=[0], outputs=outputs).eval()
        picture = _picture(module).permute(0, 2, 3, 1).contiguous()  # (1, C, H, W) -> (1, H, W, C)
        return bytes(litert_torch.convert(nhwc, (picture,)).model_content())


def _picture(module: BlockModule) -> torch.Tensor:
    spec = module.spec
    return torch.zeros(1, spec.c_in, spec.in_size, spec.in_size)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the exporters' warnings, which do not concern edgenas, and their progress on stdout and stderr."""
    with (
        warnings.catch_warnings(),
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        warnings.simplefilter("ignore")
        yield
