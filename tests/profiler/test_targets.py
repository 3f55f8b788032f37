"""Which processor int8 files are written for, and what is said of it on what ships."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.base.listener import SILENT
from edgenas.blocks.architecture import Architecture
from edgenas.devices.inventory import Entry, find, load_inventory
from edgenas.devices.transports.fake import FakeDevice
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.profiler.target import Target, target_of, target_of_table, this_machine
from edgenas.report.card import taken
from edgenas.report.card_files import files_table
from edgenas.report.top import tiles
from edgenas.runs.run import FileRecord, RunRecord
from edgenas.runs.search import SEARCH, SavedRun, SavedSearch
from edgenas.search.spaces.recorded import SpaceRecord
from edgenas.ship import finish as finish_module
from edgenas.ship.demo import demo_order
from edgenas.ship.finish import Finisher
from tests.edgenas.test_cli import edgenas
from tests.latency_tables.test_journal import SETTING, measurement

AVX2 = Target("pi4", "sse4.1 avx2")


def write_table(path: Path, **told: str) -> None:
    with TableWriter(path, SETTING, "0.2.0") as writer:
        writer.append([replace(measurement(), before={"time": "now", **told})])


def test_a_table_says_what_it_was_measured_on(tmp_path: Path) -> None:
    write_table(tmp_path / "new.jsonl", device="pi4", int8_isa="sse4.1 avx2")
    write_table(tmp_path / "old.jsonl", device="pi4")
    assert target_of_table(tmp_path / "new.jsonl") == AVX2
    assert target_of_table(tmp_path / "old.jsonl") is target_of_table(tmp_path / "none.jsonl") is None


def test_a_device_says_what_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Entry, "open", lambda self: FakeDevice("pi4", tmp_path / "fake"))
    assert target_of(find(load_inventory(None), "local")) == replace(this_machine(), device="pi4")


@pytest.mark.slow
def test_export_writes_for_the_device_of_the_search_s_table(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_quantizer")
    import numpy as np

    from tests.profiler.test_answers import BLOCKS, images

    write_table(tmp_path / "table.jsonl", device="pi4", int8_isa="sse4.1 avx2")
    winner = SavedRun(budget=1, key="1", accuracy=50, cost=1, network=Architecture("small", BLOCKS), algorithm="random")
    found = SavedSearch(
        space=SpaceRecord("small"), accuracy="mine", unit="ms", table="table.jsonl", winner=winner, runs=()
    )
    SEARCH.write(tmp_path / "search.json", found)
    np.savez(tmp_path / "train.npz", images=images(4))
    base = ("export", "search.json", "--precision", "int8", "--calibrate", "train.npz", "--format", "onnx", "--json")
    here = 7 if this_machine().reduce_range else 8
    for args, bits, said in (
        ((), 7, "int8 ONNX weights have 7 bits, for pi4 (AVX2 without VNNI)"),
        (("--device", "local"), here, f"int8 ONNX weights have {here} bits, for {this_machine()}"),
        (("--full-range",), 8, ""),
        (("--device", "local", "--reduce-range"), 7, ""),
    ):
        done = edgenas(*base, *args, cwd=tmp_path)
        assert json.loads(done.stdout)["facts"]["onnx int8"]["weight_bits"] == bits, args
        assert said in done.stderr
        assert bool(said) == ("ONNX weights have" in done.stderr)


@pytest.mark.parametrize(
    ("precision", "ordered", "reduced"),
    [("int8", None, True), ("int8", False, False), ("fp32", None, False), ("int8", True, True)],
)
def test_ship_writes_for_its_device_unless_ordered(
    precision: str, ordered: bool | None, reduced: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(finish_module, "target_of", lambda entry: AVX2)
    order = replace(demo_order(), precisions=(precision,), reduce_range=ordered)  # type: ignore[arg-type]
    entry = find(load_inventory(None), "local")
    finish = Finisher(tmp_path, entry, order, None, None, 0, "min", 1.0, SILENT)  # type: ignore[arg-type]
    assert finish.reduce_range() is reduced


def test_the_card_and_the_page_name_the_place() -> None:
    here = FileRecord(precision="fp32", pictures=2, accuracy=50.0, accuracy_on=Target("local", "asimd"))
    there = FileRecord(precision="int8", pictures=2, accuracy=50.0, accuracy_on=AVX2, weight_bits=7)
    alone = RunRecord(winner="1", files={"model-int8.onnx": there}, verdicts=())
    both = RunRecord(winner="1", files={"model.onnx": here, "model-int8.onnx": there}, verdicts=())
    assert taken(alone) == ", on pi4 (AVX2 without VNNI)"
    assert taken(both) == (
        ": model.onnx on local (Arm without dot product), model-int8.onnx on pi4 (AVX2 without VNNI)"
    )
    assert "int8, 7-bit weights" in files_table(alone)
    shown = tiles([], [alone], [], [])
    assert shown is not None and "on pi4 (AVX2 without VNNI)" in "".join(shown.itertext())
    old = RunRecord(winner="1", files={"model-int8.onnx": replace(there, accuracy_on=None)}, verdicts=())
    assert taken(old) == ""
