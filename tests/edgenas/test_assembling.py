"""A bundle of what single commands made: a folder of export, the search that found its network, a table, pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.reference import reference
from edgenas.blocks.weights import network_random_weights, save_weights
from edgenas.bundle import assemble
from edgenas.bundle.assemble import BundleParts, read_parts
from edgenas.cli import main
from edgenas.report.run import table_file
from edgenas.runs.bundle import changed
from edgenas.runs.search import read_search
from tests.edgenas.test_bundle import BUNDLED
from tests.edgenas.test_cli import edgenas
from tests.support.picture_toys import write_classes
from tests.support.report_toys import write_search, write_tables

pytestmark = pytest.mark.slow  # real processes and files for each test

GIVEN = ("--search", "search.json", "--test", "photos", "--table", "table-litert.jsonl", "--force")
SCALED = ("--mean", "120", "--deviation", "60")
#: more classes than pictures are of: a network of the space has ten
CLASSES = ("blue", "green", "red", *(f"sort {number}" for number in range(7)))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which somebody searched over table-litert.jsonl and exported what was found, with weights."""
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("assembling")
    write_tables(folder)
    write_search(folder)
    network = Architecture.from_json(json.loads((folder / "search.json").read_text())["winner"]["network"])
    save_weights(folder / "weights.npz", network_random_weights(network.blocks))
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CLASSES))
    write_classes(folder / "photos", 4)
    edgenas("export", "search.json", "--weights", "weights.npz", "--labels", "labels.txt", *SCALED, cwd=folder)
    return folder


@pytest.fixture
def parts(made: Path, tmp_path: Path) -> BundleParts:
    """The same, in a place where it may be spoiled."""
    for name in ("model", "photos"):
        shutil.copytree(made / name, tmp_path / name)
    for path in made.glob("*.json*"):
        shutil.copyfile(path, tmp_path / path.name)
    table = tmp_path / "table-litert.jsonl"
    return BundleParts(tmp_path / "model", tmp_path / "search.json", tmp_path / "photos", table)


@pytest.mark.slow
def test_a_bundle_of_a_search_an_export_and_a_table(made: Path) -> None:
    edgenas("bundle", "model", *GIVEN, "--budget-ms", "1000", "-o", "mine", cwd=made)
    assert not list(made.glob(".mine*"))
    bundle = made / "mine"
    assert changed(bundle) == []
    assert {path.name for path in bundle.iterdir()} == {"model.tflite", "model.onnx", "table-litert.jsonl", *BUNDLED}
    told = json.loads((bundle / "run.json").read_text())
    assert list(told["files"]) == ["model.tflite", "model.onnx"] and told["within_budget"] is True
    assert told["winner"] == json.loads((made / "search.json").read_text())["winner"]["key"]
    first, other = told["verdicts"]
    assert (first["file"], first["budget_ms"], other["budget_ms"]) == ("model.tflite", 1000.0, None)
    assert first["predicted_ms"] > 0 and other["predicted_ms"] is None
    assert told["files"]["model.onnx"]["accuracy"] == told["files"]["model.tflite"]["accuracy"]
    assert told["files"]["model.onnx"]["pictures"] == 12
    search = read_search(bundle / "search.json")
    assert search.table == "table-litert.jsonl" and search.shipped is not None
    assert search.shipped.key == told["winner"] and search.explanation is not None
    card = (bundle / "README.md").read_text()
    assert "| model.tflite | fp32 |" in card and "10 held-out networks" in card
    assert str(made) not in "".join(path.read_text(errors="replace") for path in bundle.iterdir())
    again = json.loads(edgenas("verify", "mine", "--force", "--json", cwd=made, check=None).stdout)
    assert again["changed"] == {} and len(again["files"]) == 2
    refused = edgenas("bundle", "model", *GIVEN, "-o", "mine", cwd=made, check=2).stderr
    assert "mine exists and is not overwritten" in refused and "bundle on local" not in refused


