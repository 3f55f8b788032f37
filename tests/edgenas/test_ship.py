"""``edgenas ship``: what it refuses. What it makes is in ``tests/docs/test_docs_stories.py``, which types its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edgenas import ship
from edgenas.latency_tables import quality
from edgenas.latency_tables.store.journal import read_table
from tests.edgenas.test_cli import edgenas
from tests.support.picture_toys import write_class, write_classes
from tests.support.report_toys import write_tables

pytest.importorskip("torch")
pytest.importorskip("PIL.Image")

_QUICK = (
    "--in-size 8 --held-out 12 --workers 0 --train 2 --max-trials 8 --algorithm random --force "
    "--set supernet.epochs=1 --set supernet.batch=16 --set supernet.calibration_images=16 "
    "--set winner.epochs=2 --set winner.batch=16"
)
QUICK = _QUICK.split()


@pytest.mark.slow
def test_misuse_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    write_classes(tmp_path / "photos", 20)
    write_class(tmp_path / "few" / "red", "red", 3)
    write_tables(tmp_path)
    base = ("ship", "nas_bench_macro", "--budget-ms", "1", "--images")
    for args, why in (
        (("nowhere",), "nowhere: No such file or directory; name a folder with one folder of images"),
        (("few",), "has only the class red"),
        (("photos", "--precision", "fp16"), "give fp32 or int8 first"),
        (("photos", "--set", "winner.epoch=3"), "It has epochs"),
        (("photos", "--set", "train.epochs=3", "--algorithm", "fastest"), "no algorithm 'fastest'"),
        (("photos", "--device", "pi9"), "pi9"),
        (("photos", "--limit", "energy.csv=3"), "energy.csv: No such file or directory; name a CSV or JSON file with"),
        (("photos", "--table", "table-onnxruntime.jsonl", *QUICK), "is of fp32 blocks under onnxruntime"),
        (("photos", "--set", "winner.batch=4096", "--in-size", "8"), "batch=4096 is more than the"),
    ):
        assert why in edgenas(*base, *args, cwd=tmp_path, check=2).stderr, args
    assert not list(tmp_path.glob("*/table-*.jsonl"))


@pytest.mark.slow
def test_the_file_that_ships_has_the_size_of_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "FLAT", 0.0)  # on a fast processor, calls take longer than blocks of 8 pixels
    write_classes(tmp_path / "photos", 20)
    quick = {"epochs": 1, "batch": 16}
    run = tmp_path / "shipped"
    ship(
        "nas_bench_macro:divided=8",
        images=tmp_path / "photos",
        in_size=(8, 16),
        budget_ms=50,
        options={"supernet": {**quick, "calibration_images": 16}, "winner": quick},
        algorithm="random",
        max_trials=4,
        held_out=8,
        train=1,
        workers=0,
        force=True,
        out=run,
    )
    saved = json.loads((run / "search.json").read_text())
    assert saved["space"]["name"] == "nas_bench_macro:divided=8,in_size=8+16"
    size = json.loads((run / "arch.json").read_text())["blocks"][0].split("-")[1].partition("x")[0]
    assert size in ("8", "16")
    assert json.loads((run / "preprocessing.json").read_text())["width"] == int(size)
    assert json.loads((run / "bundle" / "preprocessing.json").read_text())["height"] == int(size)
    stems = [block for block in read_table(run / "table-litert.jsonl").blocks if block.c_in == 3]
    assert {block.in_size for block in stems} == {8, 16}
