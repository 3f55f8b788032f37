"""The card of a bundle as Hugging Face reads it, its program with one picture, and the page that runs in a browser."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from edgenas.base.errors import InputError
from edgenas.bundle.try_page import RUNTIME, WASM, web_folder
from edgenas.bundle.write import write_bundle
from edgenas.cli import main
from edgenas.report.card_metadata import dataset
from tests.support.browsers import screenshot, started
from tests.support.report_toys import LABELS, write_finished_run

pytest.importorskip("ai_edge_quantizer")
WEB = os.environ.get("EDGENAS_ONNXRUNTIME_WEB", "")  #: folder of the npm package, where the tests may use it


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_finished_run(tmp_path_factory.mktemp("card") / "run")


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    out = run.parent / "bundle"
    write_bundle(run, out, licence="apache-2.0")
    return out


def test_hugging_face_reads_the_card(bundle: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard.load(bundle / "README.md")
    assert card.data.license == "apache-2.0" and card.data.pipeline_tag == "image-classification"
    data = json.loads((bundle / "run.json").read_text())
    results = card.data.eval_results
    accuracies = {each.metric_name: each.metric_value for each in results if each.metric_type == "accuracy"}
    assert accuracies == {
        f"top-1 of {name}": pytest.approx(file["accuracy"] / 100) for name, file in data["files"].items()
    }
    (latency, *_) = [each for each in results if each.metric_type == "latency_ms"]
    assert latency.metric_value == data["verdicts"][0]["median_ms"] and "in ms on " in latency.metric_name
    assert card.data.datasets == ["toys"] and data["data"] == "toys-32"
    assert "Recipe: 3 epochs of SGD, batch 64, learning rate 0.2, " in card.text
    headings = re.findall(r"^## (.+)$", card.text, re.MULTILINE)
    assert headings == ["Intended use", "Limits", "Licence", "Training", "Blocks", "Use"]
    assert card.validate is not None and "Licence as stated: apache-2.0." in card.text


def test_the_name_of_the_images_has_no_size() -> None:
    for name, plain in (
        ("photos-96", "photos"),
        ("my-2-rooms-96x64", "my-2-rooms"),
        ("digits-32-1400x8-seed0", "digits"),
        ("two words-96", ""),
    ):
        assert dataset(name) == plain


def test_a_licence_is_an_identifier(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["bundle", str(run), "-o", str(run.parent / "other"), "--license", "do: what you [want]"])
    assert "is not an identifier such as apache-2.0" in capsys.readouterr().err and not (run.parent / "other").exists()


def test_one_picture_gets_a_line_for_each_class_and_a_missing_one_a_sentence(bundle: Path) -> None:
    Image.new("RGB", (40, 30), "red").save(bundle.parent / "red.png")

    def predict(*words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, str(bundle / "predict.py"), "--model", "model.onnx", *words]
        return subprocess.run(argv, cwd=bundle.parent, capture_output=True, text=True, timeout=120)

    rows = [line.split("\t") for line in predict("red.png").stdout.splitlines()]
    shares = [float(share) for _, _, share in rows]
    assert len(rows) == 5 and {label for _, label, _ in rows} <= set(LABELS) and shares == sorted(shares, reverse=True)
    assert len(predict("--top", "10", "red.png").stdout.splitlines()) == 10
    assert len(predict("red.png", "red.png").stdout.splitlines()) == 2
    gone = predict("gone.png")
    assert gone.returncode == 1 and gone.stderr == "gone.png: there is no such file; give the path of an image\n"
    (bundle.parent / "text.png").write_text("no picture")
    assert predict("text.png").stderr.startswith("text.png: not an image that can be read: ")


def test_a_folder_without_the_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="type: npm install onnxruntime-web"):
        web_folder(tmp_path)
    (tmp_path / "dist").mkdir()
    for name in (RUNTIME, WASM):
        (tmp_path / "dist" / name).touch()
    assert web_folder(tmp_path) == tmp_path / "dist"


@pytest.mark.slow
@pytest.mark.skipif(not WEB, reason="EDGENAS_ONNXRUNTIME_WEB does not name a folder of onnxruntime-web (npm)")
def test_a_browser_classifies_as_the_program_does_without_a_network(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    write_bundle(run, out, web=web_folder(Path(WEB)))
    Image.radial_gradient("L").convert("RGB").resize((32, 32)).save(tmp_path / "spot.png")
    argv = [sys.executable, str(out / "predict.py"), "--model", "model.onnx", "--top", "10", str(tmp_path / "spot.png")]
    told = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=True).stdout
    wanted = {row.split("\t")[1]: float(row.split("\t")[2]) for row in told.splitlines()}
    with started() as browser:
        page, asked = browser.new_page(viewport={"width": 390, "height": 800}), []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"file://{out / 'try.html'}")
        page.wait_for_function("document.getElementById('state').textContent === 'ready'", timeout=120_000)
        page.set_input_files("#file", tmp_path / "spot.png")
        page.wait_for_selector("#answer tr")
        rows = [line.split("\t") for line in page.inner_text("#answer").splitlines()]
        page.screenshot(path=screenshot("try"))
    assert {label: float(share.removesuffix(" %")) / 100 for label, share in rows} == pytest.approx(wanted, abs=2e-3)
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob"}
