"""The report page, read as a browser without JavaScript would: what it shows, and that files cannot write into it."""

from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.base.files import write_whole
from edgenas.latency_tables.records import VoidedRounds
from edgenas.latency_tables.store.journal import TableWriter, read_journal
from edgenas.report.html import data_element, h, number, render
from edgenas.report.page import page
from edgenas.report.plot import Axis
from edgenas.report.sections.drift import processes
from edgenas.runs.gather import gather
from tests.edgenas.test_cli import edgenas
from tests.support.report_toys import HOSTILE, MESSAGE, write_run

VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Tags in order with their attributes, and the text outside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"left open: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        (self.scripts if inside in ("script", "style") else self.texts).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def text(self) -> str:
        return " ".join(self.texts)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("report") / "run")


@pytest.fixture(scope="module")
def text(run: Path) -> str:
    return page(gather([run]))


@pytest.fixture(scope="module")
def shown(text: str) -> Page:
    return Page(text)


def test_every_section_is_there_and_linked(shown: Page) -> None:
    sections = [a["id"] for a in shown.all("section")]
    assert sections == [
        "front",
        "limits",
        "winner",
        "trust",
        "verified",
        "sums",
        "sustained",
        "tables",
        "blocks",
        "drift",
        "progress",
        "failures",
        "missing",
        "provenance",
    ]
    assert [a["href"] for a in shown.all("a") if a["href"] != "#top"] == [f"#{name}" for name in sections]
    identities = [a["id"] for _, a in shown.tags if "id" in a]
    assert len(identities) == len(set(identities))


def test_what_files_say_stays_text(text: str, shown: Page) -> None:
    assert HOSTILE in shown.text and MESSAGE in shown.text  # both are read, as text
    assert len(shown.all("script")) == 2  # the data and the page's own
    assert shown.all("img") == []
    assert all(not name.startswith("on") for _, attributes in shown.tags for name in attributes)
    assert "example.org" not in text.replace("https://example.org/x", "", 1)  # once, in the table of failures


@given(st.text())
def test_any_text_comes_back_as_it_was(value: str) -> None:
    wanted = "".join(c if c >= " " or c in "\n\t" else "�" for c in value.encode("utf-8", "replace").decode())
    got = Page(render(h("p", value, title=value)))
    assert "".join(got.texts) == wanted
    assert got.all("p")[0]["title"] == wanted


@given(st.text())
def test_data_cannot_leave_its_script(value: str) -> None:
    made = render(data_element("data", {"a": value}))
    assert made.count("<") == 2
    assert json.loads("".join(Page(made).scripts)) == {"a": value}


