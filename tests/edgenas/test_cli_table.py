"""``edgenas table`` as a person types it, with measured and with imported tables."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from edgenas.cli import main
from edgenas.cli.table import VERBS
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource, write_imported
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.latency_tables.table import LatencyTable
from edgenas.search.spaces import space
from tests.edgenas.test_cli import JUDGE
from tests.latency_tables.test_comparing import campaign
from tests.latency_tables.test_journal import SETTING
from tests.support.published import FBNET_JSON, TEXTS

OTHER = Setting.from_dict({**SETTING.as_dict(), "threads": 2})


def write(path: Path, table: LatencyTable, setting: Setting = SETTING) -> None:
    with TableWriter(path, setting, "0.1.0") as writer:
        writer.append(table.measurements)


@dataclass(frozen=True)
class Told:
    stdout: str
    stderr: str


class Prompt:
    """The command line inside this process, in one folder: a process of its own costs a second for each of 50."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys

    def __call__(self, *args: str | Path, check: int = 0) -> Told:
        """Run ``edgenas ARGS``; ``check`` is the exit code it must have."""
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            with pytest.raises(SystemExit) as end:
                main([str(arg) for arg in args])
        finally:
            os.chdir(before)
        told = Told(*self._capsys.readouterr())
        assert (end.value.code or 0) == check, told
        return told


