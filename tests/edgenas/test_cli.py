"""The command as a person types it: real processes, real runtimes, exit codes 0, 1 and 2."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgenas.cli import VERBS
from tests.conftest import ROOT

JUDGE = """
def by_macs(architecture):
    return 20 + 20 * architecture.macs ** 0.06
def slow(architecture):
    __import__("time").sleep(0.1)
    return by_macs(architecture)
wrong = lambda architecture: float("nan")
"""
#: a table of 18 blocks in a few seconds
SMALL = ("nas_bench_macro", "--in-size", "8", "--rounds", "2", "--processes", "1", "--most-processes", "2")


def edgenas(
    *args: str | Path, cwd: Path, check: int | None = 0, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run ``edgenas ARGS`` in ``cwd``; ``check`` is the exit code it must have."""
    env = {**os.environ, "PYTHONPATH": str(cwd)}
    argv = [sys.executable, "-m", "edgenas", *map(str, args)]
    result = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout)
    assert check is None or result.returncode == check, result.stderr + result.stdout
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a judge and a table of NAS-Bench-Macro's blocks at 8 pixels under both runtimes."""
    where = tmp_path_factory.mktemp("cli")
    (where / "judge.py").write_text(JUDGE)
    for runtime in ("litert", "onnxruntime"):
        edgenas("profile", *SMALL, "--runtime", runtime, cwd=where)
    return where


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_with_an_example(verb: str, tmp_path: Path) -> None:
    shown = edgenas(verb, "--help", cwd=tmp_path).stdout
    assert re.search(r"Example:\s+edgenas " + verb, shown)


