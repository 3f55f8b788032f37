"""The benchmark of estimates: its networks are those of the space, its bars can fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.bench.estimate_tasks import Accel
from tools.bench.estimates import ACCEL_BARS, NETWORKS, rank_bars, search_bars, spearman


def ranks(factors: float, free: float) -> list[dict[str, object]]:
    models = [("factors", n, factors) for n in NETWORKS] + [("MACs", 0, free), ("params", 0, 0.1)]
    return [{"data": "Accel-NASBench", "model": model, "networks": n, "mean": mean} for model, n, mean in models]


def test_bars_are_met_or_not() -> None:
    def missed(factors: float, free: float) -> int:
        return sum(not bar.met for bar in rank_bars(ranks(factors, free)))

    assert missed(0.99, 0.5) == 0
    assert missed(0.9, 0.5) == sum(bar > 0.9 for bar in ACCEL_BARS.values()) == 2
    assert missed(0.97, 0.98) == len(NETWORKS)
    regrets = {"random, 100": 2.0, "regularized evolution, 100": 0.9, "hybrid, 50": 0.95}
    bars = search_bars([{"method": method, "regret": regret} for method, regret in regrets.items()])
    assert [bar.met for bar in bars] == [True, False]
    assert spearman(np.ones(4), np.arange(4.0)) == 0 and spearman(np.arange(4.0) ** 3, np.arange(4.0)) == 1


@pytest.mark.slow
def test_published_networks_are_those_of_the_space(shared_data: Path) -> None:
    accel = Accel(shared_data / "accel_nasbench" / "accel_nasbench.csv.gz")
    held_out = accel.held_out()
    assert len(accel.choices) == 5125 and len(held_out.choices) == 2563
    params = np.array([accel.space.architecture(choice).params for choice in held_out.choices])
    assert spearman(params, held_out.seen) == pytest.approx(0.81, abs=0.02)
