"""The files of a run: what is written is read again, and what is damaged is refused with its place."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.runs import layout
from edgenas.runs.bundle import BUNDLE
from edgenas.runs.documents import DocumentKind
from edgenas.runs.finalists import FINALISTS
from edgenas.runs.network import NETWORK
from edgenas.runs.preprocessing import PREPROCESSING
from edgenas.runs.pretrained import PRETRAINED
from edgenas.runs.run import RUN
from edgenas.runs.search import SEARCH, read_network
from edgenas.runs.sustained import SUSTAINED
from edgenas.runs.verification import VERIFICATION
from tests.conftest import ROOT
from tests.support.runs_values import values

KINDS: dict[str, DocumentKind[Any]] = {
    kind.format: kind
    for kind in (RUN, SEARCH, NETWORK, FINALISTS, VERIFICATION, SUSTAINED, BUNDLE, PREPROCESSING, PRETRAINED)
}
GOLDEN = ROOT / "tests" / "golden" / "run-0.2"

#: modules of edgenas/ outside edgenas/runs that read or write JSON, and why it is no file of a run
JSON_ELSEWHERE = {
    **{f"adaptive/device/{name}.py": "runs on a device, without edgenas" for name in ("caches", "model", "pack")},
    "adaptive/packing.py": "pack.json, which that program reads",
    "adaptive/trial.py": "lines of a trial, for the runner and from it",
    "adaptive/trial_runner.py": "runs on a device, without edgenas",
    "bundle/try_page.py": "data inside the page",
    "cli/doctor/trial.py": "what a child process prints",
    "cli/terminal.py": "standard output",
    "ship/finalists.py": "text that is hashed",
    "report/html.py": "data inside the page",
    "report/static/predict.py": "runs beside a bundle, without edgenas",
    "watch/server.py": "answers of the server",
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_what_is_written_is_read_again(kind: DocumentKind[Any], data: st.DataObject, tmp_path: Path) -> None:
    value = data.draw(values(kind.form))
    try:
        written = kind.write(tmp_path / "file.json", value)
    except ZeroDivisionError:  # a share of nothing
        assume(False)
    assert kind.read(tmp_path / "file.json") == value
    assert (written["format"], written["version"]) == (kind.format, kind.version)
    kind.write_lines(tmp_path / "file.jsonl", [value, value])
    assert kind.read_lines(tmp_path / "file.jsonl") == [value, value]


@pytest.mark.parametrize("version", [99, 0, -1, "1", None, True, 1.0, [1]])
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_only_known_versions_are_read(kind: DocumentKind[Any], version: object) -> None:
    data = {"format": kind.format, "version": version, "edgenas": "9.9.0"}
    with pytest.raises(
        InputError, match=r"^here: version .* this edgenas reads version 1.*; get edgenas 9\.9\.0 or newer: git -C /"
    ):
        kind.of_json(data, "here")
    for wrote in (None, 3, "unknown", "9.9; rm -rf /"):
        with pytest.raises(InputError, match=r"; get a newer edgenas: git -C /\S+ pull$"):
            kind.of_json({**data, "edgenas": wrote}, "here")


def test_what_is_wrong_is_named_with_its_place_value_rule_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "search.json"
    data = SEARCH.to_json(SEARCH.read(GOLDEN / "searched.json"))
    for spoil, message in (
        (lambda d: d["runs"][0].pop("key"), r"runs\.0\.key is missing; search again"),
        (lambda d: d.update(unit=3), r"unit is 3: it should be a valid string; search again"),
        (lambda d: d["winner"].update(accuracy="90"), r'winner\.accuracy is "90": it should be a valid number'),
        (
            lambda d: d["winner"].update(cost=float("inf")),
            r"is not JSON \(Infinity is not a JSON number\); search again",
        ),
        (lambda d: d["winner"]["network"].update(blocks=["conv"]), r"winner\.network: "),
        (lambda d: d["explanation"]["limits"][0].update(active=1), r"explanation\.limits\.0\.active is 1: "),
        (lambda d: d.update(space="x" * 200), r'space is "x{59}…: '),
    ):
        spoiled = json.loads(json.dumps(data))
        spoil(spoiled)
        path.write_text(json.dumps(spoiled))
        with pytest.raises(InputError, match=rf"^{path}(: | ){message}"):
            SEARCH.read(path)
    path.write_text(json.dumps({**data, "of a later edgenas": 1}))
    assert SEARCH.read(path) == SEARCH.read(GOLDEN / "searched.json")
    for text, message in (("{", "is not JSON .*search again"), ("[]", "is not of the format 'edgenas search'; search")):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            SEARCH.read(path)
    with pytest.raises(InputError, match="No such file"):
        SEARCH.read(tmp_path / "none.json")


def test_a_network_of_ones_own_is_a_name_and_blocks(tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    blocks = ["conv-8x3-o4-k3-s1-relu6", "head-8x4-o10"]
    path.write_text(json.dumps({"name": "mine", "blocks": blocks}))
    assert [str(block) for block in read_network(path).blocks] == blocks
    for data in ({"name": "mine"}, {"name": "mine", "blocks": blocks[::-1]}, [], {"name": 3, "blocks": blocks}):
        path.write_text(json.dumps(data))
        with pytest.raises(InputError, match=f"^{path}.*name a network or a search"):
            read_network(path)


def test_the_table_of_a_search_is_found_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, cwd = tmp_path / "run", tmp_path / "cwd"
    for folder in (run, cwd):
        folder.mkdir()
        (folder / "t.jsonl").write_text("")
    monkeypatch.chdir(cwd)
    search = run / "search.json"
    assert layout.table_beside(search, "t.jsonl") == run / "t.jsonl"
    assert layout.table_beside(search, "gone/t.jsonl") == run / "t.jsonl"
    assert layout.table_beside(search, layout.table_from(search, Path("t.jsonl"))).resolve() == cwd / "t.jsonl"
    (run / "t.jsonl").unlink()
    assert layout.table_beside(search, "t.jsonl") == Path("t.jsonl")  # as it was typed, in files of 0.2
    with pytest.raises(InputError, match=r"there is no .*run/gone\.jsonl or gone\.jsonl; name the table: --table"):
        layout.table_beside(search, "gone.jsonl")
    with pytest.raises(InputError, match=r"names no latency table; .*--table"):
        layout.table_beside(search, None)


def modules() -> list[Path]:
    """Modules of edgenas/ that are not in edgenas/runs."""
    return [path for path in sorted((ROOT / "edgenas").rglob("*.py")) if path.parent.name != "runs"]


def json_used(source: str) -> bool:
    """Return whether a module takes JSON apart or puts it together."""
    calls = {"dump", "dumps", "load", "loads"}
    return any(
        (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and (node.value.id, node.attr) in {("json", call) for call in calls}
        )
        or (isinstance(node, ast.ImportFrom) and node.module == "json")
        for node in ast.walk(ast.parse(source))
    )


def test_files_of_a_run_are_written_and_read_in_one_place() -> None:
    assert json_used("import json\ndef f():\n    json.dump(1, 2)") and not json_used("x.dumps(1)")
    using = {str(path.relative_to(ROOT / "edgenas")) for path in modules() if json_used(path.read_text())}
    assert using == set(JSON_ELSEWHERE)


def test_names_of_files_stand_in_the_layout_alone() -> None:
    names = {value for name, value in vars(layout).items() if name.isupper() and isinstance(value, str)}
    assert {"run.json", "search.trials.jsonl", "card.md"} <= names
    typed = {
        (str(path.relative_to(ROOT / "edgenas")), node.value)
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert typed <= {
        ("cli/search.py", "search.json"),  # defaults of options, which are typed where a person works
        ("cli/report.py", "report.html"),
        ("bundle/try_page.py", "try.html"),  # its template has the same name
        ("report/static/predict.py", "preprocessing.json"),  # runs without edgenas
        ("report/static/predict.py", "labels.txt"),
    }