@pytest.mark.slow
def test_a_file_that_is_late_is_bundled_and_told(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(made)
    monkeypatch.setattr(assemble, "PROCESSES", 1)
    monkeypatch.setattr(assemble, "MOST_PROCESSES", 1)
    with pytest.raises(SystemExit) as ended:
        main(["bundle", "model", *GIVEN, "--budget-ms", "1e-6", "-o", "late"])
    told = capsys.readouterr()
    assert ended.value.code == 1 and "model.tflite is not inside 1e-06 ms on local" in told.err
    assert "edgenas verify late" in told.out and not list(made.glob(".late*"))
    assert "| OUTSIDE, " in (made / "late" / "README.md").read_text()


def test_the_budget_is_the_search_s(parts: BundleParts) -> None:
    ready = read_parts(parts)
    assert ready.budget_ms == ready.found.budget and ready.search.unit == "ms"
    assert [path.name for path in ready.files] == ["model.tflite", "model.onnx"]
    assert read_parts(replace(parts, budget_ms=7.0)).budget_ms == 7.0
    other = read_parts(replace(parts, table=parts.model.parent / "table-onnxruntime.jsonl"))
    assert [path.name for path in other.files] == ["model.onnx", "model.tflite"]
    assert other.proof is None and table_file(other.table) == "table-onnxruntime.jsonl"


def _another_network(parts: BundleParts) -> None:
    network = reference("mobilenet_v3_small", 32, 10)
    (parts.model / "arch.json").write_text(json.dumps(network.to_json()))


def _by_macs(parts: BundleParts) -> None:
    data = json.loads(parts.search.read_text())
    parts.search.write_text(json.dumps({**data, "unit": "MACs"}))


def _no_labels(parts: BundleParts) -> None:
    pictures = np.zeros((2, 32, 32, 3), np.float32)
    shutil.rmtree(parts.test)
    with parts.test.open("wb") as file:
        np.savez(file, images=pictures)


def _unknown_class(parts: BundleParts) -> None:
    (parts.test / "greeen").mkdir()


def _for_another_size(parts: BundleParts) -> None:
    path = parts.model / "preprocessing.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "width": 64}))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda p: (p.model / "arch.json").unlink(), r"has no arch\.json: it is neither a finished run nor a folder"),
        (lambda p: (p.model / "arch.json").write_text("{"), r"arch\.json is not JSON .*export it again"),
        (lambda p: [path.unlink() for path in p.model.glob("model.*")], r"has no model\.tflite"),
        (lambda p: (p.model / "model.tflite").unlink(), "has no fp32 file for litert, .*--precision fp32"),
        (lambda p: p.search.with_suffix(".trials.jsonl").unlink(), r"no search\.trials\.jsonl beside it"),
        (lambda p: p.search.write_text("{}"), "is not of the format .edgenas search."),
        (_another_network, "which .* did not find; type: edgenas export"),
        (_by_macs, "budget of MACs; give the budget in milliseconds: --budget-ms"),
        (_no_labels, "has no labels"),
        (_unknown_class, r"has greeen, which the network does not have \(near: green\); its classes are blue, green,"),
        (_for_another_size, r"is for 64x32 pixels, .* takes 32"),
        (lambda p: (p.model / "preprocessing.json").write_text("[]"), "is not of the format .edgenas preprocessing."),
    ],
)
def test_what_does_not_belong_together_is_told(
    spoil: Callable[[BundleParts], object], says: str, parts: BundleParts
) -> None:
    spoil(parts)
    with pytest.raises(InputError, match=says):
        read_parts(parts)


def test_a_search_without_a_table_wants_one(parts: BundleParts) -> None:
    data = json.loads(parts.search.read_text())
    parts.search.write_text(json.dumps({**data, "table": None}))
    with pytest.raises(InputError, match="name one that predicts its networks: --table"):
        read_parts(replace(parts, table=None))


def test_misuse_of_the_command(made: Path, tmp_path: Path) -> None:
    lacks = edgenas("bundle", made / "model", cwd=tmp_path, check=2).stderr
    assert "not a finished run of demo or ship; for a folder of export, add --search search.json --test" in lacks
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").write_text("{}")
    both = edgenas("bundle", "run", "--budget-ms", "3", cwd=tmp_path, check=2).stderr
    assert "is a finished run, whose files are bundled as they are: leave out --budget-ms" in both


@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_damaged_model_is_refused_before_anything_is_run(parts: BundleParts, name: str) -> None:
    path = parts.model / name
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=f"{name} is damaged, or no model of a network: .*; export or fetch it again"):
        read_parts(parts)
