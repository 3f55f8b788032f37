"""int8 tables from real runtimes: measured as int8, never mixed with others, and good for a search and its files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import TableWriter, read_journal, read_table
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.campaign import Campaign, profile
from edgenas.profiler.export.quantize import table_writer
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.stopping import StoppingRule
from edgenas.search.spaces import space
from edgenas.search.table_cost import table_cost
from tests.edgenas.test_cli import JUDGE, SMALL, edgenas
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE, Device, validated

pytest.importorskip("ai_edge_quantizer")

BLOCKS = [BlockSpec.parse(text) for text in ("ir-8x4-m12-o4-k3-s1-se4-hswish-res", "conv-8x4-o6-k1-s1-relu6")]
QUICK = Plan(rounds=2, samples=2, warmup_ms=1)


def measured(folder: Path, name: str, precision: str) -> Campaign:
    runtime = RUNTIMES[name]
    return profile(
        LocalDevice(base=folder),
        runtime,
        BLOCKS,
        folder / f"{name}.jsonl",
        writer=table_writer(runtime.format, precision),
        program=sys.executable,
        plan=replace(QUICK, precision=precision),
        enough=StoppingRule.exactly(2),
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "delegate"), [("litert", "xnnpack"), ("onnxruntime", "cpu")])
def test_both_runtimes_measure_int8_and_a_table_holds_one_precision(tmp_path: Path, name: str, delegate: str) -> None:
    found = measured(tmp_path, name, "int8")
    assert (found.measured, found.failures) == (4, ())
    setting = read_table(tmp_path / f"{name}.jsonl").setting
    assert (setting.precision, setting.delegate) == ("int8", delegate)
    assert set(found.table.to_frame()["precision"]) == {"int8"}
    assert all(found.table.ms(block) > 0 for block in BLOCKS)
    before = (tmp_path / f"{name}.jsonl").read_bytes()
    with pytest.raises(InputError, match=r"another setting.*precision int8 / fp32"):
        measured(tmp_path, name, "fp32")
    assert (tmp_path / f"{name}.jsonl").read_bytes() == before


@pytest.mark.slow
def test_what_runs_is_an_integer_file(tmp_path: Path) -> None:
    found = measured(tmp_path, "onnxruntime", "int8")
    for block in BLOCKS:  # uint8 that a float file would not give: whole, and not below 0
        for m in found.table.measurements:
            assert m.checksum is not None
            total, total_abs = m.checksum
            assert total == total_abs == int(total), block


def test_plans_of_other_precisions_are_refused() -> None:
    with pytest.raises(InputError, match="plan: precision 'int4' is not one of fp32, int8"):
        Plan(precision="int4")


def test_without_its_extra_a_campaign_does_not_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(MissingExtraError, match=r"edgenas\[int8\]"):
        table_writer("tflite", "int8")


def test_a_search_says_what_its_table_is_of(tmp_path: Path) -> None:
    table, held_out = validated(Device(), chains=False)
    for precision in ("fp32", "int8"):
        path = tmp_path / f"{precision}.jsonl"
        with TableWriter(path, replace(SETTING, precision=precision), "0") as writer:
            writer.append([held_out, *table.measurements])
    assert table_cost(SPACE, tmp_path / "fp32.jsonl", "min", unvalidated=False).notes == ()
    (note,) = table_cost(SPACE, tmp_path / "int8.jsonl", "min", unvalidated=False).notes
    assert note.endswith("int8.jsonl is of int8 blocks: its times hold for files of edgenas export --precision int8")


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_a_search_measures_its_winner_again_in_int8(tmp_path: Path, runtime: str) -> None:
    (tmp_path / "judge.py").write_text(JUDGE)
    edgenas("profile", *SMALL, "--precision", "int8", "--runtime", runtime, "--force", cwd=tmp_path)
    path = tmp_path / f"local-{runtime}-int8.jsonl"
    before = read_table(path)
    edgenas(
        "search",
        "nas_bench_macro",
        "--in-size",
        "8",
        "--table",
        path.name,
        "--unvalidated",
        "--algorithm",
        "mathnas",
        "--accuracy",
        "judge:by_macs",
        "--budget-ms",
        "1000",
        "--remeasure",
        "local",
        "--remeasure-rounds",
        "1",
        "--force",
        cwd=tmp_path,
    )
    record = json.loads((tmp_path / "search.json").read_text())
    winner = [BlockSpec.parse(text) for text in record["winner"]["network"]["blocks"]]
    after = read_table(path)
    assert after.setting == before.setting and after.setting.precision == "int8"

    def times_measured(table: LatencyTable, block: BlockSpec) -> int:
        """Void rounds included: on a busy machine, drift voids those of before, and ``processes`` leaves them out."""
        return sum(m.purpose == "table" and m.piece == (block,) for m in table.measurements)

    counts = [(str(b), times_measured(before, b), times_measured(after, b)) for b in winner if b.kind != "skip"]
    assert all(b >= a + 3 for _, a, b in counts), counts


@pytest.mark.slow
def test_from_int8_blocks_to_an_int8_file_with_a_prediction(tmp_path: Path) -> None:
    edgenas("profile", *SMALL, "--precision", "int8", cwd=tmp_path)
    table = "local-litert-int8.jsonl"
    assert read_table(tmp_path / table).setting.precision == "int8"
    edgenas(
        "table", "validate", table, "--networks", "8", "--processes", "1", "--rounds", "2", "--no-chains", cwd=tmp_path
    )
    journal = read_journal(tmp_path / table)
    assert journal.validations and journal.table.setting.precision == "int8"
    key = "nas_bench_macro/1.1.1.1.1.1.1.1"
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "p.npz", images=rng.standard_normal((4, 8, 8, 3), dtype=np.float32))
    edgenas(
        "export",
        key,
        "--in-size",
        "8",
        "--precision",
        "fp32",
        "--precision",
        "int8",
        "--calibrate",
        "p.npz",
        "--format",
        "tflite",
        cwd=tmp_path,
    )
    macro = space("nas_bench_macro", 8)
    network = macro.architecture(macro.parse(key.partition("/")[2]))
    (tmp_path / "n.json").write_text(json.dumps(network.to_json()))
    verify = ("--network", "n.json", "--table", table, "--processes", "1", "--rounds", "2", "--json")
    (verdict,) = json.loads(edgenas("verify", "model/model-int8.tflite", *verify, cwd=tmp_path).stdout)
    assert verdict["predicted_ms"] > 0
    other = edgenas("verify", "model/model-int8.tflite", *verify, "--threads", "2", cwd=tmp_path, check=2).stderr
    assert f"{table} was measured with --threads 1, so it does not predict files that run with" in other
    refused = edgenas("verify", "model/model.tflite", *verify, cwd=tmp_path, check=2).stderr
    assert "computes in fp32, but the table for litert is of int8 blocks" in refused
