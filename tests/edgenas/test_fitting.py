"""``edgenas table fit`` and ``edgenas profile --whole``: a table from whole networks, and what is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

import edgenas
from edgenas.cli import main
from edgenas.latency_tables.store.journal import read_table

SPACE = edgenas.space("nas_bench_macro", 8)
RNG = random.Random(0)
CHOICES = sorted({SPACE.sample(RNG) for _ in range(30)})


def ms_of(choice: tuple[int, ...]) -> float:
    return 0.5 + SPACE.architecture(choice).macs / 1e6


ROWS = [f"{SPACE.key(choice)},{ms_of(choice)},20,0.01" for choice in CHOICES]
TEXT = "\n".join(["network,ms,n,sd", *ROWS, ""])


def typed(*args: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(map(str, args)))
    return int(end.value.code or 0)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "networks.csv").write_text(TEXT)
    return tmp_path


@pytest.mark.slow
def test_from_networks_to_a_search(capsys: pytest.CaptureFixture[str]) -> None:
    fit = ("table", "fit", "networks.csv", "--space", "nas_bench_macro", "--in-size", "8", "--device", "phone")
    assert typed(*fit, "-o", "mine.jsonl") == 0
    shown = capsys.readouterr().out
    assert "error of networks left out:" in shown
    assert "edgenas search nas_bench_macro --in-size 8 --table mine.jsonl --budget-ms MS --accuracy JUDGE" in shown
    assert typed(*fit, "-o", "other.jsonl", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    again = edgenas.fit_table("networks.csv", "third.jsonl", space=SPACE, device="phone")
    assert {**told, "written": ""} == {**again.to_json(), "written": ""}
    assert (told["networks"], told["blocks"]) == (len(CHOICES), 18) and told["error"] < 0.05
    assert "18 blocks from" in repr(again)

    found = edgenas.search(SPACE, table="mine.jsonl", budget_ms=4, accuracy=lambda network: network.macs / 1e6,
                           algorithms="mathnas")  # fmt: skip
    assert found.best.ms is not None and found.best.ms <= 4
    assert any("all are estimates from" in note for note in found.notes)
    assert found.to_json()["validated"] is True
    assert typed("table", "show", "mine.jsonl") == 0
    assert "90 % interval" in capsys.readouterr().out
    assert typed("table", "check", "mine.jsonl", "--space", "nas_bench_macro", "--in-size", "8") in (0, 1)


def test_the_prior_may_be_another_table() -> None:
    rows = [{"block": str(b), "ms": 0.001 + b.macs / 2e6} for b in SPACE.blocks()]
    Path("old.json").write_text(json.dumps(rows))
    edgenas.import_table("old.json", "old.jsonl", device="board")
    found = edgenas.fit_table("networks.csv", "mine.jsonl", space=SPACE, old="old.jsonl")
    assert found.result.table.source.notes == ("the prior is the table old.jsonl (board)",)
    assert found.result.as_dict()["error"] < 0.05


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("network,ms", "network,us", "networks.csv: it has no column ms; its columns are network, us"),
        ("network,ms", "net,ms", "neither a column network, such as"),
        (ROWS[1], ROWS[0], "line 3: network .* is given twice, first in line 2"),
        (ROWS[0], ROWS[0].replace(f"{ms_of(CHOICES[0])}", "0"), "line 2: ms is '0', not a latency above 0"),
        (ROWS[0], ROWS[0].replace(f"{ms_of(CHOICES[0])}", ""), "line 2: ms is '', not a latency above 0"),
        (ROWS[0], ROWS[0].replace(f"{ms_of(CHOICES[0])}", "1e400"), "line 2: ms is '1e400', not a finite number"),
        (ROWS[0], ROWS[0].replace(",0.01", ",-1"), "line 2: sd is -1"),
        (ROWS[0], ROWS[0].replace(",20,", ",0,"), "line 2: n is 0"),
        (ROWS[0], "9" + ROWS[0][1:], "line 2: space nas_bench_macro, layer .*: option 9"),
        (TEXT, "\n".join(["network,ms,n,sd", *ROWS[:7], ""]), "7 networks: 8 are the least"),
    ],
)
def test_damage_names_its_line_and_leaves_nothing(folder: Path, old: str, new: str, says: str) -> None:
    (folder / "networks.csv").write_text(TEXT.replace(old, new, 1))
    with pytest.raises(edgenas.InputError, match=says):
        edgenas.fit_table("networks.csv", "mine.jsonl", space=SPACE)
    assert [path.name for path in folder.iterdir()] == ["networks.csv"]


@pytest.mark.slow
def test_whole_networks_are_measured_and_fitted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The samples stay in a file beside the table, and are not measured twice."""
    command = ("profile", "nas_bench_macro", "--in-size", "8", "--whole", "9", "--rounds", "1", "--processes", "1",
               "--most-processes", "1", "--force", "-o", "w.jsonl", "--json")  # fmt: skip
    assert typed(*command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["networks"], told["failed"], told["measured"]) == (9, 0, "w.networks.jsonl")
    samples = (folder / "w.networks.jsonl").read_bytes()
    assert len(read_table("w.networks.jsonl").pieces) == 9 and read_table("w.networks.jsonl").blocks == ()
    assert typed(*command) == 2
    assert "w.jsonl exists and is not overwritten" in capsys.readouterr().err
    (folder / "w.jsonl").unlink()
    assert typed(*command) == 0
    assert (folder / "w.networks.jsonl").read_bytes() == samples
    assert {**json.loads(capsys.readouterr().out), "seconds": 0} == {**told, "seconds": 0}


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nas_bench_macro", "--whole", "7"), "7 networks: 8 are the least"),
        (("--block", "conv-8x3-o4-k3-s1", "--whole", "9"), "--whole takes a whole space"),
        (("nas_bench_macro", "--whole", "9", "--chains"), "--whole takes a whole space"),
        (("nas_bench_macro", "--whole", "9", "--from", "t.jsonl", "--blocks", "9"), "belong to --from without --whole"),
    ],
)
def test_misuse(folder: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...], says: str) -> None:
    assert typed("profile", *args) == 2
    assert says in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["networks.csv"]
