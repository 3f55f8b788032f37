"""docs/file-formats.md names the fields that files have, no fewer and no more, and the versions that they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from edgenas.adaptive.trial import VERSION as TRIAL_VERSION
from edgenas.adaptive.trial import AdaptiveTrial, TrialFrame, trial_text
from edgenas.api.inventory import INVENTORY
from edgenas.blocks.pretrained.own import VERSION as WEIGHTS_VERSION
from edgenas.devices.sections import AdbSection, LocalSection, Section, SshSection
from edgenas.latency_tables.imported import FORMAT_VERSION as IMPORTED_VERSION
from edgenas.latency_tables.store.migration import FORMAT_VERSION
from edgenas.profiler.export.quantize_onnx import WEIGHT_BITS
from edgenas.profiler.sustained_load import MinuteReading, Slowdown, SustainedLoad
from edgenas.profiler.target import Target
from edgenas.profiler.verdict import Verdict
from edgenas.runs.bundle import BUNDLE, BundleRecord, manifest
from edgenas.runs.documents import DocumentKind
from edgenas.runs.finalists import FINALISTS, Finalist
from edgenas.runs.layout import MANIFEST
from edgenas.runs.menu import MENU
from edgenas.runs.network import NETWORK
from edgenas.runs.preprocessing import PREPROCESSING
from edgenas.runs.pretrained import PRETRAINED
from edgenas.runs.run import RUN, FileRecord, RunRecord
from edgenas.runs.search import SEARCH, Answer, FrontPoint, SavedExplanation, SavedRounds
from edgenas.runs.sustained import SUSTAINED
from edgenas.runs.verification import VERIFICATION
from edgenas.search.explanation import CostShare, NextBetter
from edgenas.search.journal import VERSION as TRIALS_VERSION
from edgenas.ship.device_accuracy import AccuracyOnDevice
from edgenas.ship.preprocessing import PREDICT
from tests.edgenas.test_cli import edgenas
from tests.latency_tables.test_journal import SETTING
from tests.support.docs_pages import text_of
from tests.support.menu_toys import write_toy_menu
from tests.support.report_toys import write_tables

PAGE = "docs/file-formats.md"


def fields_under(heading: str) -> set[str]:
    """The names in the first column of the table below a heading."""
    found = re.search(rf"^##+ {heading}\n(.*?)(?=^##|\Z)", text_of(PAGE), re.DOTALL | re.MULTILINE)
    assert found, f"{PAGE} has no heading {heading}"
    rows = re.findall(r"^\| (`[^|]*`) \|", found[1], re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def keys(records: Iterable[dict[str, Any]]) -> set[str]:
    return {key for record in records for key in record}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tables with a record of every kind."""
    folder = tmp_path_factory.mktemp("formats")
    write_tables(folder)
    return folder


@pytest.fixture(scope="module")
def search(run: Path) -> dict[str, Any]:
    """What the verb itself writes."""
    (run / "my_judge.py").write_text("def judge(network):\n    return 50 + network.macs ** 0.1\n")
    edgenas(
        "search",
        "nas_bench_macro",
        "--table",
        "table-litert.jsonl",
        "--budget-ms",
        "1e3",
        "--accuracy",
        "my_judge:judge",
        "--algorithm",
        "random",
        "--max-trials",
        "3",
        cwd=run,
    )
    found = json.loads((run / "search.json").read_text())
    assert isinstance(found, dict)
    return found


def test_tables(run: Path) -> None:
    lines = [json.loads(line) for path in sorted(run.glob("table-*.jsonl")) for line in path.read_text().splitlines()]
    headers = [line for line in lines if "kind" not in line]
    assert keys(headers) == fields_under("Header")
    assert keys(header["setting"] for header in headers) == fields_under("Setting")
    assert {header["version"] for header in headers} == {FORMAT_VERSION}
    kinds = {line["kind"] for line in lines if "kind" in line}
    assert kinds == {"measurement", "failure", "void", "validation"}
    for kind in kinds:
        assert keys(line for line in lines if line.get("kind") == kind) == fields_under(kind.capitalize())


