"""Parts of the report page that not every run has, and what it says where they are missing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError
from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.latency_tables.validation import latest
from edgenas.profiler.verdict import Verdict
from edgenas.report.card import proved
from edgenas.report.html import render
from edgenas.report.page import page
from edgenas.report.plot import Axis, Plot
from edgenas.report.sections.limits import best_runs, limits_section
from edgenas.report.sections.trust import trust_section
from edgenas.report.series import all_series, series_of
from edgenas.runs.from_search import saved_explanation, saved_search
from edgenas.runs.gather import RunFiles, gather
from edgenas.runs.search import SEARCH
from edgenas.runs.sustained import SUSTAINED
from edgenas.search.explain import explain
from tests.edgenas.test_report import Page
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE
from tests.support.report_toys import Pi, searched, sustained, tau, under_load, write_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("sections") / "run")


@pytest.fixture(scope="module")
def explained(run: Path) -> dict[str, Any]:
    """What ``edgenas search`` writes of a search with a limit beside its budgets."""
    record, cost = searched(run, ("params", 1.2e6))
    saved = saved_search(
        record,
        table="table-litert.jsonl",
        statistic=cost.statistic,
        uncertainty="upper",
        explanation=saved_explanation(record, explain(record)),
    )
    return SEARCH.to_json(saved)


def test_limits_are_told_for_each_budget(explained: dict[str, Any]) -> None:
    search = SEARCH.of_json(explained, "search.json")
    runs = best_runs(search)
    assert [run.budget for run in runs] == [1.5, 2.5]
    assert [[limit.unit for limit in run.limits] for run in runs] == [["ms", "params"]] * 2
    shown = Page(f"<main>{_text(limits_section([search]))}</main>")
    assert shown.text.count("at most") == 1
    active = [limit for limit in explained["explanation"]["limits"] if limit["active"]]
    assert active and "The limit of" in shown.text.replace("the limit", "The limit")
    assert explained["explanation"]["limits"][0]["more"][0]["key"] in shown.text
    for spent in explained["explanation"]["dearest_blocks"]:
        assert spent["layer"] in shown.text


def test_a_search_that_tells_no_limits_has_none(explained: dict[str, Any]) -> None:
    older = {**explained, "explanation": None, "runs": [{**run, "limits": []} for run in explained["runs"]]}
    assert limits_section([SEARCH.of_json(older, "search.json")]) is None


@pytest.mark.parametrize(
    ("judge", "macs", "said"),
    [
        (tau(0.8, 0.6, 0.9), tau(0.3, 0.0, 0.5), "better than ranking by MACs"),
        (tau(0.5, 0.2, 0.7), tau(0.4, 0.1, 0.6), "the intervals overlap"),
        (tau(0.1, -0.3, 0.5), tau(0.4, 0.1, 0.6), "not shown to be better than a random order"),
    ],
)
def test_trust_says_what_its_interval_allows(
    explained: dict[str, Any], judge: dict[str, float], macs: dict[str, float], said: str
) -> None:
    made = trust_section([SEARCH.of_json({**explained, "trust": {"judge": judge, "macs": macs}}, "search.json")])
    text = Page(_text(made)).text
    assert said in text and f"{judge['value']:.2f}" in text and f"{judge['low']:.2f}".replace("-", "−") in text


def test_each_file_says_its_precision(run: Path, tmp_path: Path) -> None:
    verdict = json.loads((run / "run.json").read_text())["verdicts"][0]
    setting = {**SETTING.as_dict(), "precision": "int8"}
    record = {**verdict, "setting": setting, "peak_kib": 30_720}
    (tmp_path / "verification.jsonl").write_text(json.dumps(record) + "\n")
    only = Page(page(gather([tmp_path / "verification.jsonl"])))
    assert "int8" in only.text and "30.0" in only.text  # MiB
    assert next(a["id"] for a in only.all("section")) == "verified"
    both = page(gather([run, tmp_path]))  # the same measurement, told twice, as a bundle does
    assert Page(both).text.count(f"{verdict['p90_ms']:.2f}") == Page(page(gather([run]))).text.count(
        f"{verdict['p90_ms']:.2f}"
    )


def test_a_campaign_alone_says_what_is_missing(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "pi.jsonl", SETTING, "0") as writer:
        writer.append([Pi().measure((block,), 0, "table", "a") for block in SPACE.blocks()])
    shown = Page(page(gather([tmp_path])))
    assert [a["id"] for a in shown.all("section")] == ["tables", "blocks", "drift", "missing", "provenance"]
    for command in ("edgenas search SPACE --table pi.jsonl", "edgenas table validate pi.jsonl", "edgenas verify"):
        assert command in shown.text


def test_minutes_under_load_are_drawn(tmp_path: Path) -> None:
    path = tmp_path / "sustained.jsonl"
    slowed, held = under_load(budget_ms=13.0), under_load("b.onnx", growth=0)
    SUSTAINED.write_lines(path, [slowed, held])
    assert slowed.slower is not None and slowed.slower.low > 1 and held.slower is not None
    grown = " … ".join(f"{100 * (value - 1):.1f} %" for value in (slowed.slower.low, slowed.slower.high))
    between = " … ".join(f"{100 * (value - 1):.1f} %" for value in (held.slower.low, held.slower.high))
    shown = Page(page(gather([path])))
    assert next(a["id"] for a in shown.all("section")) == "sustained"
    assert (
        f"After 4 minutes a.tflite takes 27.3 % longer ({grown}), at 54 °C instead of 51; its worst minute, 4, "
        "is outside 13.0 ms." in shown.text
    )
    assert (
        f"b.onnx held its speed for 4 minutes ({between.replace('-', '−')})" in shown.text
        and "soft limit" in shown.text
    )
    line = sustained()
    line["minutes"][0]["median_ms"] = -1
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(
        InputError, match=r"sustained\.jsonl, line 1: minutes\.0\.median_ms is -1: it should be greater"
    ):
        gather([path])


def test_several_searches_and_units_share_a_page(run: Path, explained: dict[str, Any], tmp_path: Path) -> None:
    macs = {**explained, "unit": "MACs", "table": None}
    for name, data in (("a.json", explained), ("b.json", macs)):
        (tmp_path / name).write_text(json.dumps(data))
    shown = Page(page(gather([run / "table-litert.jsonl", tmp_path])))
    assert "Search 2" in shown.text
    assert len([a for a in shown.all("div") if a.get("class") == "plot dots"]) == 2
    identities = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(identities) == len(set(identities))


def test_an_empty_page_is_a_page() -> None:
    assert [a["id"] for a in Page(page(RunFiles(), live=True)).all("section")] == ["provenance"]


def _text(element: Any) -> str:
    from edgenas.report.html import render

    return render(element)


def test_no_mark_hides_the_label_of_a_budget() -> None:
    plot = Plot(Axis.around([1.0, 2.0]), Axis.around([80.0, 90.0]), "ms", "%", "front")
    plot.upright(1.5, "budget 1.5 ms", "budget")
    plot.mark((1.5, 81.0), "dot", title="a network")
    shown = render(plot.element())
    assert shown.index('class="budget"') < shown.index("a network") < shown.index("budget 1.5 ms")


def test_a_file_that_is_further_off_than_predictions_are_is_told(run: Path, tmp_path: Path) -> None:
    proof = latest(read_table(run / "table-litert.jsonl"))
    assert proof is not None
    share = proof.error_share()
    verdict = Verdict("model.tflite", "pi4", "litert", "min", 1.0, 0.9, 1.1, 1.0, 1.0, None, 1.0, None, SETTING)
    demo = json.loads((run / "run.json").read_text())["verdicts"][0]
    for factor, said in ((1 + 0.9 * share, ""), (1 - 0.9 * share, ""), (0.25, "75 % less time"), (3.0, "200 % longer")):
        wanted = f"model.tflite took {said} than predicted, outside that interval"
        told = proved(proof, replace(verdict, measured_ms=factor))
        assert wanted in told if said else told == proved(proof, None)
        (tmp_path / "verified.json").write_text(json.dumps([{**demo, "predicted_ms": 1.0, "measured_ms": factor}]))
        shown = Page(page(gather([run / "table-litert.jsonl", tmp_path / "verified.json"])))
        assert wanted in shown.text if said else "outside that interval" not in shown.text
    assert proved(proof, replace(verdict, predicted_ms=None)) == proved(proof, None)


def test_a_file_stands_in_the_series_of_its_precision(run: Path) -> None:
    material = gather([run])
    series = all_series(material)
    verdict = next(v for each in material.runs for v in each.verdicts if series_of(v, series) is not None)
    index = series_of(verdict, series)
    assert index is not None
    setting = next(iter(material.journals.values())).table.setting
    assert series_of(replace(verdict, setting=setting), series) == index
    assert series_of(replace(verdict, setting=replace(setting, precision="int8")), series) is None
