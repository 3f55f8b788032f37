"""Published tables that hold positions and no shapes: whose shapes they are read with, and what is said of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.cli import main
from edgenas.latency_tables.store.open import open_table
from tests.support.published import FBNET_JSON, TEXTS

#: FBNet with a stride of 1 in its first stages, as it is built for small images
OWN = """
from dataclasses import replace
from edgenas.search.spaces import space

def slow(in_size=None, classes=None):
    s = space("fbnet", in_size or 32)
    layers = [replace(x, options=tuple(replace(o, stride=1) for o in x.options)) for x in s.layers[:7]]
    return replace(s, name="slow", layers=(*layers, *s.layers[7:]))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "fbnet.csv").write_text(TEXTS["fbnet"])
    (tmp_path / "fbnet.json").write_text(FBNET_JSON)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    out, err = capsys.readouterr()
    assert ended.value.code in (0, None), err
    return out


@pytest.mark.usefixtures("folder")
def test_without_a_space_the_shapes_are_an_assumption(capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "table", "import", "fbnet.csv", "--format", "fbnet", "-o", "t.jsonl")
    assert "shapes: " in out and "the space of the format is assumed" in out
    assert "those of space fbnet (assumed: name the space that the table was made for, --space)" in out
    assert "cannot tell whether overhead dominates" in out and "latency follows work" not in out
    source = open_table("t.jsonl").source  # type: ignore[union-attr]
    assert (source.space, source.shapes) == ("fbnet", "assumed") and "32 x 32 pixels" in source.notes[0]
    shown = said(capsys, "table", "show", "t.jsonl")
    assert "cannot tell" in shown and "those of space fbnet" in shown
    checked = json.loads(said(capsys, "table", "check", "t.jsonl", "--space", "fbnet", "--json"))
    assert checked["quality"]["overhead_dominated"] is None and "assumed" in checked["quality"]["doubt"]


def test_a_space_of_the_users_own_gives_its_shapes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = said(capsys, "table", "import", "fbnet.csv", "--format", "fbnet", "--space", "own.py:slow", "-o", "t.jsonl")
    assert "the user named their space" in out and "those of space slow (which you named), 32 x 32 pixels" in out
    table = open_table("t.jsonl")
    named = edgenas.import_table("fbnet.csv", "u.jsonl", format="fbnet", space="own.py:slow").result.table
    assert named.values == table.values and named.source == table.source  # type: ignore[union-attr]
    assert (named.source.space, named.source.shapes, named.source.assumed) == ("slow", "user", "")
    built_in = edgenas.import_table("fbnet.csv", "v.jsonl", format="fbnet", in_size=32).result.table
    assert built_in.source.shapes == "user"
    assert sum(b.macs for b in named.blocks) > 2 * sum(b.macs for b in built_in.blocks)


@pytest.mark.usefixtures("folder")
def test_a_file_with_shapes_assumes_nothing() -> None:
    found = edgenas.import_table("fbnet.json", "t.jsonl", format="fbnet", device_column="raspi4")
    assert found.result.table.source.shapes == "file" and "positions" not in str(found.result.table.source.notes)
    with pytest.raises(InputError, match="leave out --space"):
        (Path("p.yaml")).write_text(TEXTS["proxylessnas"])
        edgenas.import_table("p.yaml", "q.jsonl", format="proxylessnas", space="fbnet")
