"""``edgenas profile --from`` on this machine: a few blocks measured, a table that can be searched, and what is
refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.cli import main
from edgenas.latency_tables.store.journal import read_table

SPACE = edgenas.space("nas_bench_macro", 8)
QUICK = ("--rounds", "1", "--processes", "1", "--most-processes", "1", "--force")


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Times of another device, made up from MACs."""
    folder = tmp_path_factory.mktemp("old")
    rows = [{"block": str(block), "ms": 0.01 + block.macs / 5e6} for block in SPACE.blocks()]
    (folder / "old.json").write_text(json.dumps(rows))
    edgenas.import_table(folder / "old.json", folder / "old.jsonl", device="phone")
    return folder / "old.jsonl"


def typed(*args: str | Path) -> int:
    with pytest.raises(SystemExit) as end:
        main(list(map(str, args)))
    return int(end.value.code or 0)


@pytest.mark.slow
def test_from_a_few_blocks_to_a_search(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    command = ("profile", "nas_bench_macro", "--in-size", "8", "--from", old, "-o", "new.jsonl", *QUICK)
    assert typed(*command, "--blocks", "4", "--networks", "0", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["report"]["measured"], first["report"]["predicted"], first["validation"]) == (4, 14, None)
    assert first["profile"]["measured_now"] == 4
    made = read_table(tmp_path / "new.jsonl")
    assert len(made.blocks) == 4 and made.prior is not None and made.prior.device == "phone"

    assert typed(*command, "--blocks", "6", "--networks", "8") == 0
    shown = capsys.readouterr().out
    assert "measured:" in shown and "needs more blocks:" in shown
    assert "next:                      edgenas search nas_bench_macro --in-size 8 --table new.jsonl" in shown
    made = read_table(tmp_path / "new.jsonl")
    assert len(made.blocks) == 6 and len(made.validations) == 1
    assert (tmp_path / "new.jsonl").read_text().count('"kind":"prior"') == 1, "the same prior is kept once"

    found = edgenas.search(SPACE, table="new.jsonl", budget_ms=1e3, accuracy=lambda network: 50.0, algorithms="random",
                           max_trials=3)  # fmt: skip
    assert any("all others are predicted from them and from old.jsonl (phone, 18 blocks)" in n for n in found.notes)
    winner = [b for b in found.best.blocks if b.kind != "skip"]
    assert set(found.saved.predicted_blocks) == {str(b) for b in winner if b not in made.blocks}


def test_the_function_gives_what_the_command_prints(
    old: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    quick = {"rounds": 1, "processes": 1, "most_processes": 1, "force": True}
    made = edgenas.transfer(SPACE, old, blocks=4, networks=0, out="new.jsonl", **quick)  # type: ignore[arg-type]
    made.check()
    command = ("profile", "nas_bench_macro", "--in-size", "8", "--from", old, "-o", "new.jsonl", "--blocks", "4")
    assert typed(*command, "--networks", "0", *QUICK, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["report"] == made.to_json()["report"] and again["profile"]["measured_now"] == 0
    assert "4 blocks measured, 14 predicted" in repr(made) and made.table.blocks
    assert made.summary()["next"].startswith("edgenas table validate new.jsonl --space ")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--blocks", "4"), "--blocks and --networks belong to --from"),
        (("--from", "OLD", "--for-search"), "--from takes a whole space"),
        (("--from", "OLD", "--blocks", "1"), "less than one block of each kind"),
        (("--from", "OLD", "--networks", "3"), "3 networks: 8 are the least"),
        (("--from", "none.jsonl"), "none.jsonl"),
        (("--from", "OLD", "--in-size", "16"), "the old table lacks"),
        (("--from", "OLD", "-o", "OLD"), "is the old table; name another file"),
    ],
)
def test_misuse(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...], says: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    size = () if "--in-size" in args else ("--in-size", "8")
    given = [str(old) if word == "OLD" else word for word in args]
    assert typed("profile", "nas_bench_macro", *size, *given) == 2
    assert says in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_device_is_refused(old: Path) -> None:
    with pytest.raises(InputError, match="no device is called 'other'"):
        edgenas.transfer(SPACE, old, device=("local", "other"))
