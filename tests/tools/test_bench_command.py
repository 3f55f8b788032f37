"""Benchmarks start alike and end alike: one --json for all, and a row for each peer that is not installed."""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
from pathlib import Path

import pytest
from rich.table import Table

from edgenas.base.errors import InputError, OutcomeError
from tests.conftest import ROOT
from tools.bench import prediction_models, solvers
from tools.bench.command import STDOUT, Bar, not_installed, options, run, show

BENCH = ROOT / "tools" / "bench"
#: a child of convolution_trap, with cases on its stdin
CHILDREN = {"tools.bench.convolution_case"}
PROGRAMS = sorted(
    {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in BENCH.rglob("*.py")
        if 'if __name__ == "__main__":' in path.read_text()
    }
    - CHILDREN
)


@pytest.fixture(autouse=True)
def same_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some programs set variables when they are imported."""
    monkeypatch.setattr(os, "environ", os.environ.copy())


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 17 and "tools.bench.faults.__main__" in PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_all_have_the_same_option_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    if name.endswith(("convolution_trap", "training")):
        pytest.importorskip("torch", reason="the extra train is not installed")
    module = importlib.import_module(name)
    typed = f"python -m {name.removesuffix('.__main__')}"
    assert f"\n    {typed}" in module.__doc__ and "python tools/" not in module.__doc__
    with pytest.raises(SystemExit, match="0"):
        module.main(["--help"])
    printed = capsys.readouterr().out
    assert "[--json [FILE]]" in printed and "without FILE print JSON instead" in re.sub(r"\s+", " ", printed)
    assert (BENCH / f"{name.removeprefix('tools.bench.').replace('.', '/')}.py").read_text().endswith("    run(main)\n")
    with pytest.raises(SystemExit, match="2"):
        module.main(["--json", "absent/folder/x.json"])
    assert "absent/folder/x.json" in capsys.readouterr().err


def test_tables_or_json_or_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, table = tmp_path / "x.json", Table("heading")
    parser = options("What it is.")
    assert [parser.parse_args(words).json for words in ([], ["--json"], ["--json", str(file)])] == [
        None,
        STDOUT,
        str(file),
    ]
    absent = {"CP-SAT": "not installed: pip install 'edgenas[bench]'"}
    show({"a": 1}, [table], None, absent)
    printed = capsys.readouterr().out
    assert "heading" in printed and "CP-SAT" in printed and "pip install 'edgenas[bench]'" in printed
    show({"a": 1}, [table], STDOUT, absent)
    assert json.loads(capsys.readouterr().out) == {"a": 1} and not file.exists()
    show({"a": 1}, [table], str(file))
    assert "heading" in capsys.readouterr().out and json.loads(file.read_text()) == {"a": 1}
    with pytest.raises(InputError, match="name a file that can be written"):
        show({}, [], str(tmp_path))


@pytest.mark.parametrize(("error", "code"), [(None, 1), (InputError("no table"), 2), (OutcomeError("no proof"), 1)])
def test_exit_codes(error: Exception | None, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        if error:
            raise error
        return 1

    with pytest.raises(SystemExit, match=str(code)):
        run(main)
    assert capsys.readouterr().err == (f"edgenas: {error}\n" if error else "")


def test_solvers_without_or_tools(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "ortools", None)
    monkeypatch.setattr(solvers, "CHAINS", ((4, 5),))
    monkeypatch.setattr(solvers, "tunas_graph", lambda: solvers.chain(3, 4))
    monkeypatch.setattr(solvers, "nodes_graph", lambda: solvers.chain(2, 3))
    monkeypatch.setattr(solvers, "BARS_MS", {})
    assert solvers.main(["--repeats", "1"]) == 0
    printed = capsys.readouterr().out
    assert "4 x 5" in printed and "equal" in printed
    assert re.search(r"CP-SAT +not installed: (\S+ -m )?pip install 'edgenas\[bench\]'", printed)
    assert solvers.main(["--repeats", "1", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["graph"] for row in found["rows"]] == ["4 x 5", "mathnas_mobilenet_v3", "tunas_v3"]
    assert list(found["absent"]) == ["CP-SAT"]
    assert all(row["cp_sat_ms"] is None and row["highs_ms"] > 0 for row in found["rows"])
    monkeypatch.setattr(solvers, "BARS_MS", {"4 x 5": 0.0})
    assert solvers.main(["--repeats", "1", "--alone", "--json"]) == 1  # a bar that no front meets
    assert not json.loads(capsys.readouterr().out)["absent"]


def test_other_peers_that_are_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    from tools.bench import writers

    for module in ("sklearn", "litert_torch", "torch"):
        monkeypatch.setitem(sys.modules, module, None)
    assert "additive + boosting" not in prediction_models.compared()
    assert "edgenas[train]" in not_installed(prediction_models.PEERS)["additive + boosting"]
    assert writers.oracle_rows((), 1) == [] and set(not_installed(writers.PEERS)) == set(writers.PEERS)


def test_a_bar_is_met_or_not_and_nothing_found_does_not_meet_it() -> None:
    assert Bar("overhead", 10.0, 10.0).met and not Bar("overhead", 10.1, 10.0).met
    assert Bar("share", 0.9, 0.9, True).met and not Bar("share", 0.89, 0.9, True).met
    assert not Bar("share", float("nan"), 0.9, True).met and not Bar("overhead", float("nan"), 10.0).met
    assert Bar("share", 0.5, 0.9, True).as_dict()["met"] is False