def test_the_policy_allows_no_network(shown: Page) -> None:
    policy = next(a["content"] for a in shown.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None and "default-src 'none'" in policy
    assert "unsafe" not in policy and "connect-src" not in policy and "http" not in policy
    assert shown.all("link") == [{"rel": "icon", "href": "data:,"}]
    assert not any(a.get("src") or a.get("style") for _, a in shown.tags)


def test_every_judged_network_is_a_point_in_every_series(run: Path, shown: Page) -> None:
    search = json.loads((run / "search.json").read_text())
    judged = {trial["key"] for one in search["runs"] for trial in one["trials"]}
    points = [a for a in shown.all("svg") if a.get("role") == "option"]
    assert {a["data-series"] for a in points} == {"0", "1"}
    assert len(points) == 2 * len(judged)
    data = json.loads(next(s for s in shown.scripts if s.startswith('{"series"')))
    assert len(data["networks"]) == len(judged)
    assert all(0 <= b < len(data["ms"]) for network in data["networks"] for b in network["blocks"])
    assert "sums of blocks that were not validated" in shown.text


def test_the_page_of_a_table_alone(run: Path) -> None:
    only = Page(page(gather([run / "table-onnxruntime.jsonl"])))
    assert [a["id"] for a in only.all("section")] == ["tables", "blocks", "drift", "failures", "missing", "provenance"]
    assert "never validated" in only.text


def test_a_search_without_its_table_keeps_its_own_costs(run: Path) -> None:
    only = Page(page(gather([run / "search.json"])))
    assert [a["id"] for a in only.all("section")] == ["front", "limits", "trust", "progress", "missing", "provenance"]
    assert {a["data-series"] for a in only.all("svg") if a.get("role") == "option"} == {"0"}


def test_verified_files_are_held_against_predictions(run: Path, tmp_path: Path) -> None:
    verdicts = json.loads((run / "run.json").read_text())["verdicts"]
    as_list, as_lines = tmp_path / "verified.json", tmp_path / "verification.jsonl"
    as_list.write_text(json.dumps(verdicts))
    as_lines.write_text("".join(json.dumps(v) + "\n" for v in verdicts))
    for path in (as_list, as_lines):
        assert [v.file for v in gather([path]).verdicts] == ["model.tflite", "model.onnx"]
        shown = Page(page(gather([path])))
        assert "sums" in [a["id"] for a in shown.all("section")]
        assert "min, 1.36 … 1.44, 95 %" in shown.text, "an interval says of which statistic it is"


def test_rounds_that_drifted_are_seen(run: Path) -> None:
    campaign = processes(read_journal(run / "table-onnxruntime.jsonl").table)
    assert {p.batch: p.void for p in campaign} == {"p0": frozenset(), "p1": frozenset({2, 3, 4}), "p2": frozenset()}
    assert all(len(p.off) == 10 and all(abs(off) < 0.2 for off in p.off) for p in campaign)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20), st.sampled_from([None, True, False]))
def test_an_axis_holds_its_values_and_few_ticks(values: list[float], log: bool | None) -> None:
    axis = Axis.around(values, log=log)
    places = [axis.at(v) for v in sorted(values)]
    assert all(0 <= place <= 100 for place in places) and places == sorted(places)
    ticks = axis.ticks()
    assert 1 <= len(ticks) <= 40
    assert all(axis.low * (1 - 1e-6) <= t <= axis.high * (1 + 1e-6) for t in ticks)


@given(st.floats(1e-9, 1e12))
def test_numbers_have_three_digits(value: float) -> None:
    text = number(value)
    assert math.isclose(float(text.replace(",", "")), value, rel_tol=0.0051)
    assert "e" not in text or value >= 1e5


@pytest.mark.slow
def test_the_command(run: Path, tmp_path: Path) -> None:
    told = json.loads(edgenas("report", run, "-o", "r.html", "--json", cwd=tmp_path).stdout)
    assert (told["tables"], told["searches"], told["verified files"]) == (2, 1, 2)
    assert re.match(r"<!doctype html>", (tmp_path / "r.html").read_text())
    assert (
        "none: No such file or directory; name what demo, ship, profile"
        in edgenas("report", "none", cwd=tmp_path, check=2).stderr
    )
    (tmp_path / "notes.json").write_text('{"a": 1}')
    assert "is no latency table" in edgenas("report", "notes.json", cwd=tmp_path, check=2).stderr
    (tmp_path / "empty").mkdir()
    assert "make some: edgenas demo" in edgenas("report", "empty", cwd=tmp_path, check=2).stderr


def test_a_search_that_is_none_is_named_with_its_field(run: Path, tmp_path: Path) -> None:
    data = json.loads((run / "search.json").read_text())
    for value, says in (
        ("high", r"search\.json: runs\.0\.trials\.0\.accuracy"),
        (float("nan"), r"search\.json is not JSON \(NaN is not a JSON number\)"),
    ):
        data["runs"][0]["trials"][0]["accuracy"] = value
        (tmp_path / "search.json").write_text(json.dumps(data))
        with pytest.raises(InputError, match=says):
            gather([tmp_path / "search.json"])


def test_a_page_that_cannot_be_written_is_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a file that can be written"):
        write_whole(tmp_path / "nowhere" / "report.html", "page")


