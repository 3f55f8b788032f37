"""Each function of ``edgenas`` gives what its verb prints with ``--json``, on the same files."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.cli import main
from edgenas.profiler.verify import Verdict
from tests.support.published import PROXYLESSNAS
from tests.support.report_toys import write_finished_run

JUDGE = "edgenas_api_judge:by_macs"
Verb = Callable[..., Any]


def by_macs(network: edgenas.Architecture) -> float:
    """The judge that the file ``edgenas_api_judge.py`` holds as well."""
    return 60 + 10 * float((network.macs / 1e8) ** 0.5)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: a validated table, a search, models."""
    folder = write_finished_run(tmp_path_factory.mktemp("api") / "run")
    (folder / "edgenas_api_judge.py").write_text(
        "def by_macs(network):\n    return 60 + 10 * float((network.macs / 1e8) ** 0.5)\n"
    )
    return folder


@pytest.fixture
def verb(made: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Verb:
    """Runs ``edgenas ARGS --json`` in the folder of the run, in this process; what it prints."""
    monkeypatch.chdir(made)
    monkeypatch.syspath_prepend(made)

    def run(*args: str | Path, check: int = 0) -> Any:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([*map(str, args), "--json"])
        told = capsys.readouterr()
        assert (end.value.code or 0) == check, told.err
        return json.loads(told.out)

    return run


def plain(result: Any) -> Any:
    """Its JSON as it is read back."""
    assert len(repr(result)) < 600 and "\n" not in repr(result)
    return json.loads(json.dumps(result.to_json(), allow_nan=False))


@pytest.mark.slow
def test_spaces(verb: Verb) -> None:
    assert plain(edgenas.spaces()) == verb("spaces")
    assert plain(edgenas.spaces(in_size=64)) == verb("spaces", "--in-size", "64")
    assert plain(edgenas.space("digits", 32, 4)) == verb("spaces", "digits", "--in-size", "32", "--classes", "4")
    own = edgenas.space("digits")
    assert edgenas.space(own) is own and edgenas.space(lambda in_size: own, in_size=3) is own
    with pytest.raises(edgenas.InputError, match="has its own sizes; leave out in_size"):
        edgenas.space(own, in_size=3)
    with pytest.raises(edgenas.InputError, match="returned int, not a Space"):
        edgenas.space(lambda: 3)  # type: ignore[arg-type, return-value]


def test_blocks_and_network(verb: Verb) -> None:
    assert plain(edgenas.blocks("digits", in_size=32)) == verb("blocks", "digits", "--in-size", "32")
    one = edgenas.network("nas_bench_macro/2.2.2.1.2.2.1.0", in_size=16)
    assert plain(edgenas.blocks(one)) == verb("blocks", "nas_bench_macro/2.2.2.1.2.2.1.0", "--in-size", "16")
    assert (
        edgenas.network(Path("search.json")).to_json()
        == json.loads(Path("search.json").read_text())["winner"]["network"]
    )
    assert len(edgenas.blocks(one).to_frame()) == len(one.blocks) == len(one.to_frame())


def test_tables(verb: Verb) -> None:
    table = edgenas.open_table("table-litert.jsonl")
    assert repr(table.data) == "<LatencyTable of 18 blocks: ai_edge_litert 2.3.0, fp32, 1 thread, 1 validation>"
    assert table.validated and plain(table) == verb("table", "show", "table-litert.jsonl")
    assert (table.to_json()["kind"], list(table.to_json())) == ("measured", ["kind", "validation", "setting", "created",
                                                                             "quality", "blocks"])  # fmt: skip
    other = edgenas.open_table(Path("table-onnxruntime.jsonl"))
    assert not other.validated and "not validated" in repr(other)
    found = edgenas.check(table, "nas_bench_macro")
    assert plain(found) == verb("table", "check", "table-litert.jsonl", "--space", "nas_bench_macro")
    assert found.check() is None  # type: ignore[func-returns-value]
    lacking = edgenas.check(table, "digits")
    assert plain(lacking) == verb("table", "check", "table-litert.jsonl", "--space", "digits", check=1)
    with pytest.raises(edgenas.OutcomeError, match="41 of 41 blocks of digits are not measured; type: edgenas"):
        lacking.check()
    pair = ("table-litert.jsonl", "table-onnxruntime.jsonl")
    apart = edgenas.diff(table, other, across_settings=True)
    assert plain(apart) == verb("table", "diff", *pair, "--across-settings") and apart.agree is None
    with pytest.raises(edgenas.InputError, match="--across-settings"):
        edgenas.diff(table, other)
    assert plain(edgenas.diff(table, table, statistic="min")) == verb(
        "table", "diff", pair[0], pair[0], "--statistic", "min"
    )


def test_import_table(verb: Verb, tmp_path: Path) -> None:
    (tmp_path / "pixel.yaml").write_text(PROXYLESSNAS)
    outs = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    made = edgenas.import_table(tmp_path / "pixel.yaml", outs[0], format="proxylessnas")
    told = verb("table", "import", tmp_path / "pixel.yaml", "--format", "proxylessnas", "-o", outs[1])
    assert {**plain(made), "written": ""} == {**told, "written": ""}
    shown, other = plain(made.table), verb("table", "show", outs[1])
    assert {**shown, "created": ""} == {**other, "created": ""} and made.table.kind == "imported"
    assert repr(made.table.data) == "<ImportedTable of 5 blocks: pixel.yaml, measured on Pixel 1>"


@pytest.mark.parametrize(
    "call",
    [
        lambda: edgenas.report("a.jsonl", out=""),
        lambda: edgenas.bundle("run", ""),
        lambda: edgenas.import_table("pixel.yaml", "", format="proxylessnas"),
        lambda: edgenas.ship("digits", images="pictures", budget_ms=1, out=""),
        lambda: edgenas.demo(""),
        lambda: edgenas.sustain("model.tflite", out=""),
    ],
)
def test_an_empty_text_is_no_path_of_a_result(call: Callable[[], object]) -> None:
    with pytest.raises(InputError, match="an empty text is no path"):
        call()


def test_table_template(verb: Verb, tmp_path: Path) -> None:
    """Filled in, it comes back as a table of the space; a second file does not replace it."""
    made = edgenas.table_template("digits", in_size=32)
    assert plain(made) == verb("table", "template", "digits", "--in-size", "32")
    assert len(made.to_frame()) == len(made.blocks)
    rows = [{**row, "ms": 1 + row["macs"] / 1e6} for row in made.to_json()]
    (tmp_path / "mine.json").write_text(json.dumps(rows))
    found = edgenas.import_table(tmp_path / "mine.json", tmp_path / "mine.jsonl", device="phone")
    assert edgenas.check(found.table, "digits", in_size=32).missing == ()
    assert found.table.data.ms(made.blocks[0], "mean") == 1 + made.blocks[0].macs / 1e6
    made.save(tmp_path / "mine.csv")
    with pytest.raises(edgenas.InputError, match="exists and is not overwritten"):
        made.save(tmp_path / "mine.csv")
    with pytest.raises(edgenas.InputError, match="no row has a time"):
        edgenas.import_table(tmp_path / "mine.csv", tmp_path / "other.jsonl")
    assert not (tmp_path / "other.jsonl").exists()


def test_search_and_front(verb: Verb) -> None:
    given: dict[str, Any] = {
        "table": Path("table-litert.jsonl"),
        "budget_ms": (1.5, 2.5),
        "options": {"layernas": {"buckets": 3}},
        "algorithms": ("layernas", "mathnas"),
    }
    found = edgenas.search("nas_bench_macro", accuracy=JUDGE, **given, out="api.json")
    told = verb("search", "nas_bench_macro", "--table", "table-litert.jsonl", "--budget-ms", "1.5", "--budget-ms",
                "2.5", "--accuracy", JUDGE, "--algorithm", "layernas", "--algorithm", "mathnas",
                "--set", "layernas.buckets=3", "-o", "cli.json")  # fmt: skip
    assert without_seconds(plain(found)) == without_seconds(told)
    assert json.loads(Path("api.json").read_text()) == plain(found)
    best = found.best
    assert best.ms is not None and best.interval is not None and best.interval[0] < best.ms < best.interval[1]
    assert (best.to_json(), best.accuracy) == (told["winner"]["network"], told["winner"]["accuracy"])
    assert found.at(2.5).accuracy == told["explanation"]["front"][-1]["accuracy"]
    with pytest.raises(edgenas.InputError, match=r"no budget of 9 ms; it had 1\.5, 2\.5"):
        found.at(9)
    front = edgenas.front(found)
    assert front.budget == 2.5 and 0.5 < front.share < 1 and front.recommended().cost <= 2.5 * front.share * (1 + 1e-9)
    assert (
        plain(front) == verb("front", "cli.json") == plain(edgenas.front("api.json")) == plain(found.predicted_front())
    )
    table = edgenas.open_table("table-onnxruntime.jsonl")
    other = ("--table", "table-onnxruntime.jsonl", "--unvalidated", "--statistic", "min")
    assert plain(edgenas.front(found, table=table, unvalidated=True, statistic="min")) == verb(
        "front", "cli.json", *other
    )
    assert front.at(2.0).ms is not None
    with pytest.raises(edgenas.OutcomeError, match="no network of this front costs at most"):
        front.at(0.001)


def test_search_with_a_function_a_space_object_and_a_table_object(verb: Verb) -> None:
    space, table = edgenas.space("nas_bench_macro"), edgenas.open_table("table-litert.jsonl")
    found = edgenas.search(space, table=table, accuracy=by_macs, budget_ms=2.5, max_trials=20, budget_mb=8)
    told = verb("search", "nas_bench_macro", "--table", "table-litert.jsonl", "--budget-ms", "2.5", "--accuracy", JUDGE,
                "--max-trials", "20", "--budget-mb", "8", "-o", "few.json")  # fmt: skip
    mine = without_seconds(plain(found))
    assert mine.pop("accuracy") == f"callable:{__name__}:by_macs"
    assert told.pop("code")["accuracy"]["name"] == told.pop("accuracy").removeprefix("callable:")
    assert mine.pop("code") == {"space": None, "accuracy": None, "algorithms": {}}
    assert mine == without_seconds(told)
    there = edgenas.search(space, table=table, accuracy=by_macs, budget_ms=2.5, max_trials=20, budget_mb=8, workers=2)
    assert without_seconds(there.to_json()) == without_seconds(found.to_json())
    points = found.front().points
    assert all(a.cost < b.cost and a.accuracy < b.accuracy for a, b in pairwise(points))
    assert len(found.to_frame()) == sum(run["judged"] for run in mine["runs"])
    with pytest.raises(edgenas.InputError, match="mathnas"):
        edgenas.front(found)
    with pytest.raises(edgenas.OutcomeError, match="no network of nas_bench_macro fits"):
        edgenas.search(space, table=table, accuracy=by_macs, budget_ms=0.001)
    with pytest.raises(edgenas.InputError, match="there are options of layernas"):
        edgenas.search(space, accuracy=by_macs, budget_macs=1e9, algorithms="layernas", options={"wrong": {}})
    with pytest.raises(edgenas.InputError, match="layernas has no option wrong"):
        edgenas.search(
            space, accuracy=by_macs, budget_macs=1e9, algorithms="layernas", options={"layernas": {"wrong": 1}}
        )


def without_seconds(data: Any) -> Any:
    """The same without durations, and without what a second search knows from the first one's journal."""
    if isinstance(data, dict):
        return {k: without_seconds(v) for k, v in data.items() if k not in ("seconds", "newly_judged", "cache_hits")}
    return [without_seconds(each) for each in data] if isinstance(data, list) else data


def test_a_table_that_is_not_validated_is_refused_as_by_the_command(verb: Verb) -> None:
    with pytest.raises(edgenas.OutcomeError, match="was never validated"):
        edgenas.search("nas_bench_macro", table="table-onnxruntime.jsonl", accuracy=by_macs, budget_ms=2)


def test_export(verb: Verb, tmp_path: Path) -> None:
    done = edgenas.export("search.json", tmp_path / "model", seed=3)
    told = verb("export", "search.json", "-o", tmp_path / "model", "--seed", "3")
    assert plain(done) == told and done.files["tflite"].is_file()
    again = edgenas.network("search.json").export(tmp_path / "other", seed=3, formats=["onnx"])
    assert again.files["onnx"].read_bytes() == done.files["onnx"].read_bytes()


def test_verify_on_the_same_measurement(verb: Verb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is measured once for real; both are then given that verdict."""
    given: dict[str, Any] = {"rounds": 2, "processes": 1, "most_processes": 1, "force": True, "budget_ms": 1e4}
    real = edgenas.verify("model.tflite", **given)
    assert real.within_budget and real.check() is None  # type: ignore[func-returns-value]
    asked: list[Any] = []

    def replayed(entry: Any, files: Any, runtime: str, **how: Any) -> list[Verdict]:
        asked.append((entry.name, list(files), runtime, {k: v for k, v in how.items() if k != "listener"}))
        return [replace(real.verdicts[0], budget_ms=how["budget_ms"], within_budget=how["budget_ms"] > 1)]

    monkeypatch.setattr("edgenas.profiler.verify.verify_files", replayed)
    words = ("--rounds", "2", "--processes", "1", "--most-processes", "1", "--force", "--budget-ms")
    assert plain(edgenas.verify(Path("model.tflite"), **given)) == verb("verify", "model.tflite", *words, "1e4")
    assert asked[0] == asked[1]
    late = edgenas.verify("model.tflite", **{**given, "budget_ms": 0.5})
    assert plain(late) == verb("verify", "model.tflite", *words, "0.5", check=1)
    with pytest.raises(edgenas.OutcomeError, match=r"model\.tflite is not inside 0\.5 ms on local"):
        late.check()
    table = {"network": "search.json", "table": "table-litert.jsonl"}
    predicted = edgenas.verify("model.tflite", **given, **table)  # type: ignore[arg-type]
    assert plain(predicted) == verb("verify", "model.tflite", "--network", "search.json", "--table",
                                    "table-litert.jsonl", *words, "1e4")  # fmt: skip
    assert asked[-1] == asked[-2] and asked[-1][3]["predicted_ms"] > 0
    with pytest.raises(edgenas.InputError, match=r"is a folder: .*edgenas\.verify_bundle"):
        edgenas.verify(".")


def test_bundle_and_verify_bundle(verb: Verb, made: Path, tmp_path: Path) -> None:
    done = edgenas.bundle(made, tmp_path / "bundle")
    told = verb("bundle", ".", "-o", tmp_path / "again")
    assert {**plain(done), "written": ""} == {**told, "written": ""}
    (done.folder / "model.onnx").write_bytes(b"changed")
    found = edgenas.verify_bundle(done.folder)
    assert plain(found) == verb("verify", done.folder, check=3) == {"changed": {"model.onnx": "changed"}, "files": []}
    with pytest.raises(edgenas.OutcomeError, match=r"model\.onnx \(changed\); no file was run"):
        found.check()


def test_report_and_watch(verb: Verb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = edgenas.report("table-litert.jsonl", Path("search.json"), out=tmp_path / "r.html")
    assert plain(done) == verb("report", "table-litert.jsonl", "search.json", "-o", tmp_path / "r.html")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with edgenas.watch("search.json", port=port) as page:
        mine = page.to_json()

    def stop(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("edgenas.api.watch.Watch.wait", stop)
    monkeypatch.setattr("os.nice", lambda by: None)
    assert mine == verb("watch", "search.json", "--port", str(port)) == {"url": f"http://127.0.0.1:{port}/"}
