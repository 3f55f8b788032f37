"""Bundles: what is in one, that its programs run, that changed files are caught, what a repeated measurement says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blocks.architecture import Architecture
from blocks.errors import InputError
from blocks.weights import network_random_weights
from devices.facts import fingerprint, read_facts
from devices.local import LocalDevice
from edgenas.bundling import MANIFEST, PREDICT, changed, manifest, write_bundle
from edgenas.measuring import Verdict
from edgenas.repeating import agree
from edgenas.report.files import VerdictData
from edgenas.shipping import export_network
from profiler.export.check import run_model
from tests.report_toys import write_run
from tests.test_cli import edgenas


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: its network has random weights."""
    folder = write_run(tmp_path_factory.mktemp("bundle") / "run")
    network = Architecture.from_json(json.loads((folder / "search.json").read_text())["winner"]["network"])
    (folder / "arch.json").write_text(json.dumps(network.to_json()))
    (folder / "card.md").write_text("# toy\n\nThe story.\n")
    export_network(network, network_random_weights(network.blocks, 0), folder)
    return folder


@pytest.fixture
def bundle(run: Path, tmp_path: Path) -> Path:
    write_bundle(run, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_everything_is_in_it_and_sha256sum_agrees(bundle: Path) -> None:
    names = {path.name for path in bundle.iterdir()}
    assert names == {
        "model.tflite", "model.onnx", "arch.json", "labels.txt", "preprocessing.json", *PREDICT, "card.md",
        "report.html", "verification.jsonl", "table-litert.jsonl", "table-onnxruntime.jsonl", "search.json",
        "search.trials.jsonl", "demo.json", MANIFEST,
    }  # fmt: skip
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", MANIFEST], cwd=bundle, check=True)
    assert changed(bundle) == []
    card = (bundle / "card.md").read_text()
    assert card.startswith("---\npipeline_tag: image-classification\n") and "The story." in card
    assert "| model.tflite | fp32 | \\<script\\>" in card  # a device's name stays text
    assert len((bundle / "labels.txt").read_text().splitlines()) == 10


def test_nothing_is_left_of_a_bundle_that_could_not_be_made(run: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="is not overwritten"):
        write_bundle(run, tmp_path / "there")
    with pytest.raises(InputError, match=r"no model\.tflite.*edgenas demo --run"):
        write_bundle(tmp_path / "there", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize(("program", "runtime", "model"), [
    (PREDICT[0], "ai_edge_litert", "model.tflite"), (PREDICT[1], "onnxruntime", "model.onnx"),
])  # fmt: skip
def test_its_programs_answer_as_the_model_does(bundle: Path, program: str, runtime: str, model: str) -> None:
    tree = ast.parse((bundle / program).read_text())
    imported = {name for node in ast.walk(tree) for name in _imported(node)}
    assert imported == {"json", "sys", "pathlib", "numpy", "PIL", runtime}
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (50, 40, 3), dtype=np.uint8)).save(bundle.parent / "picture.png")
    argv = [sys.executable, "-I", str(bundle / program), "picture.png"]
    told = subprocess.run(argv, cwd=bundle.parent, capture_output=True, text=True, timeout=120, check=True).stdout
    name, label, share = told.rstrip("\n").split("\t")
    with Image.open(bundle.parent / "picture.png") as image:
        small = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR), dtype=np.float32)
    scores = run_model((bundle / model).read_bytes(), ((small[None] / 255 - 0.3) / 0.35).astype(np.float32))[0]
    shares = np.exp(scores - scores.max())
    assert (name, label) == ("picture.png", str(scores.argmax()))
    assert float(share) == pytest.approx(float((shares / shares.sum()).max()), abs=1e-3)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [str(node.module).partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_every_kind_of_change_is_caught(bundle: Path) -> None:
    (bundle / ".DS_Store").write_text("a system's own")
    assert changed(bundle) == []
    data = bytearray((bundle / "model.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / "model.tflite").write_bytes(data)
    (bundle / "arch.json").unlink()
    (bundle / "labels.txt").rename(bundle.parent / "labels.txt")
    (bundle / "labels.txt").symlink_to(bundle.parent / "labels.txt")
    (bundle / "more.py").write_text("")
    assert {c.file: c.how for c in changed(bundle)} == {
        "model.tflite": "changed", "arch.json": "missing", "labels.txt": "missing", "more.py": "not in the manifest",
    }  # fmt: skip


@pytest.mark.parametrize("line", ["", "00  a", f"{'0' * 64}  ../a", f"{'0' * 64}  /etc/passwd", f"{'0' * 64}  .hidden"])
def test_a_manifest_names_files_of_its_folder(bundle: Path, line: str) -> None:
    with (bundle / MANIFEST).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=r"MANIFEST, line 16"):
        changed(bundle)


def test_a_changed_bundle_is_exit_3_and_is_not_measured(bundle: Path, tmp_path: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"\0")
    told = edgenas("verify", bundle, "--json", cwd=tmp_path, check=3)
    assert json.loads(told.stdout) == {"changed": {"model.onnx": "changed"}, "files": []}
    assert "model.onnx: changed" in told.stderr
    assert "is no bundle" in edgenas("verify", tmp_path, cwd=tmp_path, check=2).stderr
    assert "leave out all but --device" in edgenas("verify", bundle, "--threads", "2", cwd=tmp_path, check=2).stderr


def record(bundle: Path, low: float, high: float, *, here: bool) -> None:
    """Make the bundle say that its files took ``low`` .. ``high`` ms, ``here`` or elsewhere, without a budget."""
    path = bundle / "verification.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line |= {"low_ms": low, "measured_ms": (low * high) ** 0.5, "high_ms": high, "within_budget": None}
        line.pop("budget_ms", None)
        if here:
            line["setting"]["device"] = fingerprint(read_facts(LocalDevice()))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (bundle / MANIFEST).write_text(manifest(bundle))


@pytest.mark.slow
@pytest.mark.parametrize(("low", "here", "verdict", "code"), [
    (1e-4, True, True, 0), (9e5, True, False, 1), (9e5, False, None, 0),
])  # fmt: skip
def test_a_repeated_measurement(bundle: Path, low: float, here: bool, verdict: bool | None, code: int) -> None:
    record(bundle, low, 1e6, here=here)
    quick = ("--rounds", "2", "--processes", "1", "--force", "--json")
    told = edgenas("verify", bundle, *quick, cwd=bundle.parent, check=code)
    found: list[dict[str, Any]] = json.loads(told.stdout)["files"]
    assert [(f["then"]["file"], f["agree"]) for f in found] == [("model.tflite", verdict), ("model.onnx", verdict)]
    assert all(bool(f["differences"]) != here for f in found)
    assert all(f["then"]["peak_kib"] is None and f["now"]["peak_kib"] > f["now"]["model_kib"] for f in found)
    assert ("another device" in told.stderr) != here
    assert ("further apart than both intervals explain" in told.stderr) == (code == 1)


def test_agreement_is_what_both_intervals_explain() -> None:
    then = VerdictData(file="m", device="d", runtime="litert", statistic="median", measured_ms=1.0, low_ms=1 / 1.04,
                       high_ms=1.04)  # fmt: skip
    now = Verdict("m", "d", "litert", "median", 1.0, 1 / 1.03, 1.03, 1.0, 1.0, None, None, None)
    assert agree(then, now)
    for ms, wanted in (
        (1.049, True),
        (1.052, False),
        (1 / 1.049, True),
        (1 / 1.052, False),
    ):  # e ** hypot(.0392, .0296)
        assert agree(then, replace(now, measured_ms=ms, low_ms=ms / 1.03, high_ms=ms * 1.03)) is wanted
