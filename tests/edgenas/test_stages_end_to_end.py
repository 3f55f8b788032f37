"""A space of whole stages from its blocks to its files: profile, validate, search, front, report, export."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgenas
from edgenas.latency_tables.store.journal import read_table
from edgenas.runs.search import read_search
from edgenas.search.spaces.recorded import recorded_space

SPACE = """
from dataclasses import replace
from edgenas.search.space import Layer, Option, Space


def stage(name, width, stride):
    options = []
    for kernel in (3, 5):
        for depth in (1, 2):
            later = (Option("later", "ir", width, kernel, expand=2, act="relu6"),) * (depth - 1)
            first = Option(f"k{kernel}d{depth}", "ir", width, kernel, stride, expand=2, act="relu6", more=later)
            options.append(first)
    return Layer(name, tuple(options))


def stages(in_size=16, classes=3):
    stem = Layer("stem", (Option("k3", "conv", 8, kernel=3, stride=2, act="relu6"),))
    head = Layer("head", (Option("fc", "head", classes),))
    return Space("stages", in_size, (stem, stage("first", 8, 1), stage("second", 16, 2), head))


def by_size(network):
    return 20 + 20 * network.macs ** 0.06
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("stages")
    (made / "mine.py").write_text(SPACE)
    return made


@pytest.fixture(scope="module")
def table(folder: Path) -> Path:
    """The space's blocks, measured on this machine, with a validation."""
    path = folder / "table.jsonl"
    edgenas.profile(f"{folder}/mine.py:stages", out=path, rounds=3, processes=3, most_processes=3).check()
    edgenas.validate(path, space=f"{folder}/mine.py:stages", networks=8, processes=2, rounds=3)
    return path


def test_a_table_has_the_single_blocks_of_stages(folder: Path, table: Path) -> None:
    s = edgenas.space(f"{folder}/mine.py:stages")
    known = read_table(table)
    assert set(known.blocks) == set(s.blocks())
    assert len(s.blocks()) == 2 + 2 + 4
    assert edgenas.check(table, f"{folder}/mine.py:stages").missing == ()


@pytest.mark.parametrize("uncertainty", ["mean", "upper", "rss"])
def test_a_search_by_that_table_keeps_its_budget(folder: Path, table: Path, tmp_path: Path, uncertainty: str) -> None:
    s = edgenas.space(f"{folder}/mine.py:stages")
    known = read_table(table)
    largest = s.architecture((0, 3, 3, 0))
    budget = 1.2 * known.total_ms(largest, "median")
    found = edgenas.search(
        f"{folder}/mine.py:stages",
        table=table,
        unvalidated=True,
        uncertainty=uncertainty,
        accuracy=f"{folder}/mine.py:by_size",
        budget_ms=budget,
        algorithms=("mathnas", "layernas", "hybrid"),
        out=tmp_path / "search.json",
    )
    assert found.best.ms <= budget
    saved = read_search(tmp_path / "search.json")
    assert recorded_space(saved.space, saved.code.space, "") == s
    assert saved.explanation is not None
    assert saved.explanation.options == s.options(s.parse(saved.explanation.key))
    layers = {spent.layer for spent in saved.explanation.dearest_blocks}
    assert layers <= {"stem", "first", "first.1", "first.2", "second", "second.1", "second.2", "head"}
    points = edgenas.front(tmp_path / "search.json").points
    assert [point.cost for point in points] == sorted(point.cost for point in points)
    page = edgenas.report(tmp_path / "search.json", out=tmp_path / "r.html").path.read_text()
    assert f"Its options: first {saved.explanation.options['first']}" in page


def test_lazy_profiling_measures_the_blocks_of_stages(folder: Path, tmp_path: Path) -> None:
    found = edgenas.profile_for_search(
        f"{folder}/mine.py:stages", out=tmp_path / "t.jsonl", rounds=1, processes=1, most_processes=1
    )
    s = edgenas.space(f"{folder}/mine.py:stages")
    for point in found.front():
        network = s.architecture(s.parse(point["key"]))
        assert not read_table(tmp_path / "t.jsonl").missing(network.blocks)


def test_a_network_of_stages_is_exported_by_the_keys_of_its_options(folder: Path, tmp_path: Path) -> None:
    edgenas.export(f"{folder}/mine.py:stages/k3d2.k5d1", tmp_path / "model")
    blocks = json.loads((tmp_path / "model" / "arch.json").read_text())["blocks"]
    assert [text.split("-")[0] for text in blocks] == ["conv", "ir", "ir", "ir", "head"]
