"""Replays: the figures of the menu's policy on the drawn traces, and recorded traces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgenas.adaptive.replay import ORACLE, ReplayedDevice
from edgenas.adaptive.traces import DRAWN, drawn, recorded
from edgenas.base.errors import InputError

#: ms and accuracy of ten networks of NAS-Bench-Macro's front, scaled to 20 ms
MENU = (
    (6.39, 89.38), (7.55, 90.41), (7.89, 90.75), (9.14, 91.51), (9.47, 91.75), (12.01, 92.31), (13.42, 92.57),
    (14.95, 92.83), (16.66, 93.06), (20.0, 93.13),
)  # fmt: skip
DEVICE = ReplayedDevice([ms for ms, _ in MENU], [accuracy for _, accuracy in MENU], 21.2)


@pytest.mark.parametrize("trace", DRAWN)
def test_frames_over_the_budget_and_accuracy_on_drawn_traces(trace: str) -> None:
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(2):
        for one in DEVICE.compare({}, *drawn(trace, seed, 6000), seed):
            found.setdefault(one.policy, []).append((one.late, one.accuracy))
    late, accuracy = ({name: np.mean(rows, 0)[i] for name, rows in found.items()} for i in (0, 1))
    assert late["this menu"] <= 2.7 and late["this menu"] <= late["as in MathNAS"]
    assert late["largest"] > 15 and late["moving mean"] > 2 * late["this menu"]
    assert accuracy[ORACLE] - accuracy["this menu"] <= 0.25
    assert accuracy["smallest"] == pytest.approx(MENU[0][1])


def test_a_recorded_trace_is_read_in_both_forms(tmp_path: Path) -> None:
    rows = [{"format": "edgenas trial"}, {"network": "a", "ms": 12.0, "t": 1}, {"slowdown": 1.5}]
    (tmp_path / "trace.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    assert recorded(tmp_path / "trace.jsonl", {"a": 8.0}).tolist() == [1.5, 1.5]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("nothing", "line 1 is no JSON"),
        ("[1]", "not an object"),
        ('{"network": "b", "ms": 3}', "network 'b' is not in the menu"),
        ('{"slowdown": 0}', "no time above 0"),
        ('{"slowdown": NaN}', "is no JSON"),
        ("", "holds no frame"),
    ],
)
def test_a_line_that_is_no_frame_is_named(tmp_path: Path, line: str, why: str) -> None:
    (tmp_path / "trace.jsonl").write_text(line)
    with pytest.raises(InputError, match=why):
        recorded(tmp_path / "trace.jsonl", {"a": 8.0})
