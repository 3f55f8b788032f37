"""The bars of few-shot transfer, on published tables: Raspberry Pi 4 to Pixel 3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tools.bench.transfer import BARS, JUDGED, bars_of, row
from tools.bench.transfer_pairs import fbnet_pair, pixel1_pairs


def test_the_published_networks_are_sums_of_the_pair_and_the_bars_are_met(shared_data: Path) -> None:
    import csv
    import gzip

    files = (shared_data / "fbnet" / "fbnet_lut_recovered.csv", shared_data / "fbnet" / "fbnet_5000_latency.csv.gz")
    pair = fbnet_pair(*files, "raspi4", "pixel3")
    assert pair.name == JUDGED
    with gzip.open(files[1], "rt", newline="") as file:
        measured = np.array([[float(row["lat_raspi4"]), float(row["lat_pixel3"])] for row in csv.DictReader(file)])
    for column, ms in enumerate((pair.old_ms, pair.new_ms)):
        assert np.abs(pair.counts @ ms - measured[:, column]).max() < 1e-5
    bars = bars_of([row(pair, count, seeds=1) for count in BARS])
    assert len(bars) == 4 and all(bar.met for bar in bars), bars


def test_the_two_tables_of_the_pixel_1_have_common_blocks(shared_data: Path) -> None:
    one, other = pixel1_pairs(shared_data / "pixel1")
    assert len(one.old_ms) == 24 and np.array_equal(one.old_ms, other.new_ms)
    assert row(one, 10, seeds=1)["error"] < 0.05


@pytest.mark.parametrize("found", [[], [{"pair": "other", "measured": 10}]])
def test_there_are_no_bars_without_the_judged_pair(found: list[dict[str, object]]) -> None:
    assert bars_of(found) == []
