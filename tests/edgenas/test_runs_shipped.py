"""A search names the network that shipped; export, the page, its explanation and the card speak of that one. Files of
edgenas 0.2 open, and say the same by the run beside them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgenas.cli import main
from edgenas.report.card import card, card_data
from edgenas.report.page import page
from edgenas.runs.finalists import FINALISTS
from edgenas.runs.from_search import saved_answer, saved_explanation
from edgenas.runs.gather import gather
from edgenas.runs.network import NETWORK
from edgenas.runs.preprocessing import PREPROCESSING
from edgenas.runs.run import RUN
from edgenas.runs.search import SEARCH, read_network, read_search
from edgenas.runs.sustained import SUSTAINED
from edgenas.runs.verification import VERIFICATION, read_list
from edgenas.search.explain import explain
from edgenas.search.spaces import space
from edgenas.search.trial_file import read_trials
from tests.conftest import ROOT
from tests.edgenas.test_report import Page
from tests.latency_tables.test_validation import SPACE
from tests.support.report_toys import searched, write_finished_run

GOLDEN = ROOT / "tests" / "golden" / "run-0.2"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run in which another network shipped than the winner at the first budget."""
    folder = write_finished_run(tmp_path_factory.mktemp("shipped") / "run", ("fp32",))
    record, _ = searched(folder)
    saved = read_search(folder / "search.json")
    budget = 2.5
    taken = {run.key for run in saved.runs}
    trial = next(
        t
        for run in record.runs
        if run.budget == budget
        for t in run.result.trials
        if t.cost <= budget and SPACE.key(t.choice) not in taken
    )
    answering = record.answering(trial, budget)
    saved = replace(
        saved,
        shipped=saved_answer(record, answering),
        explanation=saved_explanation(record, explain(record, answering)),
    )
    SEARCH.write(folder / "search.json", saved)
    NETWORK.write(folder / "arch.json", SPACE.architecture(trial.choice))
    made = RUN.read(folder / "run.json")
    RUN.write(folder / "run.json", replace(made, winner=SPACE.key(trial.choice), budget_ms=budget, finalists=()))
    return folder


def typed(*argv: str | Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in argv])
    assert ended.value.code in (0, None)


