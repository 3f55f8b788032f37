"""Sustained load: what minutes come to, the command, bundles, what is kept."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.api.sustain import seconds_of
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.bundle.write import write_bundle
from edgenas.cli.verify import command as verify
from edgenas.cli.verify_sustained import print_sustained, sustain_files
from edgenas.devices.inventory import Entry
from edgenas.devices.session.sample_state import Moment
from edgenas.latency_tables.setting import Setting
from edgenas.profiler.export import WRITERS
from edgenas.profiler.runtimes.sustained import Minute
from edgenas.profiler.sustained import sustain
from edgenas.profiler.sustained_load import MinuteReading, SustainedLoad, ratio
from edgenas.profiler.sustained_run import minute_reading
from edgenas.runs.bundle import changed
from edgenas.runs.sustained import SUSTAINED
from edgenas.runs.verification import VERIFICATION
from tests.edgenas.test_bundle import record
from tests.edgenas.test_bundle import run as finished_run
from tests.edgenas.test_cli import edgenas
from tests.support.listeners import Recorder
from tests.support.report_toys import write_run

__all__ = ["finished_run"]

BLOCK = BlockSpec.parse("conv-8x3-o4-k3-s1-relu6")
HERE = Entry("local", "local", sys.executable)
SETTING = Setting((("model", "m"),), "litert", "ai_edge_litert 2.3.0", "0" * 64, "xnnpack", "fp32", 1, (1,), "normal")


def minute(number: int, ms: float, seconds: float = 60.0, **how: Any) -> MinuteReading:
    ns = round(ms * 1e6)
    parts = tuple(ns + k for k in range(6))
    values = {"temperature_c": 50.0 + number, "clock_mhz": 1800.0, "throttled": (), **how}
    return MinuteReading(number, seconds, 1000, ms, 1.5 * ms, **values, deciles_ns=(ns,) * 11, parts_ns=parts)


def load(*times_ms: float, budget_ms: float | None = None, statistic: str = "median") -> SustainedLoad:
    minutes = tuple(minute(k + 1, ms) for k, ms in enumerate(times_ms))
    return SustainedLoad(
        "m.tflite",
        "0" * 64,
        "pi4",
        "litert",
        SETTING,
        "2026-11-22T12:00:00+00:00",
        60.0 * len(minutes),
        60.0,
        "run",
        "",
        minutes,
        statistic,
        budget_ms,
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90.0), ("10m", 600.0), ("1h", 3600.0), ("1.5h", 5400.0), ("24h", 86_400.0)]
)
def test_times(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "10 m", "-5m", "5s", "25h", "1e3s", "10min", "0m", "nan", "\u0661m"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(InputError, match=r"not a duration from 10s to 24h; write it as 90s, 10m or 1h"):
        seconds_of(text)


def test_the_last_fifth_is_held_against_the_first_minute() -> None:
    slower = load(*([1.0] * 8 + [1.2] * 2)).slower
    assert slower is not None and slower.minutes == 2
    assert slower.ratio == pytest.approx(1.2, rel=1e-4) and slower.low <= slower.ratio <= slower.high
    slower = load(1.0, 1.3).slower
    assert slower is not None and (slower.minutes, round(slower.ratio, 3)) == (1, 1.3)
    assert load(1.0).slower is None
    cut = load(1.0, 1.3, 9.0)
    cut = replace(cut, minutes=(*cut.minutes[:2], minute(3, 9.0, seconds=14.0)))
    assert cut.slower is not None and cut.slower.ratio == pytest.approx(1.3, rel=1e-4), "too short to count"
    assert cut.worst.minute == 2


def test_the_interval_of_a_ratio_covers_the_truth() -> None:
    """Medians that scatter by 3 %, six against eighteen, of which the latter are 10 % slower: 95 of 100 times."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(1000):
        first, last = (np.exp(rng.normal(math.log(level), 0.03, n)) for level, n in ((1e6, 6), (1.1e6, 18)))
        found = ratio([int(x) for x in first], [int(x) for x in last], 3)
        assert found is not None
        inside += found.low <= 1.1 <= found.high
    assert 925 <= inside <= 975
    assert ratio([1], [1, 2], 1) is None
    same = ratio([5, 5], [10, 10], 1)
    assert same is not None and same.low == same.high == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("budget_ms", "statistic", "inside"),
    [(1.25, "median", True), (1.2, "median", True), (1.19, "median", False), (1.25, "p90", False), (None, "p90", None)],
)
def test_the_worst_minute_counts(budget_ms: float | None, statistic: str, inside: bool | None) -> None:
    one = load(1.0, 1.2, 1.1, budget_ms=budget_ms, statistic=statistic)
    assert (one.worst.minute, one.within_budget) == (2, inside)


def test_the_reading_of_a_minute() -> None:
    plain = Minute(3, 180.0, 60.0, 10, tuple(range(1, 12)), (5, 6))
    looks = [Moment(1, 61.0, 1500.0, 0), Moment(31, 64.5, 1200.0, 0x20002)]
    found = minute_reading(plain, looks)
    assert (found.minute, found.temperature_c, found.clock_mhz) == (4, 64.5, 1200.0)
    assert found.throttled == ("clock capped",)
    assert minute_reading(plain, []).temperature_c is None
    assert minute_reading(plain, looks[:1], Moment(0, throttled=0)).throttled == ()


def test_how_a_minute_reads() -> None:
    cool, hot = load(1.0, 1.2).minutes
    cool = replace(cool, temperature_c=None, clock_mhz=None)
    hot = replace(hot, temperature_c=64.52, clock_mhz=1199.6, throttled=("clock capped",))
    assert str(cool) == f"median 1 ms, p90 {cool.p90_ms:.4g} ms"
    assert str(hot) == f"median 1.2 ms, p90 {hot.p90_ms:.4g} ms, 64.5 °C, 1200 MHz, clock capped"


