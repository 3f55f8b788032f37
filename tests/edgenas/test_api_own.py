"""Functions of ``edgenas`` with code of the user's own, scores, tables that were opened, and int8 files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import edgenas
from edgenas.cli import main
from tests.edgenas.test_api_verbs import Verb, by_macs, made, plain, verb, without_seconds
from tests.profiler.test_answers import BLOCKS
from tests.profiler.test_targets import write_table
from tests.support.picture_toys import write_classes

__all__ = ["made", "verb"]  # fixtures

OWN = """
from edgenas import Layer, Option, Space

ends = Option("k3", "conv", 8, kernel=3, stride=2, act="relu6"), Option("fc", "head", 4)
options = tuple(Option(f"k{k}", "ir", 8, kernel=k, expand=2, act="relu6") for k in (3, 5))
tiny = Space("tiny", 16, (Layer("stem", ends[:1]), Layer("one", options), Layer("head", ends[1:])))


def judge(network):
    return -1000.0 / network.macs

"""


@pytest.fixture
def own(verb: Verb, tmp_path: Path) -> str:
    """The file of the user's own code."""
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


def test_a_space_and_a_judge_by_file_and_name_with_scores(verb: Verb, own: str, tmp_path: Path) -> None:
    assert plain(edgenas.space(f"{own}:tiny")) == verb("spaces", f"{own}:tiny")
    assert plain(edgenas.blocks(f"{own}:tiny")) == verb("blocks", f"{own}:tiny")
    out = tmp_path / "mine.json"
    given: dict[str, Any] = {"accuracy": f"{own}:judge", "score": True, "budget_macs": 1e9, "algorithms": "mathnas"}
    found = edgenas.search(f"{own}:tiny", **given, out=out)
    words = ("--accuracy", f"{own}:judge", "--score", "--budget-macs", "1e9", "--algorithm", "mathnas")
    assert without_seconds(plain(found)) == without_seconds(
        verb("search", f"{own}:tiny", *words, "-o", tmp_path / "other.json")
    )
    assert found.saved.score and "%" not in repr(found) and "%" not in repr(found.best) and found.best.accuracy < 0
    assert found.saved.code.space is not None and found.saved.code.space["name"] == f"{own}:tiny"
    front = edgenas.front(out)
    assert plain(front) == verb("front", out) and front.space_text == f"{own}:tiny" and "%" not in repr(front)
    with pytest.raises(edgenas.OutcomeError, match="where it is a score on another scale"):
        edgenas.search(f"{own}:tiny", **{**given, "score": False})
    with pytest.raises(edgenas.InputError, match="--score is for judges of your own"):
        edgenas.search("digits", accuracy="digits", score=True, budget_macs=1e9)
    Path(own).write_text(OWN + "# changed")
    with pytest.raises(edgenas.InputError, match="was made with another"):
        edgenas.front(out)


def test_a_function_gives_scores_and_an_object_says_so_itself(verb: Verb) -> None:
    class Judge:
        name = "mine"

        def evaluate(self, candidates: Any) -> Any:
            return ((i, by_macs(each.architecture)) for i, each in enumerate(candidates))

    given: dict[str, Any] = {"budget_macs": 1e9, "algorithms": "random", "max_trials": 2}
    found = edgenas.search("digits", accuracy=lambda network: -network.macs, score=True, **given)
    assert found.saved.score and found.best.score
    with pytest.raises(edgenas.InputError, match="set its attribute score = True"):
        edgenas.search("digits", accuracy=Judge(), score=True, **given)
    with pytest.raises(edgenas.InputError, match="did you mean 'random'"):
        edgenas.search("digits", accuracy=Judge(), **{**given, "algorithms": "randon"})


