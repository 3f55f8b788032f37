"""The model file and runs side by side, on the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgenas.blocks.weights import network_random_weights
from edgenas.profiler.export.tflite import write_tflite
from edgenas.report.sections.compare import compare_section, compared
from edgenas.report.sections.model import model_section
from edgenas.runs.gather import RunFiles, gather
from tests.edgenas.test_report_states import INSIDE, PARTLY, run_of, text
from tests.profiler.test_layout import BLOCKS
from tests.support.report_toys import write_record


def test_the_model_section_names_memory_load_and_first_run() -> None:
    model = write_tflite(BLOCKS, network_random_weights(BLOCKS, 0))
    timed = replace(INSIDE, load_ms=3.12, first_ms=0.412)
    made = model_section({Path("run/model.tflite"): model}, [timed])
    told = text(made)
    assert made is not None and made.get("id") == "model"
    assert "loads it in 3.12 ms and runs it first in 0.412 ms" in told and "9.22 kB" in told
    assert len(list(made.iter("table"))) == 3  # files, operators, tensors
    operators = [row[0].text for row in list(made.iter("table"))[1].iterfind(".//tbody/tr")]
    assert operators[0] == "1. CONV_2D" and operators[-1] == f"{len(operators)}. FULLY_CONNECTED"
    assert model_section({Path("run/model.tflite"): b"no model"}, []) is None
    assert model_section({}, [timed]) is None


def test_runs_stand_side_by_side(tmp_path: Path) -> None:
    for name, verdict in (("a", INSIDE), ("b", replace(PARTLY, device="pi4", measured_ms=0.16))):
        (tmp_path / name / "run").mkdir(parents=True)
        write_record(tmp_path / name / "run", run_of(verdict))
    found = gather([tmp_path / "a" / "run", tmp_path / "b" / "run"])
    made = compare_section(found, [v for run in found.runs for v in run.verdicts])
    told = text(made)
    assert made is not None and [c.name for c in compared(found, [])] == ["a/run", "b/run"]
    assert "a/run is the fastest with 0.0800 ms; b/run takes 2.00 times as long." in told
    states = [cell.get("class") for cell in made.iter("td") if "l " in (cell.get("class") or "")]
    assert states == ["l inside", "l partly"]
    assert "this machine" in told and "pi4" in told and told.count("95.6 %") == 2
    alone = gather([tmp_path / "a" / "run"])
    assert compare_section(alone, alone.runs[0].verdicts) is None


def test_devices_that_timed_one_file_stand_side_by_side() -> None:
    both = [INSIDE, replace(INSIDE, device="pi4", measured_ms=0.04)]
    assert [c.name for c in compared(RunFiles(), both)] == ["local", "pi4"]
    assert compared(RunFiles(), [INSIDE, replace(INSIDE, file="model.onnx", device="pi4")]) == []