def test_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    one = load(*([1.0] * 8 + [1.2] * 2), budget_ms=1.1)
    hot = replace(one.minutes[9], throttled=("throttled",), temperature_c=None, clock_mhz=None)
    print_sustained(replace(one, minutes=(*one.minutes[:9], hot)))
    told = capsys.readouterr().out
    assert "m.tflite on pi4, litert: single runs, back to back" in told
    assert "the last 2 minutes against the first: +20.0 % (+20.0 % .. +20.0 %, 95 %)" in told
    assert "minute 9: median 1.2 ms, OUTSIDE 1.1 ms" in told
    assert [line.split()[-1] for line in told.splitlines() if line.split()[:1] == ["10"]] == ["throttled"]


@pytest.mark.slow
def test_a_file_is_run_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes of a second, on this machine; then what is kept of it, and exit codes."""
    content = WRITERS["tflite"]([BLOCK], [random_weights(BLOCK, 0)])
    recorder = Recorder()
    one = sustain(HERE, "m.tflite", content, "litert", 3.0, minute_s=1.0, budget_ms=1e-6, force=True, listener=recorder)
    assert 1 < len(one.minutes) <= 3 and recorder.counts[0] == (1, 3)
    assert isinstance(recorder.details[0], MinuteReading) and recorder.details[0].minute == 1
    assert recorder.notes[0] == str(recorder.details[0])
    assert f"m.tflite: minute 1 of 3: {recorder.notes[0]}" in recorder.messages
    assert (one.stopped, one.within_budget, one.setting.scheduler, one.setting.cold_kib) == ("", False, "normal", 0)
    assert one.setting.delegate == "xnnpack" and "governor" not in dict(one.setting.device)
    assert one.slower is not None and one.slower.low <= one.slower.ratio <= one.slower.high
    monkeypatch.setattr("edgenas.profiler.sustained.sustain", lambda *args, **how: one)
    (tmp_path / "m.tflite").write_bytes(content)
    asked: dict[str, Any] = {
        "threads": 1,
        "device": "local",
        "inventory": None,
        "statistic": None,
        "out": tmp_path / "s.jsonl",
        "force": True,
    }
    for _ in range(2):
        with pytest.raises(OutcomeError, match=r"m\.tflite is not inside 1e-06 ms on local in minute \d: median"):
            sustain_files([tmp_path / "m.tflite"], "10s", budget_ms=1e-6, as_json=False, **asked)
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert len(lines) == 2 and lines[0] == json.loads(json.dumps(SUSTAINED.to_json(one)))
    assert lines[0]["format"] == "edgenas sustained load" and len(lines[0]["minutes"][0]["deciles_ns"]) == 11
    cut = replace(one, stopped="interrupted", budget_ms=None)
    monkeypatch.setattr("edgenas.profiler.sustained.sustain", lambda *args, **how: cut)
    with pytest.raises(OutcomeError, match=r"ran for 0\.[01] of 0\.[01] minutes: interrupted"):
        sustain_files([tmp_path / "m.tflite"], "10s", budget_ms=None, as_json=True, **asked)


def test_misuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.tflite").write_bytes(b"")
    for argv, says in (
        (("--sustained", "10"), "not a duration from 10s to 24h"),
        (("--sustained", "10m", "--rounds", "3"), "leave out --rounds"),
        (("--sustained", "10m", "--table", "t.jsonl", "--network", "n"), "leave out --network"),
        (("--sustained", "10m", "--statistic", "min"), "not a statistic of a minute; give one of median, p90"),
        (("-o", "x.jsonl"), "add --sustained 10m"),
        (("no.onnx", "--sustained", "10m"), r"no\.onnx: No such file"),
    ):
        with pytest.raises(InputError, match=says):
            verify.main(["m.tflite", *argv], standalone_mode=False)


@pytest.mark.slow
def test_a_bundle_is_run_and_stays_as_it_is(finished_run: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(finished_run, bundle)
    record(bundle, 1e-4, 1e6, here=True)
    assert (
        "lies in the bundle"
        in edgenas("verify", bundle, "--sustained", "10s", "-o", bundle / "s.jsonl", cwd=tmp_path, check=2).stderr
    )
    told = edgenas("verify", bundle, "--sustained", "10s", "--force", "--json", cwd=tmp_path)
    found = json.loads(told.stdout)
    assert [Path(one["file"]).name for one in found] == ["model.tflite", "model.onnx"]
    assert [len(one["minutes"]) for one in found] == [1, 1]
    assert changed(bundle) == []
    kept = [json.loads(line) for line in (tmp_path / "sustained.jsonl").read_text().splitlines()]
    assert kept == found
    (bundle / "model.onnx").write_bytes(b"\0")
    assert (
        "model.onnx (changed); no file was run"
        in edgenas("verify", bundle, "--sustained", "10s", cwd=tmp_path, check=3).stderr
    )


def test_toys_have_no_memory_and_are_read_all_the_same(tmp_path: Path) -> None:
    """Records of before memory was measured."""
    made = json.loads((write_run(tmp_path / "run") / "run.json").read_text())["verdicts"]
    made = [{**verdict, "format": VERIFICATION.format, "version": 1} for verdict in made]
    assert all(VERIFICATION.of_json(v, "v").peak_kib is None for v in made)
    assert VERIFICATION.of_json({**made[0], "peak_kib": 7, "model_kib": 3}, "v").model_kib == 3
