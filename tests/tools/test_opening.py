"""``tools/bench/opening.py``: that its files are what it says, and open."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgenas.latency_tables.store.journal import read_table
from edgenas.search.trial_file import read_trials
from tools.bench.opening import OPENINGS, Row


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "doctor" else name for name in OPENINGS]
)
def test_each_file_is_made_and_opens(name: str, tmp_path: Path) -> None:
    opening = OPENINGS[name]
    path = tmp_path / opening.file
    opening.make(path, 0.001)
    assert opening.open(path)
    if name == "table":
        table = read_table(path)
        assert len(table.measurements) == 100 and table.measurements[0].samples == 80
    if name == "journal of trials":
        assert len(dict(read_trials(path).judged)) == 300


def test_a_row_is_met_within_both_targets() -> None:
    numbers = {"name": "t", "file_mb": 1.0, "s": 9.0, "before_s": 9.0, "target_s": 4.0, "before_mb": None}
    assert Row(cpu_s=4.0, mb=200.0, target_mb=200.0, **numbers).met  # type: ignore[arg-type]
    assert not Row(cpu_s=4.1, mb=100.0, target_mb=None, **numbers).met  # type: ignore[arg-type]
    assert not Row(cpu_s=1.0, mb=201.0, target_mb=200.0, **numbers).met  # type: ignore[arg-type]