def test_a_table_that_was_opened_is_not_read_again(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "gone.jsonl"
    shutil.copy(made / "table-litert.jsonl", path)
    table = edgenas.open_table(path)
    path.unlink()
    heard: list[str] = []

    class Heard(edgenas.Listener):
        def message(self, text: str) -> None:
            heard.append(text)

    given: dict[str, Any] = {"accuracy": by_macs, "budget_ms": 2.5, "algorithms": "mathnas"}
    found = edgenas.search("nas_bench_macro", table=table, listener=Heard(), **given)
    assert found.best.table == path and any("--uncertainty upper" in text for text in heard)
    assert edgenas.front(found, table=table).points
    (tmp_path / "deep").mkdir()
    kept = found.save(tmp_path / "deep" / "search.json")
    assert json.loads(kept.read_text())["table"] == "../gone.jsonl"
    with pytest.raises(edgenas.InputError, match="gone"):
        edgenas.front(kept)
    shutil.copy(made / "table-onnxruntime.jsonl", path)
    other = edgenas.open_table(path)
    path.unlink()
    with pytest.raises(edgenas.OutcomeError, match=r"gone\.jsonl was never validated.*table validate .*gone\.jsonl"):
        edgenas.search("nas_bench_macro", table=other, **given)


def test_threads_that_contradict_the_table_are_refused(verb: Verb) -> None:
    with pytest.raises(edgenas.InputError, match=r"measured with --threads 1.*--threads 2: leave out --threads"):
        edgenas.verify("model.tflite", network="search.json", table="table-litert.jsonl", threads=2)
    told = ("--network", "search.json", "--table", "table-litert.jsonl", "--threads", "2")
    with pytest.raises(SystemExit) as end:
        main(["verify", "model.tflite", *told])
    assert end.value.code == 2


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of three classes."""
    pytest.importorskip("PIL")
    folder = tmp_path_factory.mktemp("pictures")
    write_classes(folder / "photos", 4)
    (folder / "labels.txt").write_text("blue\ngreen\nred\nsort 1\nsort 2\n")
    return folder / "photos"


def test_accuracy_on_the_device_as_by_the_command(verb: Verb, pictures: Path, tmp_path: Path) -> None:
    network = edgenas.Architecture("small", BLOCKS)
    named: dict[str, Any] = {"labels": pictures.with_name("labels.txt"), "mean": [120.0], "deviation": "60"}
    files = edgenas.export(network, tmp_path / "model", formats=["onnx"], **named).files
    found = edgenas.verify_images(files["onnx"], images=pictures)
    assert plain(found) == verb("verify", files["onnx"], "--images", pictures)
    given = edgenas.verify_images(files["onnx"], images=pictures, mean="120", deviation=[60.0])
    assert plain(given) == plain(found)
    (one,) = found
    assert one.pictures == 12 and one.low <= one.accuracy <= one.high and len(found.to_frame()) == 1
    with pytest.raises(edgenas.InputError, match="is a folder; name the files in it"):
        edgenas.verify_images(tmp_path / "model", images=pictures)
    with pytest.raises(edgenas.InputError, match="has no labels"):
        edgenas.verify_images(files["onnx"], images=pictures / "red")


@pytest.mark.slow
def test_int8_files_are_for_the_device_of_the_table_that_predicted_the_network(pictures: Path, tmp_path: Path) -> None:
    write_table(tmp_path / "table.jsonl", device="pi4", int8_isa="sse4.1 avx2")
    network = edgenas.Network(edgenas.Architecture("small", BLOCKS), cost=1.0, table=tmp_path / "table.jsonl")
    heard: list[str] = []

    class Heard(edgenas.Listener):
        def message(self, text: str) -> None:
            heard.append(text)

    given: dict[str, Any] = {
        "formats": ["onnx"],
        "precisions": ["int8"],
        "calibrate": pictures,
        "listener": Heard(),
        "mean": "120",
        "deviation": [60.0],
        "labels": pictures.with_name("labels.txt"),
    }
    done = network.export(tmp_path / "there", **given)
    assert done.facts["onnx int8"]["weight_bits"] == 7
    assert "int8 ONNX weights have 7 bits, for pi4 (AVX2 without VNNI)" in heard
    full = network.export(tmp_path / "full", reduce_range=False, test=pictures, **given)
    assert full.facts["onnx int8"]["weight_bits"] == 8 and full.facts["onnx int8"]["accuracy_on"]["device"] == "local"
