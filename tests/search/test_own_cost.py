"""Costs of the user's own as limits: read from a file, kept by every algorithm, and by the front."""

from __future__ import annotations

import json
from itertools import pairwise, product
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.cli import main
from edgenas.search.algorithms.mathnas_blocks import block_values
from edgenas.search.own_cost import own_cost, own_limits
from edgenas.search.problem import BudgetError, Cost, Limit
from edgenas.search.record import front_points
from edgenas.search.spaces import space as find_space
from edgenas.search.trials import Trials
from tests.support.search_toys import SPACES, plain_space, toy_cost, toy_problem

MACRO = find_space("nas_bench_macro", 8)


def millijoules(block: edgenas.BlockSpec) -> float:
    """Not proportional to MACs: wide blocks are dear."""
    return round(block.c_out**1.5 / 100 + block.macs / 1e6, 3)


@pytest.fixture
def energy(tmp_path: Path) -> Path:
    path = tmp_path / "energy.csv"
    rows = [f"{block},{millijoules(block)},mJ" for block in MACRO.blocks()]
    path.write_text("\n".join(["block,cost,unit", *rows]) + "\n")
    return path


def test_a_cost_is_the_sum_over_blocks(energy: Path) -> None:
    cost = own_cost(energy, MACRO)
    network = MACRO.architecture(MACRO.parse("1.2.0.1.1.1.0.2"))
    assert (cost.unit, cost.name) == ("mJ", "energy")
    assert cost.total(network) == pytest.approx(sum(millijoules(b) for b in network.blocks if b.kind != "skip"))


@pytest.mark.slow
def test_search_and_front_keep_the_limit(energy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cost = own_cost(energy, MACRO)
    totals = sorted(cost.total(MACRO.architecture(MACRO.parse(".".join(key)))) for key in product("012", repeat=8))
    most = totals[len(totals) // 5]

    def judge(network: edgenas.Architecture) -> float:
        return 20 + 20 * network.macs**0.06

    out = tmp_path / "search.json"
    found = edgenas.search(MACRO, accuracy=judge, budget_macs=1e12, limits={energy: most}, max_trials=40, out=out)
    assert cost.total(found.best.architecture) <= most < totals[-1]
    (_, limit) = json.loads(out.read_text())["winner"]["limits"]
    assert (limit["name"], limit["unit"], limit["most"]) == ("energy", "mJ", most)
    assert limit["value"] == pytest.approx(cost.total(found.best.architecture))

    args = ["search", "nas_bench_macro", "--in-size", "8", "--budget-macs", "1e12", "--max-trials", "40", "--json"]
    (tmp_path / "limit_judge.py").write_text("def judge(network):\n    return 20 + 20 * network.macs**0.06\n")
    words = ["--accuracy", f"{tmp_path}/limit_judge.py:judge", "--limit", f"{energy}={most}"]
    assert _exit([*args, *words, "-o", str(tmp_path / "cli.json")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["winner"]["key"] == json.loads(out.read_text())["winner"]["key"]

    values = edgenas.search(MACRO, accuracy=judge, budget_macs=1e12, algorithms="mathnas", out=tmp_path / "m.json")
    whole, within = edgenas.front(values), edgenas.front(values, limits=[f"{energy}={most}"])
    assert all(cost.total(MACRO.architecture(MACRO.parse(point.key))) <= most for point in within)
    assert any(cost.total(MACRO.architecture(MACRO.parse(point.key))) > most for point in whole)
    assert _exit(["front", str(tmp_path / "m.json"), "--limit", f"{energy}={most}", "--json"]) == 0
    assert [point["key"] for point in json.loads(capsys.readouterr().out)["front"]] == [p.key for p in within]


def _exit(words: list[str]) -> int:
    with pytest.raises(SystemExit) as end:
        main(words)
    return int(end.value.code or 0)


@pytest.mark.parametrize("toy", SPACES)
def test_the_front_under_a_limit_has_every_best_network(toy: str) -> None:
    problem = toy_problem(SPACES[toy](), 1.0)
    values, space = block_values(problem, Trials(problem)), problem.space
    params = Cost("params", lambda block: float(block.params))
    everything = front_points(space, toy_cost(), values, (Limit(params, 1e12),))
    assert [point[:2] for point in everything] == [
        pytest.approx(point[:2]) for point in front_points(space, toy_cost(), values)
    ]
    half = params.total(space.architecture(space.parse(everything[-1][2]))) / 2
    points = front_points(space, toy_cost(), values, (Limit(params, half),))
    assert points == sorted(points) and all(one[1] < other[1] for one, other in pairwise(points))
    assert all(params.total(space.architecture(space.parse(key))) <= half for *_, key in points)
    with pytest.raises(BudgetError, match="params"):
        front_points(space, toy_cost(), values, (Limit(params, 1.0),))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("block,cost\nskip-8x8,1\n", "has no column unit"),
        ("block,cost,unit\nnothing,1,mJ\n", "line 2"),
        ("block,cost,unit\nskip-8x8,-1,mJ\n", "line 2: cost is '-1', not a number of 0 or more"),
        ("block,cost,unit\nskip-8x8,,mJ\n", "line 2: cost is ''"),
        ("block,cost,unit\nskip-8x8,nan,mJ\n", "line 2: cost is 'nan', not a finite number"),
        ("block,cost,unit\nskip-8x8,1,\n", "line 2: unit is ''"),
        ("block,cost,unit\nskip-8x8,1,mJ\nskip-8x8,1,mJ\n", "line 3: skip-8x8 is given twice"),
        ("block,cost,unit\nskip-8x8,1,mJ\nskip-4x8,1,J\n", "line 3: unit is J, but mJ before"),
        ("block,cost,unit\nskip-8x8,1,mJ\n", "lacks .* of the .* blocks of toy_plain, such as .*edgenas blocks"),
        ("", "it holds no rows"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=says) as wrong:
        own_cost(path, plain_space())
    assert str(wrong.value).count(str(path)) == 1


def test_wrong_texts_are_named(energy: Path) -> None:
    for texts, says in (
        (["energy.csv"], "is not FILE=MOST"),
        ([f"{energy}=0"], "not a number of mJ above 0"),
        ([f"{energy}=5", f"{energy}=6"], "names a file twice"),
        (["none.csv=3"], "none.csv"),
    ):
        with pytest.raises(InputError, match=says):
            own_limits(texts, MACRO)