def test_help_starts_no_heavy_import(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom edgenas.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit as end:\n"
        "    assert end.code == 0\n"
        "heavy = {'numpy', 'torch', 'onnx', 'pandas', 'scipy', 'rich', 'pydantic'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_misuse_is_two(tmp_path: Path) -> None:
    assert "edgenas: no such command" in edgenas("nonsense", cwd=tmp_path, check=2).stderr
    assert edgenas(cwd=tmp_path, check=2).stderr
    assert "edgenas 0" in edgenas("--version", cwd=tmp_path).stdout


@pytest.mark.slow
def test_spaces_and_blocks(tmp_path: Path) -> None:
    names = {s["name"] for s in json.loads(edgenas("spaces", "--json", cwd=tmp_path).stdout)}
    assert {"mobilenet_v2", "nas_bench_macro", "digits"} <= names
    macro = json.loads(edgenas("spaces", "nas_bench_macro", "--json", cwd=tmp_path).stdout)
    assert macro["networks"] == 6561
    assert "nas_bench_macro" in edgenas("spaces", cwd=tmp_path).stdout
    blocks = json.loads(edgenas("blocks", "mobilenet_v2", "--in-size", "96", "--json", cwd=tmp_path).stdout)
    assert sum(1 for b in blocks if b["block"].startswith("conv-96x3")) == 1
    one = json.loads(edgenas("blocks", "nas_bench_macro/2.2.2.1.2.2.1.0", "--json", cwd=tmp_path).stdout)
    assert len(one) == 11
    error = edgenas("blocks", "nas_bench_macro/9.9", cwd=tmp_path, check=2).stderr
    assert error.count("\n") == 1 and "option numbers" in error
    assert "there are" in edgenas("spaces", "atlantis", cwd=tmp_path, check=2).stderr


def test_devices(tmp_path: Path) -> None:
    (tmp_path / "devices.toml").write_text('[devices.bench]\nkind = "local"\ncores = [0]\n')
    found = json.loads(edgenas("devices", "--json", cwd=tmp_path).stdout)
    assert [d["name"] for d in found] == ["local", "bench"]
    assert found[0]["cores"] == os.cpu_count()
    (tmp_path / "devices.toml").write_text('[devices.bench]\nkind = "local"\ncore = [0]\n')
    assert "devices.bench.core" in edgenas("devices", cwd=tmp_path, check=2).stderr


@pytest.mark.slow
def test_profile_again_measures_nothing(folder: Path) -> None:
    again = edgenas("profile", *SMALL, "--json", cwd=folder)
    told = json.loads(again.stdout)
    assert told["measured_now"] == 0 and told["missing"] == 0 and told["blocks"] == 18


@pytest.mark.slow
def test_profile_errors(folder: Path, tmp_path: Path) -> None:
    assert "there are litert" in edgenas("profile", "nas_bench_macro", "--runtime", "x", cwd=tmp_path, check=2).stderr
    assert "nothing to measure" in edgenas("profile", cwd=tmp_path, check=2).stderr
    assert "is not a block" in edgenas("profile", "--block", "ir-1", cwd=tmp_path, check=2).stderr
    elsewhere = ("--runtime", "onnxruntime", "-o", "local-litert.jsonl")
    other = edgenas("profile", *SMALL, *elsewhere, cwd=folder, check=2).stderr
    assert "settings never mix" in other
    assert "no device is called" in edgenas("profile", "digits", "--device", "pi", cwd=tmp_path, check=2).stderr


@pytest.mark.slow
def test_table_show_and_check(folder: Path) -> None:
    shown = json.loads(edgenas("table", "show", "local-litert.jsonl", "--csv", "t.csv", "--json", cwd=folder).stdout)
    assert len(shown["blocks"]) == 18
    assert len((folder / "t.csv").read_text().splitlines()) == 19
    assert "min ms" in edgenas("table", "show", "local-litert.jsonl", cwd=folder).stdout
    edgenas("table", "check", "local-litert.jsonl", "--space", "nas_bench_macro", "--in-size", "8", cwd=folder)
    lacks = edgenas("table", "check", "local-litert.jsonl", "--space", "nas_bench_macro", cwd=folder, check=1)
    assert "edgenas profile nas_bench_macro --runtime litert -o local-litert.jsonl" in lacks.stderr
    assert "No such file" in edgenas("table", "show", "none.jsonl", cwd=folder, check=2).stderr


@pytest.mark.slow
def test_search_front_export_verify(folder: Path) -> None:
    judged = ("--accuracy", "judge:by_macs", "--algorithm", "mathnas", "--set", "mathnas.top=2")
    base = ("search", "nas_bench_macro", "--in-size", "8", "--table", "local-litert.jsonl", *judged)
    refused = edgenas(*base, "--budget-ms", "1", cwd=folder, check=1).stderr
    assert "type: edgenas table validate local-litert.jsonl --space nas_bench_macro" in refused
    quick = ("--networks", "8", "--processes", "1", "--rounds", "2", "--force")
    found = json.loads(edgenas("table", "validate", "local-litert.jsonl", *quick, "--json", cwd=folder).stdout)
    assert (found["space"], len(found["networks"])) == ("nas_bench_macro", 8)
    assert {sums["way"] for sums in found["sums"]} == {"alone", "chained", "mean"}
    validated = edgenas("table", "show", "local-litert.jsonl", cwd=folder).stdout
    assert "8 networks of nas_bench_macro" in validated
    if found["way"] != "alone":  # a busy machine: which estimate it chooses is not what is tested here
        edgenas("profile", *SMALL, "--chains", "-o", "local-litert.jsonl", cwd=folder)
    smallest = edgenas(*base, "--budget-ms", "1e-6", cwd=folder, check=2).stderr
    least = re.search(r"smallest reachable is ([0-9.e-]+) ms", smallest)
    assert least
    assert not (folder / "search.json").exists()
    budget = str(4 * float(least[1]))
    edgenas(*base, "--budget-ms", budget, cwd=folder)
    record = json.loads((folder / "search.json").read_text())
    assert {run["algorithm"] for run in record["runs"]} == {"mathnas"}
    assert record["winner"]["cost"] <= float(budget)
    low, high = record["winner"]["interval"]
    assert low < record["winner"]["predicted_cost"] < high
    assert record["winner"]["predicted_cost"] < record["winner"]["cost"]  # by upper bounds
    assert (record["uncertainty"], record["explanation"]["limits"][0]["value"]) == ("upper", record["winner"]["cost"])
    assert record["winner"]["accuracy"] == max(run["accuracy"] for run in record["runs"])

    again = json.loads(edgenas(*base, "--budget-ms", budget, "--json", cwd=folder).stdout)
    assert [run["newly_judged"] for run in again["runs"]] == [0]
    assert [run["key"] for run in again["runs"]] == [run["key"] for run in record["runs"]]

    front = json.loads(edgenas("front", "search.json", "--json", cwd=folder).stdout)["front"]
    assert [p["cost"] for p in front] == sorted(p["cost"] for p in front)
    assert [p["predicted_accuracy"] for p in front] == sorted(p["predicted_accuracy"] for p in front)
    assert all(p["predicted_accuracy"] <= 100 for p in front)
    other = edgenas(
        "front",
        "search.json",
        "--table",
        "local-onnxruntime.jsonl",
        "--picture",
        "front.svg",
        "--unvalidated",
        cwd=folder,
    )
    assert "networks" in other.stdout
    assert "front of judged networks" in (folder / "front.svg").read_text()

    edgenas("export", "search.json", "-o", "model", cwd=folder)
    files = ("model/model.tflite", "model/model.onnx")
    quick = ("--rounds", "2", "--processes", "1")
    tables = ("--table", "local-litert.jsonl", "--table", "local-onnxruntime.jsonl")
    verdicts = json.loads(
        edgenas(
            "verify", *files, "--budget-ms", "1000", "--network", "search.json", *tables, *quick, "--json", cwd=folder
        ).stdout
    )
    assert [v["within_budget"] for v in verdicts] == [True, True]
    assert all(v["predicted_ms"] > 0 and v["low_ms"] <= v["measured_ms"] <= v["high_ms"] for v in verdicts)
    outside = edgenas("verify", files[0], "--budget-ms", "0.000001", *quick, cwd=folder, check=1)
    assert "OUTSIDE" in outside.stdout and "smaller budget" in outside.stderr


@pytest.mark.slow
def test_search_by_macs_and_params_needs_no_table(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    for kind, amount in (("--budget-macs", "40e6"), ("--budget-params", "1e6")):
        args = (
            "search",
            "nas_bench_macro",
            kind,
            amount,
            "--accuracy",
            "judge:by_macs",
            "--algorithm",
            "mathnas",
            "--json",
        )
        record = json.loads(edgenas(*args, "-o", f"{kind}.json", cwd=tmp_path).stdout)
        assert 0 < record["winner"]["cost"] <= float(amount)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--budget-ms", "1"), "--budget-ms needs --table"),
        ((), "give at least one budget"),
        (("--budget-macs", "1e6", "--budget-macs", "2e6", "--budget-mb", "1", "--budget-mb", "2"), "only one kind"),
        (("--budget-memory-mb", "1"), "takes one value beside a budget of a sum"),
        (("--budget-macs", "1e9", "--also", "pixel.jsonl"), "is not TABLE=MS"),
        (("--budget-macs", "1e9", "--also", "pixel.jsonl=3"), "No such file"),
        (("--budget-macs", "1e9", "--remeasure", "local"), "give --table and --budget-ms"),
        (("--budget-macs", "-3"), "above 0"),
        (("--budget-macs", "nan"), "above 0"),
        (("--budget-macs", "1e9", "--set", "hybrid.bucket=3"), "did you mean 'buckets'? It has "),
        (("--budget-macs", "1e9", "--set", "hybrid.buckets=many"), "not a whole number"),
        (("--budget-macs", "1e9", "--set", "buckets=3"), "ALGORITHM.OPTION=VALUE"),
        (("--budget-macs", "1e9", "--algorithm", "magic"), "there are hybrid"),
        (("--budget-macs", "1e9", "--table", "missing.jsonl", "--budget-ms", "1"), "No such file"),
        (("--budget-ms", "1", "--table", "missing.jsonl"), "No such file"),
        (("--budget-macs", "1e9", "--accuracy", "nobody"), "names no accuracy"),
        (("--budget-macs", "1e9", "--accuracy", "judge:nothing"), "nothing"),
        (("--budget-macs", "1e9", "--accuracy", "nas-bench-macro:none.json"), "none.json"),
    ],
)
def test_search_misuse(args: tuple[str, ...], says: str, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    accuracy = () if "--accuracy" in args else ("--accuracy", "judge:by_macs")
    result = edgenas("search", "nas_bench_macro", *accuracy, *args, cwd=tmp_path, check=2)
    assert says in result.stderr and result.stderr.count("\n") <= 2


def test_a_judge_that_answers_nonsense_is_named(tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    args = ("search", "nas_bench_macro", "--budget-macs", "1e9", "--accuracy", "judge:wrong")
    assert "nan" in edgenas(*args, cwd=tmp_path, check=None).stderr


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_search_goes_on(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    args = ("search", "nas_bench_macro", "--budget-macs", "60e6", "--accuracy", "judge:slow", "--algorithm", "mathnas")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-m", "edgenas", *args], cwd=tmp_path, env=env, stderr=subprocess.PIPE)
    journal = tmp_path / "search.trials.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 5):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(how)
    _, talk = process.communicate(timeout=60)
    if how is signal.SIGINT:
        assert process.returncode == 1 and b"to continue: " in talk
    kept = journal.read_bytes().count(b"\n") - 1
    record = json.loads(edgenas(*args, "--json", cwd=tmp_path).stdout)
    run = record["runs"][0]
    assert kept >= 4 and run["newly_judged"] == run["judged"] - kept


@pytest.mark.slow
def test_export_of_trained_weights_and_bad_ones(tmp_path: Path) -> None:
    from edgenas.blocks.reference import reference
    from edgenas.blocks.weights import network_random_weights, save_weights

    network = reference("mobilenet_v3_small", 32, 10)
    (tmp_path / "arch.json").write_text(json.dumps(network.to_json()))
    save_weights(tmp_path / "weights.npz", network_random_weights(network.blocks, seed=3))
    edgenas("export", "arch.json", "--weights", "weights.npz", "-o", "trained", cwd=tmp_path)
    sizes = ("--in-size", "32", "--classes", "10", "--seed", "3")
    edgenas("export", "mobilenet_v3_small", *sizes, "-o", "seeded", cwd=tmp_path)
    for name in ("model.tflite", "model.onnx"):
        assert (tmp_path / "trained" / name).read_bytes() == (tmp_path / "seeded" / name).read_bytes()
    (tmp_path / "half.npz").write_bytes((tmp_path / "weights.npz").read_bytes()[:1000])
    assert "half.npz" in edgenas("export", "arch.json", "--weights", "half.npz", cwd=tmp_path, check=2).stderr
    wrong = edgenas("export", "mobilenet_v2", "--weights", "weights.npz", cwd=tmp_path, check=2).stderr
    assert "weights of" in wrong or "belongs to no block" in wrong
    (tmp_path / "arch.json").write_text('{"name": "x", "blocks": ["conv-8x3-o4-k3-s1", "conv-9x4-o4-k3-s1"]}')
    assert "takes 9x4" in edgenas("export", "arch.json", cwd=tmp_path, check=2).stderr
    assert "names no network" in edgenas("export", "vgg", cwd=tmp_path, check=2).stderr


@pytest.mark.slow
def test_verify_misuse(tmp_path: Path) -> None:
    (tmp_path / "model.txt").write_text("")
    assert "no runtime for files" in edgenas("verify", "model.txt", cwd=tmp_path, check=2).stderr
    assert "No such file" in edgenas("verify", "gone.tflite", cwd=tmp_path, check=2).stderr
    (tmp_path / "bad.tflite").write_bytes(b"not a model")
    assert "bad.tflite is damaged, or no model" in edgenas("verify", "bad.tflite", cwd=tmp_path, check=2).stderr
