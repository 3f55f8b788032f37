"""A search over a space that was built in Python is opened again by every reader, without the program that built it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.report.networks import members
from edgenas.report.series import all_series
from edgenas.runs.gather import gather
from edgenas.runs.search import read_search
from edgenas.search.spaces.recorded import recorded_space
from edgenas.watch.best_so_far import best_so_far
from tests.edgenas.test_cli import edgenas as command
from tests.latency_tables.test_journal import SETTING
from tests.search.test_recorded_spaces import mine
from tests.support.report_toys import Pi


def by_macs(network: edgenas.Architecture) -> float:
    return float(network.macs**0.1)


@pytest.fixture(params=["object", "function"])
def searched(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a search over a space that only this test knows."""
    given = mine() if request.param == "object" else mine
    edgenas.search(given, accuracy=by_macs, budget_macs=1e9, algorithms="mathnas", out=tmp_path / "search.json")
    return tmp_path


def test_every_reader_opens_it(searched: Path) -> None:
    path = searched / "search.json"
    saved = read_search(path)
    assert recorded_space(saved.space, saved.code.space, "") == mine()
    keys = [trial.key for trial in saved.trials]
    assert members(saved, keys).keys() == {"0", "1"}
    assert [point.key for point in edgenas.front(path).points] == ["0", "1"]
    assert edgenas.network(path).architecture == mine().architecture((0, 1, 0))
    assert edgenas.report(path, out=searched / "r.html").path.is_file()


def test_a_search_continues_with_the_same_space_and_refuses_another(searched: Path) -> None:
    out = searched / "search.json"
    again = edgenas.search(mine(), accuracy=by_macs, budget_macs=1e9, out=out)
    assert again.explanation.judged == again.explanation.hits
    with pytest.raises(InputError, match="another then"):
        edgenas.search(mine(c_in=3), accuracy=by_macs, budget_macs=1e9, out=out)


def test_watch_prices_the_networks_of_its_journal(searched: Path) -> None:
    records = [Pi().measure((block,), n, "table", f"p{n}", 1.4) for block in mine().blocks() for n in range(3)]
    with TableWriter(searched / "table.jsonl", SETTING, "0.3.0") as writer:
        writer.append(records)
    material = gather([searched])
    (trials,) = material.trials
    (best,) = best_so_far(trials, all_series(material), (1e6,))
    assert best.network == "1" and best.cost_ms > 0


def test_a_file_of_an_older_edgenas_still_gives_its_network(searched: Path) -> None:
    path = searched / "search.json"
    data = json.loads(path.read_text())
    del data["space"]["layers"], data["space"]["c_in"]
    path.write_text(json.dumps(data))
    assert edgenas.network(path).architecture == mine().architecture((0, 1, 0))
    assert members(read_search(path), ["0"]).keys() == {"1"}, "networks that the file lists"
    with pytest.raises(InputError, match=r"search\.json keeps no layers of its space 'mine'"):
        edgenas.front(path)


@pytest.mark.slow
def test_the_commands_open_it(searched: Path) -> None:
    assert len(json.loads(command("front", "search.json", "--json", cwd=searched).stdout)["front"]) == 2
    assert len(json.loads(command("blocks", "search.json", "--json", cwd=searched).stdout)) == 3
    command("report", ".", "-o", "r.html", cwd=searched)
    assert json.loads(command("export", "search.json", "-o", "m", "--json", cwd=searched).stdout)
