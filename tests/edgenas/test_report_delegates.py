"""The page compares the CPU and the delegates of one device: a front of each, and which network wins where."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.report.page import page
from edgenas.report.sections.delegates import levels_of
from edgenas.report.series import all_series
from edgenas.runs.gather import gather
from tests.edgenas.test_report import Page
from tests.support.report_toys import write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and beside it a table of the same device's GPU, on which blocks with large kernels are slow."""
    run = write_run(tmp_path_factory.mktemp("delegates") / "run")
    cpu = read_table(run / "table-litert.jsonl")
    setting = replace(
        cpu.setting, delegate="gpu", accelerator="Mali-G78", arithmetic="fp16", nodes_taken=5, nodes_total=5
    )
    with TableWriter(run / "table-gpu.jsonl", setting, "0.4.0") as writer:
        for number, m in enumerate(cpu.measurements):
            factor = 0.2 if number % 2 else 3.0
            samples = tuple(tuple(max(1, int(ns * factor)) for ns in each) for each in m.samples_ns)
            writer.append([replace(m, samples_ns=samples, init_ns=10**9)])
    return run


def test_the_front_of_each_and_which_network_wins_where(folder: Path) -> None:
    material = gather([folder])
    labels = [series.label for series in all_series(material)]
    assert sum(" · gpu" in label for label in labels) == 1
    shown = Page(page(material))
    assert "CPU and delegates" in shown.text
    assert "not the same network is the fastest with each of them" in shown.text
    assert "the wrong one costs up to" in shown.text


def test_without_a_delegate_there_is_no_such_section(tmp_path: Path) -> None:
    assert "CPU and delegates" not in Page(page(gather([write_run(tmp_path / "run")]))).text


def test_levels() -> None:
    """Network a is the fastest on one, b on the other; c is the most accurate on both."""
    from edgenas.report.judged import Judged

    class At:
        def __init__(self, index: int) -> None:
            self.index = index

    def judged(key: str, accuracy: float, *costs: float) -> Judged:
        return Judged(key, None, accuracy, "x", costs, costs[0], ())

    networks = [judged("a", 70.0, 1.0, 4.0), judged("b", 70.0, 2.0, 2.0), judged("c", 75.0, 5.0, 5.0)]
    first, second = levels_of(networks, [At(0), At(1)])  # type: ignore[list-item]
    assert (first.accuracy, first.fastest, first.loss) == (75.0, (("c", 5.0), ("c", 5.0)), 0.0)
    assert (second.accuracy, second.fastest, second.loss) == (70.0, (("a", 1.0), ("b", 2.0)), 1.0)
    assert json.dumps(second.fastest)
