"""``tools/bench/training.py``: that its rows are of what they say."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
from edgenas.training.data import TrainRecipe

torch = pytest.importorskip("torch")


@pytest.mark.slow
def test_rows_of_a_training_and_of_a_supernet() -> None:
    from tools.bench.cifar10 import Cifar10
    from tools.bench.training import Bench, pictures

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (160, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, 160)
    cifar = Cifar10(images, labels, images, labels, tuple("abcdefghij"))
    data = pictures(cifar, 120, 16)
    assert (len(data.train_images), len(data.validation_images)) == (120, 40)
    recipe = TrainRecipe(epochs=1, batch=8)
    bench = Bench(nas_bench_macro(16, 10, 16), data, recipe, torch.device("cpu"), 0.2, 0, None)
    from edgenas.training.arithmetic import Arithmetic

    alone, shared = bench.alone("10100100", Arithmetic(channels_last=False)), bench.supernet()
    assert alone.how == "fp32 NCHW" and alone.published is None and alone.judged_s is None
    for row in (alone, shared):
        assert row.images_s > 0 and row.busy > 0 and row.epochs >= 1 and 0 <= row.accuracy <= 100
    assert shared.judged_s is not None and shared.judged_s > 0


def test_kernels_are_counted_and_nothing_else() -> None:
    from torch.autograd import DeviceType
    from torch.autograd.profiler_util import FunctionEvent

    from tools.bench.training import kernel_seconds

    def event(microseconds: int, there: bool = True, note: bool = False) -> FunctionEvent:
        device = DeviceType.CUDA if there else DeviceType.CPU
        return FunctionEvent(0, "gemm", 0, 10, 10 + microseconds, device_type=device, is_user_annotation=note)

    assert kernel_seconds([event(300), event(200), event(9, there=False), event(7, note=True)]) == pytest.approx(5e-4)
