"""``tools/bench/blockwise.py``: that every network gets the losses of its own stages."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")


@pytest.mark.slow
def test_networks_are_rated_by_their_stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.bench import blockwise
    from tools.bench.cifar10 import Cifar10

    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (160, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, 160)
    cifar = Cifar10(images, labels, images, labels, tuple("abcdefghij"))
    monkeypatch.setattr(blockwise, "load", lambda path: cifar)
    given = argparse.Namespace(
        cifar=tmp_path, images=128, members=5, trained=0, epochs=1, supernet_epochs=1, stage_epochs=1,
        folder=tmp_path, seed=0,
    )  # fmt: skip
    bench = blockwise.Bench(given)
    assert len(bench._distilled) == 9 + 27 + 27 == len(bench._part_losses)
    for choice in bench._choices:
        losses = bench._losses(choice)
        assert len(losses) == 3 and np.isfinite(losses).all() and min(losses) > 0
        assert [options for _, options in bench._parts(choice)] == [choice[1:3], choice[3:6], choice[6:9]]
    assert 0 <= bench._assembled(bench._choices[0]) <= 100
    assert (tmp_path / "stages.npz").exists() and (tmp_path / "teacher.npz").exists() and bench.own == []
