"""One road for a budget: the same request, policy and record under search, ship and demo."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.devices.inventory import Entry
from edgenas.search.budgets import BudgetRequest, Budgets, open_budgets, quantile_budgets
from edgenas.ship.demo import QUANTILES
from edgenas.ship.order import ShipRequest
from edgenas.ship.tables import ShipTables
from edgenas.training.data import TrainRecipe
from tests.latency_tables.test_validation import SPACE
from tests.support.listeners import Recorder
from tests.support.report_toys import write_tables

LOCAL = Entry("local", "local", sys.executable)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("budgets")
    write_tables(where)
    return where


def shipped(folder: Path, request: BudgetRequest, told: list[str]) -> Budgets:
    """The budgets that a ship in ``folder`` keeps."""
    order = ShipRequest(SPACE, "train", TrainRecipe(1), budget=request, quantiles=QUANTILES)
    return ShipTables(folder, LOCAL, order, 0, Recorder(messages=told)).budgets()


def test_ship_and_search_make_one_problem_of_one_budget(folder: Path) -> None:
    table, told = folder / "table-litert.jsonl", list[str]()
    ships = shipped(folder, BudgetRequest(ms=(2.0,)), told)
    again = open_budgets(BudgetRequest(ms=(2.0,), table=table, measured_again=True), SPACE)
    network = SPACE.architecture(SPACE.parse("1.1.1.1.1.1.1.1"))
    assert ships.facts() == again.facts()
    assert ships.facts() == {"statistic": ships.priced.statistic, "validated": True, "uncertainty": "rss"}
    counted = [kept.problem(SPACE, None, 2.0, 0).cost.total(network) for kept in (ships, again)]  # type: ignore[arg-type]
    assert counted[0] == counted[1] > ships.priced.cost.total(network)
    assert ships.priced.error_share == again.priced.error_share is not None
    assert ships.policy is not None and told[-1] == ships.policy
    assert "plus the root of the sum of squared errors" in ships.policy and "--uncertainty rss" in ships.policy


def test_only_what_is_not_measured_again_keeps_the_upper_bounds(folder: Path) -> None:
    table = folder / "table-litert.jsonl"
    kept = open_budgets(BudgetRequest(ms=(2.0,), table=table), SPACE)
    assert kept.facts()["uncertainty"] == "upper"
    assert kept.policy is not None and "the upper 95 % bounds of blocks (--uncertainty upper)" in kept.policy
    assert kept.policy.endswith(f"; statistic: {kept.priced.statistic}, the best one in the table's validation")
    given = open_budgets(BudgetRequest(ms=(2.0,), table=table, statistic="median"), SPACE)
    assert given.policy is not None and given.policy.endswith("; statistic: median")
    named = shipped(folder, BudgetRequest(ms=(2.0,), uncertainty="mean"), [])
    assert named.facts()["uncertainty"] == "mean"


def test_a_latency_that_is_a_limit_is_recorded_as_well(folder: Path) -> None:
    request = BudgetRequest(macs=(1e9, 2e9), ms=(2.0,), table=folder / "table-litert.jsonl")
    kept = open_budgets(request, SPACE)
    assert kept.facts() == {"statistic": None, "validated": True, "uncertainty": "upper"}
    assert kept.policy in kept.messages
    plain = open_budgets(BudgetRequest(macs=(1e9,)), SPACE)
    assert (plain.policy, plain.notes, plain.facts()["uncertainty"]) == (None, (), None)


def test_without_a_budget_a_ship_takes_quantiles_of_what_networks_are_expected_to_take(folder: Path) -> None:
    kept = shipped(folder, BudgetRequest(), [])
    assert kept.budgets == quantile_budgets(SPACE, kept.priced.cost, QUANTILES, 0)
    assert list(kept.budgets) == sorted(kept.budgets) and len(set(kept.budgets)) == 3
    with pytest.raises(InputError, match="give at least one budget"):
        open_budgets(BudgetRequest(), SPACE)
    with pytest.raises(InputError, match="--budget-ms needs --table; measure one: edgenas profile nas_bench_macro"):
        open_budgets(BudgetRequest(ms=(1.0,)), SPACE)
