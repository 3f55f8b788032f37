"""Budgets that no network or no number can keep: one error before anything is judged, measured or written, exit code 2,
by every verb and every function that takes a budget."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import edgenas
from edgenas.api.front import Front, FrontMember
from edgenas.cli import cli, main
from edgenas.cli.budget_type import Budget
from edgenas.devices.inventory import Entry
from edgenas.search.budgets import BudgetRequest
from edgenas.search.problem import BudgetError
from edgenas.ship.order import ShipRequest
from edgenas.ship.pipeline import ShipPipeline
from edgenas.training.data import TrainRecipe
from tests.edgenas.test_cli_next import verbs
from tests.latency_tables.test_validation import SPACE
from tests.support.listeners import Recorder
from tests.support.report_toys import by_macs, write_tables

WRONG = ("8ms", "0", "-1", "nan", "inf")
SEARCH = ("search", "nas_bench_macro", "--accuracy", "judge.py:judge", "--in-size", "8")
SHIP = ("ship", "nas_bench_macro", "--images", "photos", "--in-size", "8")

#: verb -> what is typed before its budgets
TYPED = {
    "search": SEARCH,
    "ship": SHIP,
    "bundle": ("bundle", "model", "--search", "search.json"),
    "watch": ("watch", "model"),
    "verify": ("verify", "model.tflite"),
    "verify --sustained": ("verify", "model.tflite", "--sustained", "10m"),
    "profile": ("profile", "nas_bench_macro", "--for-search"),
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    write_tables(folder)
    return folder


@pytest.fixture
def here(tables: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a validated table, a judge that must not be asked, and what the verbs want to find."""
    shutil.copytree(tables, tmp_path, dirs_exist_ok=True)
    (tmp_path / "judge.py").write_text("def judge(network):\n    raise RuntimeError('asked')\n")
    for name in ("model", "photos"):
        (tmp_path / name).mkdir()
    for name in ("model.tflite", "search.json"):
        (tmp_path / name).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refused(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Type a command that must be refused with one line and leave no file; returns the line."""
    before = sorted(here.rglob("*"))

    def typed(*args: object) -> str:
        with pytest.raises(SystemExit) as ended:
            main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert ended.value.code == 2 and out == ""
        assert err.startswith("edgenas: ") and err.count("\n") == 1, err
        assert sorted(here.rglob("*")) == before
        return err

    return typed


def budget_options() -> Iterator[tuple[str, click.Parameter]]:
    for verb in sorted(verbs()):
        group, _, name = verb.rpartition(" ")
        context = click.Context(cli)
        parent = cli.get_command(context, group) if group else cli
        assert isinstance(parent, click.Group)
        command = parent.get_command(context, name)
        assert command is not None
        yield from ((verb, option) for option in command.params if "budget" in "".join(option.opts))


def test_every_budget_on_the_command_line_has_the_one_type() -> None:
    found = list(budget_options())
    assert [(verb, option.opts) for verb, option in found if not isinstance(option.type, Budget)] == []
    typed = {typed.split()[0] for typed in TYPED}
    assert {verb for verb, option in found if option.opts != ["--budget"]} == typed


@pytest.mark.parametrize("value", WRONG)
@pytest.mark.parametrize("verb", TYPED)
def test_a_budget_that_is_no_number_above_0(verb: str, value: str, refused: Callable[..., str]) -> None:
    said = refused(*TYPED[verb], "--budget-ms", value)
    assert (
        said == f"edgenas: --budget-ms {value} is not a number of ms above 0, such as 8; give one, without its unit\n"
    )


@pytest.mark.parametrize("option", ["macs", "params", "mb", "memory-mb"])
def test_every_other_kind_of_budget(option: str, refused: Callable[..., str]) -> None:
    for value in WRONG:
        assert f"--budget-{option} {value} is not a number of" in refused(*SEARCH, f"--budget-{option}", value)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--budget-macs", "1"), r"fits 1 MACs: the smallest reachable is [\d.]+ MACs; give at least that"),
        (("--budget-params", "1"), r"fits 1 params: the smallest reachable is [\d.]+ params"),
        (("--budget-mb", "1e-6"), r"fits 1e-06 MB of weights: the smallest reachable is [\d.]+ MB of weights"),
        (("--budget-macs", "1e9", "--budget-memory-mb", "1e-6"), r"fits 1e-06 MB of peak activations: the smallest"),
        (("--budget-macs", "1e9", "--budget-macs", "1"), r"fits 1 MACs: the smallest reachable"),
    ],
)
def test_a_budget_below_the_smallest_network(args: tuple[str, ...], says: str, refused: Callable[..., str]) -> None:
    (said,) = refused(*SEARCH, *args).splitlines()
    assert re.search(f"^edgenas: no network of nas_bench_macro {says}", said) and "edgenas spaces" in said


def macro(*more: str) -> tuple[str, ...]:
    return ("search", "nas_bench_macro", "--accuracy", "judge.py:judge", "--table", "table-litert.jsonl", *more)


@pytest.mark.parametrize("uncertainty", ["mean", "upper", "rss"])
def test_a_latency_below_the_fastest_network(uncertainty: str, refused: Callable[..., str]) -> None:
    said = refused(*macro("--uncertainty", uncertainty, "--budget-ms", "0.001"))
    smallest = said.partition("smallest reachable is ")[2].partition(" ms")[0]
    assert "fits 0.001 ms" in said and float(smallest) > 0.001
    given = {"table": "table-litert.jsonl", "budget_ms": float(smallest), "uncertainty": uncertainty}
    found = edgenas.search("nas_bench_macro", accuracy=by_macs, algorithms="random", max_trials=2, **given)
    assert found.best.cost is not None, "the budget that the message names can be kept"
    with pytest.raises(BudgetError, match=r"fits 0\.001 ms") as caught:
        edgenas.search("nas_bench_macro", accuracy=by_macs, **{**given, "budget_ms": 0.001})
    assert isinstance(caught.value, edgenas.InputError)


def test_a_limit_on_another_device(refused: Callable[..., str]) -> None:
    base = macro("--budget-macs", "1e9", "--unvalidated")
    for value in WRONG:
        said = refused(*base, "--also", f"table-onnxruntime.jsonl={value}")
        assert f"--also table-onnxruntime.jsonl= {value} is not a number of ms above 0" in said


def test_a_budget_above_every_network_is_said_and_searched(here: Path) -> None:
    heard = Recorder()
    edgenas.search(
        "nas_bench_macro",
        accuracy=by_macs,
        budget_macs=1e15,
        budget_memory_mb=1e6,
        algorithms="random",
        max_trials=2,
        listener=heard,
    )
    told = [text for text in heard.messages if text.startswith("every network of nas_bench_macro is inside ")]
    assert ["1e+15 MACs: the largest" in told[0], "1e+06 MB of peak activations: the" in told[1]] == [True, True]
    heard = Recorder()
    edgenas.search(
        "nas_bench_macro", accuracy=by_macs, budget_macs=60e6, max_trials=2, algorithms="random", listener=heard
    )
    assert not [text for text in heard.messages if text.startswith("every network")]


@pytest.mark.parametrize("budget", [math.nan, math.inf, 0, -1.0, "8ms", None])
@pytest.mark.parametrize(
    "name", ["search", "ship", "bundle", "watch", "verify", "sustain", "profile_for_search", "front"]
)
def test_functions(name: str, budget: Any, here: Path) -> None:
    if budget is None and name not in ("ship", "front"):
        pytest.skip("None is no budget, which this function accepts")
    before = sorted(here.rglob("*"))
    calls: dict[str, Callable[[], object]] = {
        "search": lambda: edgenas.search("nas_bench_macro", accuracy=by_macs, budget_ms=budget, out="s.json"),
        "ship": lambda: edgenas.ship("nas_bench_macro", images="photos", budget_ms=budget),
        "bundle": lambda: edgenas.bundle("model", "new", search="search.json", test="photos", budget_ms=budget),
        "watch": lambda: edgenas.watch("model", budget_ms=budget, port=0),
        "verify": lambda: edgenas.verify("model.tflite", budget_ms=budget),
        "sustain": lambda: edgenas.sustain("model.tflite", time="10m", budget_ms=budget),
        "profile_for_search": lambda: edgenas.profile_for_search("nas_bench_macro", budget_ms=budget),
        "front": lambda: Front(SPACE, "ms", (FrontMember(1.0, 90.0, "0.0.0.0.0.0.0.0"),), "judged").at(budget),
    }
    with pytest.raises(edgenas.InputError, match=r"is not a number of ms above 0"):
        calls[name]()
    assert sorted(here.rglob("*")) == before


def test_ship_looks_at_the_table_first(here: Path) -> None:
    """With a table that has every block, an impossible budget is refused before a folder, pictures or a device."""
    order = ShipRequest(
        SPACE, "train", TrainRecipe(1), budget=BudgetRequest(ms=(0.001,)), table=here / "table-litert.jsonl"
    )
    with pytest.raises(BudgetError, match=r"fits 0\.001 ms: the smallest reachable is"):
        ShipPipeline(here / "out", Entry("local", "local", "python3"), order).run()
    assert not (here / "out").exists()