def test_a_predicted_front_is_drawn_with_its_error_or_not_at_all(run: Path, tmp_path: Path) -> None:
    saved = json.loads((run / "search.json").read_text())
    assert saved["front_error"] is not None and all(p["low"] <= p["predicted_accuracy"] <= p["high"] <= 100
                                                    for p in saved["front"])  # fmt: skip
    whole = page(gather([run / "search.json"]))
    assert 'class="line guess s7"' in whole and 'class="band s7"' in whole
    assert "each left out in turn, its error is" in whole
    for point in saved["front"]:
        point["low"] = point["high"] = None
        point["predicted_accuracy"] += 15
    (tmp_path / "search.json").write_text(json.dumps({**saved, "front_error": None, "front_doubt": "few were judged"}))
    without = page(gather([tmp_path / "search.json"]))
    assert 'class="line guess s7"' not in without and 'class="band s7"' not in without
    assert "The predicted front is not drawn: few were judged." in without
    assert 'class="line predicted s0"' in whole and 'class="line predicted s0"' in without  # of the judged networks


def test_both_accuracies_of_the_network_that_ships_are_drawn_and_named(run: Path, shown: Page, text: str) -> None:
    stars = [a["class"] for a in shown.all("path") if "star" in (a.get("class") or "").split()]
    assert sum("judged" in str(c) for c in stars) == 2 and len(stars) >= 4  # each in the chart and in the legend
    record = json.loads((run / "run.json").read_text())
    judged = json.loads((run / "search.json").read_text())["winner"]["accuracy"]
    assert f"{judged:.1f} % judged" in shown.text and f"{record['accuracy']:.1f} % trained in full" in shown.text
    assert f"shipped: {record['accuracy']:.1f} %, trained in full" in shown.text


def test_one_time_for_one_block_everywhere(run: Path, shown: Page) -> None:
    data = json.loads(next(s for s in shown.scripts if s.startswith('{"series"')))
    explained = json.loads((run / "search.json").read_text())["explanation"]
    network = next(n for n in data["networks"] if n["key"] == explained["key"])
    times = sorted((data["ms"][b][0] for b in network["blocks"]), reverse=True)
    dearest = [spent["cost"] for spent in explained["dearest_blocks"]]
    assert times[: len(dearest)] == pytest.approx(dearest, rel=1e-3)  # panel, chart and table of the dearest blocks
    total = sum(times) + data["fixed"][0]
    assert [t / total for t in times[:3]] == pytest.approx(
        [s["share"] for s in explained["dearest_blocks"]][:3], rel=1e-3
    )
    assert data["ways"] == ["of the whole, calibrated", "alone, not calibrated"]
    assert "Time of each block alone in ms" in shown.text and "ms of the whole, calibrated, under" in shown.text


def test_the_first_sentence_and_the_slider(shown: Page) -> None:
    at = shown.texts.index(next(t for t in shown.texts if t.startswith("Fits: ")))
    assert at < shown.texts.index("Accuracy against latency", at)
    assert [a["type"] for a in shown.all("input") if a.get("class") == "slide"] == ["range"]
    data = json.loads(next(s for s in shown.scripts if s.startswith('{"series"')))
    choices = data["figures"][0]["networks"]
    assert [c[0] for c in choices] == sorted(c[0] for c in choices)
    accuracies = [float(c[1].removesuffix(" %")) for c in choices]
    assert accuracies == sorted(accuracies) and all(data["networks"][c[2]]["key"] == c[3] for c in choices)


def test_most_rounds_discarded_is_said_wherever_a_table_is_named(run: Path, tmp_path: Path) -> None:
    table = tmp_path / "table-onnxruntime.jsonl"
    table.write_bytes((run / "table-onnxruntime.jsonl").read_bytes())
    journal = read_journal(table)
    with TableWriter(table, journal.table.setting, "0.3.0") as writer:
        writer.append([VoidedRounds(f"p{n}", 0, 9, 0.2) for n in range(2)])
    made = page(gather([table]))
    assert made.count("20 of 30 rounds discarded") >= 4  # title, heat map, drift, provenance
