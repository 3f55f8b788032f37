"""The section of the page about a menu and its trials."""

from __future__ import annotations

from pathlib import Path

from edgenas.adaptive.trial import AdaptiveTrial, TrialFrame, trial_text
from edgenas.report.page import page
from edgenas.runs.gather import gather
from tests.support.menu_toys import write_toy_menu


def trial(name: str = "net-1") -> AdaptiveTrial:
    frames = tuple(TrialFrame(i / 100, name if i > 60 else "net-3", 3.0 + (i % 7) / 2, 30 < i < 60) for i in range(100))
    events = (
        (0, "net-3", "in use after 3.0 ms"),
        (61, "net-1", "in use after 2.0 ms"),
        (70, "net-2", "removed: <gone>"),
    )
    return AdaptiveTrial("pi4", "litert-2.3.0", "cpu:50", "-10 -10", 4.0, 1.0, frames, events)


def test_a_menu_and_its_trial_are_on_the_page(tmp_path: Path) -> None:
    write_toy_menu(tmp_path / "menu")
    (tmp_path / "trial.jsonl").write_text(trial_text(trial()))
    (tmp_path / "other.jsonl").write_text(trial_text(trial("net-9")))
    text = page(gather([tmp_path / "menu", tmp_path / "trial.jsonl", tmp_path / "other.jsonl"]))
    assert "Networks that adapt" in text and "A menu of 3 networks of toy keeps 4 ms on local" in text
    late = 100 * sum(frame.ms > 4.0 for frame in trial().frames) / 100
    assert f"Under cpu:50 on pi4, {late:.1f} % of 100 frames were over the budget." in text
    assert "removed: &lt;gone&gt;" in text and text.count("a trial with cpu:50") >= 1 and "net-9" not in text


def test_the_numbers_of_a_trial() -> None:
    assert trial().back_after_s is not None  # net-3 ran on after the load
    assert trial().late(True) + trial().late(False) > 0
