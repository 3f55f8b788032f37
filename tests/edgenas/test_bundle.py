"""Bundles: what is in one, that its programs run, that changed files are caught, what a repeated measurement says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image, ImageOps

from edgenas.base.errors import InputError
from edgenas.bundle.repeat import agree, recorded
from edgenas.bundle.write import write_bundle
from edgenas.devices.facts.facts import fingerprint, read_facts
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.export.run import run_model
from edgenas.profiler.export.tflite_metadata import read_labels
from edgenas.profiler.verdict import Verdict
from edgenas.runs.bundle import changed, manifest
from edgenas.runs.layout import BUNDLE, MANIFEST
from edgenas.ship.preprocessing import PREDICT
from edgenas.training.images.decode import fitted, open_picture, reads_heif
from tests.edgenas.test_cli import edgenas
from tests.latency_tables.test_journal import SETTING
from tests.support.report_toys import LABELS, write_finished_run

pytest.importorskip("ai_edge_quantizer")

#: files of every bundle of a search, besides its models and tables
BUNDLED = (
    "arch.json", "labels.txt", "preprocessing.json", PREDICT, "README.md", "report.html", "verification.jsonl",
    "search.json", "search.trials.jsonl", "run.json", BUNDLE, MANIFEST,
)  # fmt: skip
MODELS = ("model.tflite", "model.onnx", "model-int8.tflite", "model-int8.onnx")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: its network has random weights."""
    return write_finished_run(tmp_path_factory.mktemp("bundle") / "run")


@pytest.fixture
def bundle(run: Path, tmp_path: Path) -> Path:
    write_bundle(run, tmp_path / "bundle")
    return tmp_path / "bundle"


def test_everything_is_in_it_and_sha256sum_agrees(bundle: Path) -> None:
    names = {path.name for path in bundle.iterdir()}
    assert names == {*MODELS, "table-litert.jsonl", "table-onnxruntime.jsonl", *BUNDLED}
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", MANIFEST], cwd=bundle, check=True)
    assert changed(bundle) == []
    card = (bundle / "README.md").read_text()
    assert card.startswith("---\nlicense: unknown\npipeline_tag: image-classification\n")
    assert "| model.tflite | fp32 | \\<script\\>" in card  # a device's name stays text
    (row,) = (line for line in card.splitlines() if line.startswith("| model.tflite | fp32 | \\<script"))
    assert "| 1.45 / 1.5 | 1.42 .. 1.48 |" in row and row.endswith("| 1.41 | 1.5 | inside, min 1.4 (1.36 .. 1.44) |")
    assert "| model-int8.tflite | int8 | - | - |" in card and card.count("not timed") == 2
    assert read_labels((bundle / "model-int8.tflite").read_bytes()) == LABELS