def test_everything_speaks_of_the_network_that_shipped(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = read_search(run / "search.json")
    assert saved.shipped is not None and saved.explanation is not None
    shipped = saved.shipped
    assert saved.answer == shipped and shipped.key != saved.winner.key and shipped.budget == 2.5
    assert saved.explanation.key == shipped.key
    assert [limit.most for limit in saved.explanation.limits] == [2.5]
    assert {spent.block for spent in saved.explanation.dearest_blocks} <= set(map(str, shipped.network.blocks))
    monkeypatch.chdir(tmp_path)
    typed("export", run / "search.json", "-o", "model")
    assert read_network(tmp_path / "model" / "arch.json") == shipped.network == NETWORK.read(run / "arch.json")
    shown = Page(page(gather([run]))).text
    assert f"{shipped.key} ships: " in shown and f"({shipped.key} ships)" in shown
    assert f"For {shipped.key}, " in shown and f"For {saved.winner.key}, " not in shown
    assert f"Most expensive blocks of {shipped.key}" in shown
    alone = Page(page(gather([run / "search.json"]))).text
    assert f"The network that ships within 2.50 ms is {shipped.key}" in alone
    told = card(card_data(run))
    assert f"# {shipped.network.name}\n" in told.replace("\\", "") and "within 2.5 ms" in told
    assert all(f"| {block} |" in told for block in shipped.network.blocks)


def test_a_search_that_shipped_nothing_speaks_of_its_winner(tmp_path: Path) -> None:
    shutil.copy(GOLDEN / "searched.json", tmp_path / "search.json")
    saved = read_search(tmp_path / "search.json")
    assert saved.shipped is None and saved.answer is saved.winner
    assert read_network(tmp_path / "search.json") == saved.winner.network


def test_front_finds_the_table_beside_the_search(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "table-litert.jsonl").write_text("of another device\n")
    typed("front", run / "search.json", "--json")
    beside = json.loads(capsys.readouterr().out)
    typed("front", run / "search.json", "--json", "--table", run / "table-litert.jsonl")
    assert beside == json.loads(capsys.readouterr().out) and len(beside["front"]) > 1


def named_now(value: Any) -> Any:
    """A value of search.json in version 1 or 2, with the names that three fields have since version 3."""
    if isinstance(value, list):
        return [named_now(each) for each in value]
    names = {"has": "value", "binds": "active", "paid": "newly_judged"}
    return {names.get(k, k): named_now(v) for k, v in value.items()} if isinstance(value, dict) else value


def test_a_search_of_version_2_is_read_whole(tmp_path: Path) -> None:
    """Three fields were renamed; an algorithm's own notes keep their names."""
    before = {"value": "has", "active": "binds", "newly_judged": "paid"}

    def named_then(value: Any) -> Any:
        if isinstance(value, list):
            return [named_then(each) for each in value]
        return {before.get(k, k): named_then(v) for k, v in value.items()} if isinstance(value, dict) else value

    found = SEARCH.read(GOLDEN / "searched.json")
    found.runs[0].notes["has"] = {"paid": 1}
    data = {**named_then(SEARCH.to_json(found)), "version": 2}
    assert "binds" in data["explanation"]["limits"][0] and "paid" in data["winner"]
    (tmp_path / "search.json").write_text(json.dumps(data))
    assert SEARCH.read(tmp_path / "search.json") == found
    assert any(run.newly_judged for run in found.runs) and found.runs[0].trials[0].newly_judged


def known_then(now: Any, then: Any) -> Any:
    """Return what is read now without the fields that the old file did not have."""
    if isinstance(then, dict):
        return {name: known_then(now[name], value) for name, value in then.items()}
    if isinstance(then, list):
        return [known_then(*each) for each in zip(now, then, strict=True)]
    return now


def test_files_of_0_2_are_read_whole() -> None:
    """What they say is what is read: nothing is lost on the way."""
    raw = {path.name: json.loads(path.read_text()) for path in GOLDEN.glob("*.json")}
    made, run = RUN.read(GOLDEN / "run.json"), raw["run.json"]
    again = RUN.to_json(made)
    for file in again["files"].values():
        assert file.pop("accuracy_on") is None and file.pop("weight_bits") is None  # which 0.2 did not know
    same = {name: run[name] for name in run if name not in ("finalists", "edgenas")}
    assert known_then(again, same) == same
    for flat, finalist in zip(run["finalists"], again["finalists"], strict=True):
        told = {"key": finalist["key"], "judged_accuracy": finalist["accuracy"], **finalist["verdict"]}
        assert known_then(told, flat) == flat and told["setting"] is None
    for name in ("search.json", "searched.json"):
        saved, old = SEARCH.to_json(SEARCH.read(GOLDEN / name)), named_now(raw[name])
        assert saved["space"].pop("layers") == [] and saved["space"].pop("c_in") is None  # which 0.2 did not know
        same = set(old) - {"version", "explanation"}
        assert {key: saved[key] for key in same} == {key: old[key] for key in same}
        explained = saved["explanation"]
        assert explained["key"] == old["winner"]["key"]
        assert {key: explained[key] for key in old["explanation"] if key != "front"} == {
            key: value for key, value in old["explanation"].items() if key != "front"
        }
        for now, then in zip(explained["front"], old["explanation"]["front"], strict=True):
            assert {key: now[key] for key in then} == then and now["network"]["blocks"]
    kept = FINALISTS.to_json(FINALISTS.read(GOLDEN / "finalists.json"))
    assert known_then(kept, raw["finalists.json"]) == raw["finalists.json"]
    network = NETWORK.to_json(NETWORK.read(GOLDEN / "arch.json"))
    assert {key: network[key] for key in raw["arch.json"]} == raw["arch.json"]
    scaled = PREPROCESSING.to_json(PREPROCESSING.read(GOLDEN / "preprocessing.json"))
    assert {key: scaled[key] for key in raw["preprocessing.json"]} == raw["preprocessing.json"]
    (verdict,) = read_list(GOLDEN / "verified.json")
    assert known_then(VERIFICATION.to_json(verdict), raw["verified.json"][0]) == raw["verified.json"][0]
    lines = [json.loads(line) for line in (GOLDEN / "verification.jsonl").read_text().splitlines()]
    for line, verdict in zip(lines, VERIFICATION.read_lines(GOLDEN / "verification.jsonl"), strict=True):
        assert known_then(VERIFICATION.to_json(verdict), line) == line
    then = [
        {**{"requested_s" if name == "asked_s" else name: each for name, each in line.items()}, "version": 2}
        for line in map(json.loads, (GOLDEN / "sustained.jsonl").read_text().splitlines())
    ]
    loads = [SUSTAINED.to_json(one) for one in SUSTAINED.read_lines(GOLDEN / "sustained.jsonl")]
    assert known_then(loads, then) == then
    assert len(read_trials(GOLDEN / "search.trials.jsonl").judged) == len(
        {trial["key"] for run in raw["search.json"]["runs"] for trial in run["trials"]}
    )


def test_a_run_of_0_2_exports_what_it_shipped(tmp_path: Path) -> None:
    """Its search does not say what shipped; run.json and arch.json beside it do."""
    for name in ("run.json", "search.json", "arch.json"):
        shutil.copy(GOLDEN / name, tmp_path)
    old = json.loads((tmp_path / "run.json").read_text())
    search = json.loads((tmp_path / "search.json").read_text())
    other = next(t["key"] for t in search["runs"][0]["trials"] if t["key"] != search["winner"]["key"])
    (tmp_path / "run.json").write_text(json.dumps({**old, "winner": other}))
    digits = space("digits")
    network = digits.architecture(digits.parse(other))
    (tmp_path / "arch.json").write_text(json.dumps(network.to_json()))
    saved = read_search(tmp_path / "search.json")
    assert saved.shipped is not None and (saved.shipped.key, saved.shipped.budget) == (other, old["budget_ms"])
    assert read_network(tmp_path / "search.json") == network != saved.winner.network
    assert f"{other} ships: " in Page(page(gather([tmp_path]))).text
    (tmp_path / "run.json").unlink()
    assert read_network(tmp_path / "search.json") == saved.winner.network


def test_the_page_of_a_run_of_0_2() -> None:
    found = gather([GOLDEN])
    assert [source.path.name for source in found.sources] == [
        "run.json",
        "search.json",
        "search.trials.jsonl",
        "searched.json",
        "sustained.jsonl",
        "verification.jsonl",
        "verified.json",
    ]
    shown = Page(page(found)).text
    assert "0.1.3.4.5.0 ships: " in shown and "Active limits" in shown