@pytest.fixture
def edgenas(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Prompt:
    monkeypatch.syspath_prepend(folder)  # where the judge is
    return Prompt(folder, capsys)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four campaigns (as before, one block 20 % slower, all 10 % slower, two threads) and the published texts."""
    where = tmp_path_factory.mktemp("table")
    rng = np.random.default_rng(0)
    ms = [float(value) for value in rng.uniform(0.05, 5, 25)]
    write(where / "monday.jsonl", campaign(rng, ms))
    write(where / "tuesday.jsonl", campaign(rng, ms))
    write(where / "changed.jsonl", campaign(rng, [*ms[:-1], 1.2 * ms[-1]]))
    write(where / "slower.jsonl", campaign(rng, [1.1 * value for value in ms]))
    write(where / "threads.jsonl", campaign(rng, ms), OTHER)
    for name, text in TEXTS.items():
        (where / f"{name}.txt").write_text(text)
    (where / "shapes.json").write_text(FBNET_JSON)
    (where / "table_judge.py").write_text(JUDGE)
    return where


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_with_an_example(verb: str, edgenas: Prompt) -> None:
    shown = edgenas("table", verb, "--help").stdout
    assert re.search(r"Example:\s+edgenas table " + verb, shown)


def test_campaigns_that_agree(edgenas: Prompt) -> None:
    told = edgenas("table", "diff", "monday.jsonl", "tuesday.jsonl")
    assert re.search(r"agree: +yes", told.stdout)
    found = json.loads(edgenas("table", "diff", "monday.jsonl", "tuesday.jsonl", "--json").stdout)
    assert found["agree"] is True and found["off"] == [] and len(found["blocks"]) == 25
    assert found["factor_low"] <= found["factor"] <= found["factor_high"]


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ("changed.jsonl", "1 of 25 blocks off by themselves, most of all conv-8x25"),
        ("slower.jsonl", r"(9|10).* % slower"),
    ],
)
def test_campaigns_that_disagree(edgenas: Prompt, other: str, says: str) -> None:
    told = edgenas("table", "diff", "monday.jsonl", other, "--json", check=1)
    found = json.loads(told.stdout)
    assert found["agree"] is False and re.search(says, told.stderr)
    assert re.search(r"agree: +no", edgenas("table", "diff", "monday.jsonl", other, check=1).stdout)


def test_tables_of_different_settings_are_compared_and_not_judged(edgenas: Prompt) -> None:
    refused = edgenas("table", "diff", "monday.jsonl", "threads.jsonl", check=2).stderr
    assert "different settings (threads 1 / 2)" in refused and "--across-settings" in refused
    across = ("table", "diff", "monday.jsonl", "threads.jsonl", "--across-settings")
    shown = edgenas(*across).stdout
    assert "ratio" in shown and re.search(r"agree: +not judged", shown)
    found = json.loads(edgenas(*across, "--json").stdout)
    assert (found["agree"], found["settings_differ"]) == (None, ["threads 1 / 2"])


@pytest.mark.parametrize(
    ("name", "of", "budget_ms"),
    [("single-path", "single_path", "70"), ("tunas", "proxylessnas", "90"), ("fbnet", "fbnet", "25")],
)
@pytest.mark.slow
def test_from_a_published_table_to_a_network(edgenas: Prompt, name: str, of: str, budget_ms: str) -> None:
    table = f"{name}.jsonl"
    told = json.loads(edgenas("table", "import", f"{name}.txt", "--format", name, "-o", table, "--json").stdout)
    assert told["blocks"] == len(space(of).blocks()) and told["source"]["space"] == of
    shown = edgenas("table", "show", table).stdout
    assert "imported from" in shown and "no intervals" in shown and "quality:" in shown
    edgenas("table", "check", table, "--space", of)
    again = edgenas("table", "import", f"{name}.txt", "--format", name, "-o", table, check=2).stderr
    assert "exists and is not overwritten" in again

    search = (
        "search",
        of,
        "--table",
        table,
        "--budget-ms",
        budget_ms,
        "--unvalidated",
        "--accuracy",
        "table_judge:by_macs",
        "--algorithm",
        "mathnas",
        "-o",
        f"{name}.search.json",
    )
    assert "--statistic mean" in edgenas(*search, "--statistic", "min", check=2).stderr
    record = json.loads(edgenas(*search, "--json").stdout)
    assert (record["statistic"], record["validated"]) == ("mean", False)
    assert 0.8 * float(budget_ms) < record["winner"]["cost"] <= float(budget_ms)


@pytest.mark.slow
def test_the_published_proxylessnas_table_is_searched(shared_data: Path, edgenas: Prompt) -> None:
    file = shared_data / "pixel1" / "proxylessnas_pixel_trim.yaml"
    told = edgenas("table", "import", file, "--format", "proxylessnas", "-o", "pixel1.jsonl")
    assert "Pixel 1" in told.stdout and "next: " in told.stdout
    search = ("search", "proxylessnas_24", "--table", "pixel1.jsonl", "--statistic", "mean", "--budget-ms", "80",
              "--unvalidated", "--accuracy", "table_judge:by_macs", "--algorithm", "mathnas", "-o", "p.json",
              "--json")  # fmt: skip
    assert 70 < json.loads(edgenas(*search).stdout)["winner"]["cost"] <= 80
    lacks = edgenas("table", "check", "pixel1.jsonl", "--space", "proxylessnas", check=1)
    assert "18 of 70 blocks of proxylessnas are not in what pixel1.jsonl was imported from" in lacks.stderr


def test_a_table_that_overhead_dominates_is_not_searched(edgenas: Prompt) -> None:
    blocks = space("fbnet").blocks()
    flat = {block: PublishedValue(10 + number % 7 / 10) for number, block in enumerate(blocks)}
    write_imported(edgenas.folder / "flat.jsonl", ImportedTable(TableSource("fbnet", "x", "", "Pi"), flat))
    search = ("search", "fbnet", "--table", "flat.jsonl", "--statistic", "mean", "--budget-ms", "300", "--unvalidated",
              "--accuracy", "table_judge:by_macs", "-o", "flat.json")  # fmt: skip
    refused = edgenas(*search, check=1).stderr
    assert "flat.jsonl: overhead dominates" in refused and "--budget-macs" in refused
    assert not (edgenas.folder / "flat.json").exists()
    checked = edgenas("table", "check", "flat.jsonl", "--space", "fbnet", "--json", check=1)
    assert json.loads(checked.stdout)["quality"]["overhead_dominated"] is True
    assert "overhead dominates" in edgenas("table", "show", "flat.jsonl").stdout


def test_tables_out_as_csv_and_parquet(edgenas: Prompt) -> None:
    pytest.importorskip("pyarrow", reason="pip install 'edgenas[parquet]'")
    out = ("--csv", "m.csv", "--parquet", "m.parquet", "--json")
    rows = json.loads(edgenas("table", "show", "monday.jsonl", *out).stdout)["blocks"]
    csv = pd.read_csv(edgenas.folder / "m.csv", keep_default_na=False, na_values="")
    pd.testing.assert_frame_equal(csv, pd.read_parquet(edgenas.folder / "m.parquet"), check_dtype=False)
    assert sorted(csv["min_ms"], reverse=True) == [row["min_ms"] for row in rows]


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("import", "tunas.txt", "--format", "magic", "-o", "x"), "no format 'magic'; there are proxylessnas"),
        (("import", "tunas.txt", "--format", "fbnet", "-o", "x"), "tunas.txt as fbnet: it holds the devices none"),
        (("import", "tunas.txt", "--format", "tunas", "--space", "digits", "-o", "x"), "for a space of 25"),
        (("import", "tunas.txt", "--format", "tunas"), "--out is missing"),
        (
            ("import", "ofa.txt", "--format", "ofa", "--in-size", "96", "-o", "x"),
            "leave out --in-size, --classes and --channels",
        ),
        (("import", "shapes.json", "--format", "fbnet", "-o", "x"), "devices raspi4; name one"),
        (("diff", "monday.jsonl", "none.jsonl"), "No such file"),
        (("diff", "monday.jsonl", "tuesday.jsonl", "--statistic", "mean"), "'mean' is not one of"),
        (("show", "tunas.txt"), "tunas.txt: no table in it"),
    ],
)
def test_misuse(edgenas: Prompt, args: tuple[str, ...], says: str) -> None:
    result = edgenas("table", *args, check=2)
    assert says in result.stderr and not (edgenas.folder / "x").exists()


def test_an_imported_table_has_no_interval_to_compare(edgenas: Prompt) -> None:
    edgenas("table", "import", "shapes.json", "--format", "fbnet", "--device-column", "raspi4", "-o", "s.jsonl")
    assert "no samples" in edgenas("table", "diff", "monday.jsonl", "s.jsonl", check=2).stderr