def test_nothing_is_left_of_a_bundle_that_could_not_be_made(run: Path, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(InputError, match="is not overwritten"):
        write_bundle(run, tmp_path / "there")
    with pytest.raises(InputError, match=r"no arch\.json.*edgenas demo --run"):
        write_bundle(tmp_path / "there", tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["there"]


def test_its_program_answers_as_each_model_does(bundle: Path) -> None:
    tree = ast.parse((bundle / PREDICT).read_text())
    imported = {name for node in ast.walk(tree) for name in _imported(node)}
    assert imported == {
        "argparse",
        "json",
        "pathlib",
        "typing",
        "collections",
        "contextlib",
        "sys",
        "numpy",
        "PIL",
        "pillow_heif",
        "ai_edge_litert",
        "tflite_runtime",
        "onnxruntime",
    }
    picture = bundle.parent / "picture.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)).save(picture)
    with Image.open(picture) as image:
        levels = np.asarray(ImageOps.fit(image, (32, 32), Image.Resampling.BICUBIC), dtype=np.float32)
    pixels = ((levels[None] - [120, 110, 100]) / [60, 55, 50]).astype(np.float32)
    for model in MODELS:
        argv = [sys.executable, "-I", str(bundle / PREDICT), "--model", model, "--top", "1", "picture.png"]
        told = subprocess.run(argv, cwd=bundle.parent, capture_output=True, text=True, timeout=120, check=True).stdout
        name, label, share = told.rstrip("\n").split("\t")
        scores = run_model((bundle / model).read_bytes(), pixels)[0]
        shares = np.exp(scores - scores.max())
        assert (name, label) == ("picture.png", LABELS[scores.argmax()])
        assert float(share) == pytest.approx(float((shares / shares.sum()).max()), abs=1e-3)


def test_its_program_reads_names_line_by_line_in_utf_8_whatever_the_locale_is(bundle: Path) -> None:
    names = [f"a\u2028b\x85c\x0cd é {number}" for number in range(10)]
    (bundle / "labels.txt").write_bytes("".join(f"{name}\n" for name in names).encode())
    Image.new("RGB", (40, 30), "red").save(bundle.parent / "réd.png")
    argv = [sys.executable, "-I", str(bundle / PREDICT), "--model", "model.onnx", "réd.png"]
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run(
        ["env", "-i", *(f"{k}={v}" for k, v in env.items()), *argv[:1], "-X", "utf8=0", *argv[1:]],
        cwd=bundle.parent,
        capture_output=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stderr
    rows = [line.split("\t") for line in told.stdout.decode("utf-8").removesuffix("\n").split("\n")]
    assert {row[0] for row in rows} == {"réd.png"} and len(rows) == 5 and all(row[1] in names for row in rows)


def test_its_program_sees_pictures_as_training_does(bundle: Path) -> None:
    program: dict[str, Any] = {"__file__": str(bundle / PREDICT), "__name__": "predict"}
    exec((bundle / PREDICT).read_text(encoding="utf-8").removesuffix("main()\n"), program)
    four = Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 40, 4), dtype=np.uint8))
    deep = Image.fromarray(np.random.default_rng(0).integers(0, 1 << 16, (50, 40), dtype=np.uint16))
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    for suffix in ("png", "webp", "pgm", "tif", "gif", "avif", *(["heic"] if reads_heif() else [])):
        file = bundle / f"a.{suffix}"
        more = {"exif": exif} if suffix in ("png", "webp", "avif") else {}
        (deep if suffix in ("pgm", "tif") else four).save(file, **more)
        for mode, mean in (("RGB", [0.0] * 3), ("L", [0.0])):
            how = {"mode": mode, "width": 32, "height": 32, "mean": mean, "deviation": [1.0] * len(mean)}
            with open_picture(file) as image:
                trained_on, _ = fitted(image, 32, len(mode))
            assert np.array_equal(program["picture"](str(file), how)[0], trained_on), (suffix, mode)