def test_a_prior() -> None:
    from edgenas.blocks.spec import BlockSpec
    from edgenas.latency_tables.records import Prior
    from edgenas.latency_tables.store.lines import record_to_json

    assert keys([record_to_json(Prior("t", "0", "pi", {BlockSpec.parse("conv-8x3-o4-k3-s1"): 1.0}))]) == fields_under(
        "Prior"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("search")
def test_judged_networks(run: Path) -> None:
    header, *trials = [json.loads(line) for line in (run / "search.trials.jsonl").read_text().splitlines()]
    assert set(header) == fields_under("Header of judged networks")
    assert keys(trials) == fields_under("Judged network")


@pytest.mark.slow
def test_searches(search: dict[str, Any]) -> None:
    assert set(search) == fields_under("Top")
    assert keys(search["runs"]) == fields_under("Run") | fields_under("Answer")
    assert fields_under("Run") | fields_under("Answer") == {"trials", *search["winner"]}
    assert keys(search["winner"]["limits"]) == fields_under("Limit")
    assert set(search["explanation"]) == fields_under("Explanation")
    limits = keys(search["explanation"]["limits"])
    assert limits - fields_under("Limit") == {"active", "more"}
    named = re.search(r"`trials` \| in order: (.*?)\.", text_of(PAGE))
    assert named and set(re.findall("`([^`]+)`", named[1])) == keys(search["runs"][0]["trials"])


def written(form: type) -> set[str]:
    """Names that a record is written with."""
    return {each.name for each in fields(form)} | set(getattr(form, "DERIVED", ()))


def row(first: str) -> set[str]:
    """Names that the second column mentions in the rows of the page whose first column begins with ``first``."""
    found = re.findall(rf"^\| `{first}`[^|]*\|(.*)\|$", text_of(PAGE), re.MULTILINE)
    return set(re.findall(r"`([a-z_]+)`", " ".join(found)))


def test_records() -> None:
    head = {"format", "version", "edgenas"}
    assert fields_under("Answer") == written(Answer)
    assert fields_under("Explanation") == written(SavedExplanation)
    assert fields_under("Raised limit") == {"active", "more"} and written(NextBetter) <= row("more")
    assert written(CostShare) <= row("dearest_blocks") and written(FrontPoint) <= row("front")
    assert written(SavedRounds) <= row("remeasured")
    assert fields_under("Record") == head | written(RunRecord)
    assert fields_under("File") == written(FileRecord)
    assert fields_under("Finalists") == head | {"of", "finalists"}
    assert fields_under("Finalist") == written(Finalist)
    assert fields_under("Preprocessing") == head | written(PREPROCESSING.form)
    assert fields_under("Published weights") == head | written(PRETRAINED.form)
    assert fields_under("Bundle") == head | written(BundleRecord)


def test_every_kind_is_named_with_its_version() -> None:
    told = text_of(PAGE)
    kinds: tuple[DocumentKind[Any], ...] = (SEARCH, RUN, FINALISTS, PREPROCESSING, PRETRAINED, VERIFICATION, BUNDLE)
    for kind in kinds:
        assert f"| `{kind.format}`, {kind.version}" in told, kind.format
    assert f"`{NETWORK.format}`,\n{NETWORK.version}, the version" in told


def test_verifications() -> None:
    assert fields_under("Verification") == {"format", "version", *written(Verdict)}


def test_accuracy_on_pictures() -> None:
    place = Target("pi4", "asimd")
    line = AccuracyOnDevice("m", "r", place, 2, 1, 9.0, 90.0, 7, place, 50.0, 1.0).as_dict()
    assert set(line) == fields_under("Accuracy on images")
    told = text_of(PAGE)
    assert all(f"`{name}`" in told for name in (*line["this_machine"], *line["accuracy_on"], WEIGHT_BITS))


def test_sustained_load() -> None:
    minute = MinuteReading(1, 60.0, 9, 1.0, 1.1, None, None, (), (1,), (1,))
    line = SUSTAINED.to_json(
        SustainedLoad("m", "0", "d", "litert", SETTING, "now", 60.0, 60.0, "run", "", (minute,), "median", None)
    )
    assert set(line) == fields_under("Sustained")
    assert keys(line["minutes"]) == fields_under("Minute")
    told = text_of(PAGE)
    assert f'"{SUSTAINED.format}", {SUSTAINED.version} |' in told
    assert all(f"`{name}`" in told for name in Slowdown.__dataclass_fields__)


def test_the_manifest(tmp_path: Path) -> None:
    (tmp_path / PREDICT).write_text("")
    (tmp_path / MANIFEST).write_text("")
    assert re.fullmatch(r"[0-9a-f]{64}  \S+\n", manifest(tmp_path))


def test_the_inventory() -> None:
    base = set(Section.model_fields)
    assert fields_under("Any kind") == base
    for kind, section in {"local": LocalSection, "ssh": SshSection, "adb": AdbSection}.items():
        assert fields_under(f"Kind {kind}") == set(section.model_fields) - base
    assert f"`{INVENTORY}`" in text_of(PAGE)


def test_versions() -> None:
    rows = dict(re.findall(r"^\| \[(.+?)\].*\| (\d)?[^|]*\|$", text_of(PAGE), re.MULTILINE))
    told = {name: int(version) for name, version in rows.items() if version}
    assert told == {
        "latency table": FORMAT_VERSION,
        "imported table": IMPORTED_VERSION,
        "judged networks": TRIALS_VERSION,
        "search": SEARCH.version,
        "run": RUN.version,
        "finalists": FINALISTS.version,
        "network": NETWORK.version,
        "preprocessing": PREPROCESSING.version,
        "published weights": PRETRAINED.version,
        "weights to begin from": WEIGHTS_VERSION,
        "verification": VERIFICATION.version,
        "sustained load": SUSTAINED.version,
        "bundle": BUNDLE.version,
        "menu": MENU.version,
        "trial": TRIAL_VERSION,
    }


def test_menus_and_trials(tmp_path: Path) -> None:
    saved = MENU.to_json(write_toy_menu(tmp_path / "menu"))
    assert saved.keys() == fields_under("menu.json")
    assert keys(saved["networks"]) == fields_under("Menu network")
    assert keys(file for network in saved["networks"] for file in network["files"].values()) == fields_under(
        "Menu file"
    )
    trial = AdaptiveTrial("pi4", "litert", "cpu:50", "0", 4.0, 3.0, (TrialFrame(0.0, "net-1", 1.0, False),), ())
    lines = [json.loads(line) for line in trial_text(trial).splitlines()]
    assert keys(lines) == fields_under("Trial")
