"""``edgenas profile --for-search`` as a person types it, with a real runtime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgenas.latency_tables.store.journal import read_table
from edgenas.search.spaces import space
from tests.edgenas.test_cli import edgenas

QUICK = ("--in-size", "16", "--rounds", "1", "--processes", "1", "--most-processes", "1", "--for-search")


@pytest.mark.slow
def test_profile_for_search_ends_with_a_front_of_measured_blocks(tmp_path: Path) -> None:
    args = ("profile", "mobilenet_v3_small", *QUICK, "-o", "t.jsonl", "--json")
    ended = edgenas(*args, cwd=tmp_path)
    told = json.loads(ended.stdout)
    table, chosen = read_table(tmp_path / "t.jsonl"), space("mobilenet_v3_small", 16)
    assert told["measured"] == len(table.blocks) <= told["of"] == len(chosen.blocks())
    assert told["values"].startswith("capacity") and "round 1: " in ended.stderr
    assert told["networks"] == len(told["front"]) > 1
    for point in told["front"]:
        network = chosen.architecture(chosen.parse(point["key"]))
        assert not table.missing(network.blocks)
        assert point["cost"] == pytest.approx(table.total_ms(network, "median"))
    budget = told["front"][len(told["front"]) // 2]["cost"] * 1.0001
    again = json.loads(edgenas(*args, "--budget-ms", str(budget), cwd=tmp_path).stdout)
    assert again["measured"] == told["measured"], "a budget's network is on the front: nothing new is needed"
    assert [point["cost"] <= budget for point in again["front"]] == [True]


@pytest.mark.slow
def test_a_judge_may_say_what_blocks_are_worth(tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text("def by_macs(network):\n    return 20 + 20 * network.macs ** 0.06\n")
    args = ("profile", "nas_bench_macro", *QUICK, "-o", "t.jsonl", "--json", "--accuracy", "judge:by_macs")
    told = json.loads(edgenas(*args, cwd=tmp_path).stdout)
    assert told["values"] == "judge:by_macs"
    assert (tmp_path / "t.trials.jsonl").exists()


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("mobilenet_v2", "--budget-ms", "3"), "add --for-search, or leave them out"),
        (("mobilenet_v2", "--for-search", "--budget-ms", "-1"), "--budget-ms -1 is not a number of ms above 0"),
        (("mobilenet_v2", "--accuracy", "digits"), "add --for-search, or leave them out"),
        (("--for-search", "--block", "conv-8x3-o4-k3-s1"), "takes a whole space"),
        (("nowhere/1.1", "--for-search"), "no space 'nowhere/1.1'"),
        (("mobilenet_v2", "--for-search", "--device", "local", "--device", "other"), "fills one table"),
    ],
)
def test_misuse(args: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text('[devices.other]\nkind = "local"\n')
    assert says in edgenas("profile", *args, cwd=tmp_path, check=2).stderr