@pytest.mark.parametrize(("runtime", "models"), [("ai-edge-litert", MODELS[::2]), ("onnxruntime", MODELS[1::2])])
def test_its_program_needs_its_runtime_numpy_and_pillow_alone(
    bundle: Path, tmp_path: Path, runtime: str, models: tuple[str, ...]
) -> None:
    for name in needed_by(runtime, "numpy", "pillow"):
        for file in distribution(name).files or ():
            top, path = file.parts[0], Path(str(distribution(name).locate_file(file.parts[0])))
            if not top.startswith((".", "_")) and path.exists() and not (tmp_path / "only" / top).exists():
                (tmp_path / "only").mkdir(exist_ok=True)
                (tmp_path / "only" / top).symlink_to(path)
    Image.new("RGB", (40, 30), "red").save(tmp_path / "red.png")
    for model in models:
        argv = [sys.executable, "-S", str(bundle / PREDICT), "--model", model, "red.png"]
        env = {"PYTHONPATH": str(tmp_path / "only"), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0 and done.stdout.split("\t")[1] in LABELS, done.stderr
    other = subprocess.run(
        [*argv[:4], MODELS[1 - MODELS.index(models[0])], "red.png"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "ModuleNotFoundError" in other.stderr  # the other runtime is not there


def needed_by(*names: str) -> set[str]:
    """Distributions, and those that they need in turn."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            needs = [Requirement(text) for text in distribution(name).requires or ()]
            left += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    return found


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    return [str(node.module).partition(".")[0]] if isinstance(node, ast.ImportFrom) else []


def test_every_kind_of_change_is_caught(bundle: Path) -> None:
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (bundle / name).write_text("a system's own")
    assert changed(bundle) == [] and "Thumbs" not in manifest(bundle)
    data = bytearray((bundle / "model.tflite").read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / "model.tflite").write_bytes(data)
    (bundle / "arch.json").unlink()
    (bundle / "labels.txt").rename(bundle.parent / "labels.txt")
    (bundle / "labels.txt").symlink_to(bundle.parent / "labels.txt")
    (bundle / "more.py").write_text("")
    assert {c.file: c.how for c in changed(bundle)} == {
        "model.tflite": "changed",
        "arch.json": "missing",
        "labels.txt": "missing",
        "more.py": "not in the manifest",
    }


@pytest.mark.parametrize("line", ["", "00  a", f"{'0' * 64}  ../a", f"{'0' * 64}  /etc/passwd", f"{'0' * 64}  .hidden"])
def test_a_manifest_names_files_of_its_folder(bundle: Path, line: str) -> None:
    with (bundle / MANIFEST).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=r"MANIFEST, line 18"):
        changed(bundle)


@pytest.mark.slow
def test_a_changed_bundle_is_exit_3_and_is_not_measured(bundle: Path, tmp_path: Path) -> None:
    (bundle / "model.onnx").write_bytes(b"\0")
    told = edgenas("verify", bundle, "--json", cwd=tmp_path, check=3)
    assert json.loads(told.stdout) == {"changed": {"model.onnx": "changed"}, "files": []}
    assert "was changed after it was written: model.onnx (changed); no file was run" in told.stderr
    assert "is no bundle" in edgenas("verify", tmp_path, cwd=tmp_path, check=2).stderr
    assert "leave out --network" in edgenas("verify", bundle, "--threads", "2", cwd=tmp_path, check=2).stderr


def record(bundle: Path, low: float, high: float, *, here: bool) -> None:
    """Make the bundle say that its files took ``low`` .. ``high`` ms, ``here`` or elsewhere, without a budget."""
    path = bundle / "verification.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        line |= {"low_ms": low, "measured_ms": (low * high) ** 0.5, "high_ms": high, "within_budget": None}
        line.pop("budget_ms", None)
        if here:
            line["setting"] |= {"device": fingerprint(read_facts(LocalDevice())), "cores": [0]}
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
    assert [(f["recorded"]["file"], f["agree"]) for f in found] == [("model.tflite", verdict), ("model.onnx", verdict)]
    assert all(bool(f["differences"]) != here for f in found)
    assert all(
        f["recorded"]["peak_kib"] is None and f["repeated"]["peak_kib"] > f["repeated"]["model_kib"] for f in found
    )
    assert ("another device" in told.stderr) != here
    assert ("a larger difference than both intervals explain" in told.stderr) == (code == 1)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"file": ".."}, "'..' is no file of the bundle"),
        ({"file": "gone.tflite"}, "'gone.tflite' is no file of the bundle"),
        ({"measured_ms": 0}, "measured_ms is 0: it should be greater than 0"),
        ({"low_ms": -1.5}, "low_ms is -1.5: it should be greater than 0"),
        ({"budget_ms": 0.0}, "budget_ms is 0.0: it should be greater than 0"),
    ],
)
def test_a_record_that_no_measurement_wrote(bundle: Path, change: dict[str, Any], why: str) -> None:
    path = bundle / "verification.jsonl"
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | change), *others]) + "\n")
    with pytest.raises(InputError) as refused:
        recorded(bundle)
    assert f"{path}, line 1: " in str(refused.value) and why in str(refused.value)


def test_agreement_is_what_both_intervals_explain() -> None:
    then = Verdict("m", "d", "litert", "median", 1.0, 1 / 1.04, 1.04, 1.0, 1.0)
    now = Verdict("m", "d", "litert", "median", 1.0, 1 / 1.03, 1.03, 1.0, 1.0, None, None, None, SETTING)
    assert agree(then, now)
    for ms, wanted in (
        (1.049, True),
        (1.052, False),
        (1 / 1.049, True),
        (1 / 1.052, False),
    ):  # e ** hypot(.0392, .0296)
        assert agree(then, replace(now, measured_ms=ms, low_ms=ms / 1.03, high_ms=ms * 1.03)) is wanted
