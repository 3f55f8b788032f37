"""What models alone print, read strictly: minutes, memory, how devices feel; real texts of devices and changed ones."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.devices.session.sample_state import Moment, flags, parse_brief, read_brief, script
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.plan import Plan
from edgenas.profiler.runners.sustained_runner import SustainedModel
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.benchmark_flags import ToolFlags
from edgenas.profiler.runtimes.output import OutputError
from edgenas.profiler.runtimes.perf_test import command
from edgenas.profiler.runtimes.sustained import Memory, SustainedRequest, deciles, parse_alone
from edgenas.profiler.runtimes.tool_memory import benchmark_model_memory, perf_test_memory
from edgenas.profiler.runtimes.tool_sustained import burst_plan
from tests.profiler.test_benchmark_model import PLAIN, spell_run
from tests.profiler.test_benchmark_model_mutated import traces
from tests.profiler.test_perf_test import PLAIN as PERF_TEST
from tests.profiler.test_tool_runtime_output import SHA256, quote
from tools.rig.phone_files import thermal

# captured from sustained_runner.py, with shorter parts
REAL = """\
{"kind": "alone", "runtime": "litert", "package": "ai_edge_litert", "version": "2.3.0", "python": "3.11.7", \
"notes": "delegates as by default, inputs set before timing", "cores": [1], "scheduler": "normal", "threads": 1, \
"delegate": "xnnpack", "before_kib": 46400, "began_s": 48787.12}
{"kind": "minute", "number": 0, "at_s": 0.0, "seconds": 1.5, "runs": 1308, "deciles_ns": [188400, 190975, 195477, \
196036, 196609, 199291, 207068, 219240, 266227, 376835, 32535536], "parts_ns": [198588, 203704]}
{"kind": "minute", "number": 1, "at_s": 1.5, "seconds": 1.5, "runs": 621, "deciles_ns": [188840, 189858, 192112, \
199980, 214494, 274879, 333524, 343137, 354699, 407671, 112854682], "parts_ns": [201315, 337159]}
{"kind": "end", "peak_kib": 51448, "load_ns": 3120456, "first_ns": 412345}
"""


def test_real_output_is_read_whole_and_cut_anywhere() -> None:
    whole = parse_alone(REAL)
    assert whole is not None and whole.memory == Memory(51448, 5048, 3.120456, 0.412345)
    assert (whole.began_s, whole.delegate, whole.header.cores) == (48787.12, "xnnpack", (1,))
    assert [(m.number, m.median_ms, m.p90_ms) for m in whole.minutes] == [
        (0, 0.199291, 0.376835),
        (1, 0.274879, 0.407671),
    ]
    for end in range(len(REAL)):
        cut, lines = parse_alone(REAL[:end]), REAL[:end].count("\n")
        assert (cut is None) == (lines == 0)
        assert cut is None or (cut.minutes == whole.minutes[: lines - 1] and cut.memory is None)


@given(st.integers(0, len(REAL) - 1), st.one_of(st.sampled_from("0123456789.-e"), st.characters()))
def test_output_changed_anywhere_is_refused_or_understood(position: int, character: str) -> None:
    """What is understood is what the changed lines say, read by json alone."""
    changed = REAL[:position] + character + REAL[position + 1 :]
    try:
        found = parse_alone(changed)
    except OutputError:
        return
    head, *lines = map(json.loads, changed.split("\n")[:-1])
    assert found is not None and found.of == "run" and found.failure == ""
    assert (found.began_s, found.delegate) == (head["began_s"], head["delegate"])
    header = found.header
    assert (list(header.cores), header.threads, header.scheduler) == (head["cores"], head["threads"], head["scheduler"])
    assert {key: head[key] for key in asdict(header.installed)} == asdict(header.installed)
    assert [asdict(minute) for minute in found.minutes] == [
        {**told, "deciles_ns": tuple(told["deciles_ns"]), "parts_ns": tuple(told["parts_ns"])}
        for told in ({key: value for key, value in line.items() if key != "kind"} for line in lines)
        if "number" in told
    ]
    if lines and lines[-1]["kind"] == "end":
        peak, before = lines[-1]["peak_kib"], head["before_kib"]
        times = [lines[-1].get(name) for name in ("load_ns", "first_ns")]
        told = [None if ns is None else ns / 1e6 for ns in times]
        assert found.memory == Memory(peak, max(0, peak - before), *told)
    else:
        assert found.memory is None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('"number": 1', '"number": 0'), "line 3 .*number is 0, outside 1"),
        (("190975, ", ""), "not eleven in order"),
        (("190975", "90975"), "not eleven in order"),
        (('"parts_ns": [198588, 203704]', '"parts_ns": []'), "no parts"),
        (('"seconds": 1.5', '"seconds": 0'), "lasts no time"),
        (('"runs": 1308', '"runs": 0'), "runs is 0"),
        (('"peak_kib": 51448', '"peak_kib": -1'), "peak_kib is -1"),
        (('"kind": "minute", "number": 0', '"kind": "alone", "number": 0'), "is out of order"),
        (('"kind": "end"', '"kind": "END"'), "unknown kind"),
    ],
)
def test_what_no_runner_writes_is_refused(change: tuple[str, str], says: str) -> None:
    assert change[0] in REAL
    with pytest.raises(OutputError, match=says):
        parse_alone(REAL.replace(*change))
    assert parse_alone(REAL.replace('"before_kib": 46400', '"before_kib": null')) is not None


def test_deciles_are_by_nearest_rank() -> None:
    assert deciles(range(1, 101)) == (1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
    assert deciles([7]) == (7,) * 11 and deciles([3, 1, 2])[5] == 2


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=300))
def test_the_runner_ranks_as_we_do(times: list[int]) -> None:
    alone, ranked = SustainedModel(lambda: None, loops=1), np.sort(np.array(times))
    assert tuple(alone.each(ranked, k) for k in range(11)) == deciles(times)
    assert SustainedModel(lambda: None, loops=7).each(ranked, 5) == max(1, round(deciles(times)[5] / 7))


def test_memory_that_tools_tell(shared_data: Path) -> None:
    started = (18.777, 64.791)
    assert benchmark_model_memory(PLAIN) == Memory(None, round(18.7227 * 1024), *started)
    watched = PLAIN + "INFO: Overall peak memory footprint (MB) via periodic monitoring: 25.0508\n"
    assert benchmark_model_memory(watched) == Memory(25652, 19172, *started)
    less = benchmark_model_memory(watched.replace("25.0508", "2.0508"))
    assert less == Memory(None, 19172, *started), "less than it grew"
    assert benchmark_model_memory(PLAIN + PLAIN) == Memory(None, None)
    assert perf_test_memory(PERF_TEST) == Memory(158171136 // 1024, None, 127.918, 151.0)
    found = []
    for path in traces(shared_data):  # every run of every real log that tells it
        text = path.read_text(encoding="utf-8", errors="replace")
        for part in re.split("(?m)^(?:INFO: )?STARTING!$", text)[1:]:
            if re.search(r"(?m)^(INFO: )?(Memory footprint delta|Peak memory footprint)", part):
                found.append(benchmark_model_memory(part).model_kib)
    assert len(found) > 200 and all(kib is not None and 100 < kib < 4 << 20 for kib in found)


def test_a_tool_is_asked_for_bursts() -> None:
    plan = burst_plan(Plan(cores=(6,)), SustainedRequest(600.0))
    assert (plan.rounds, plan.max_round_ms, plan.limit_s) == (201, 3000, 600)
    assert burst_plan(Plan(), SustainedRequest(86_400.0)).rounds <= 10_000
    once = burst_plan(Plan(), SustainedRequest(0.0))
    assert (once.rounds, once.limit_s) == (1, 60)
    text = RUNTIMES["onnxruntime_perf_test"].alone_files(b"", plan, SustainedRequest(600.0))["run.sh"].decode()
    assert "-m duration -t 3" in text and "-r" not in re.findall(r'"\$tool" (.*)\)', text)[0]
    assert command("/b", "/m", threads=1, seconds=3, cores=())[6:10] == ["-m", "duration", "-t", "3"]


def test_bursts_become_minutes() -> None:
    """Bursts of .1 s that begin at 100, 101, 102 s, in minutes of 2 s; the third failed."""
    runtime, task = RUNTIMES["benchmark_model"], SustainedRequest(6.0, minute_s=2.0)
    plan = Plan(cores=(1,), scheduler="normal", cold_kib=0)
    begin = runtime.alone_files(b"", plan, task)["plan.json"].decode() + f"=== edgenas tool {SHA256}\n"
    times = ([1000] * 99 + [1001], [1200] * 83 + [1201], [3000] * 33 + [3001])
    asked = ToolFlags("0.tflite", warmup_runs=1, warmup_min_s=0, num_runs=50, min_s=0.1, max_s=0.1)
    text = begin
    for k in range(3):
        said = spell_run([900], times[k], asked=asked)
        text += f"=== edgenas round {k} 1\n=== edgenas run {k} 0 {int(k == 2)} 0 {100 + k}\n{quote('|', said)}"
        text += f"=== edgenas err {k} 0\n\n=== edgenas ran {k} 0\n=== edgenas done {k}\n"
    found = runtime.parse_alone(text, task)
    assert found is not None
    assert (found.of, found.began_s, found.delegate, found.memory) == ("burst", 100.0, "xnnpack", None)
    (minute,) = found.minutes
    assert (minute.runs, minute.seconds, minute.parts_ns) == (184, 1.0, (1000010, 1200010))
    assert minute.deciles_ns == (1000010,) * 6 + (1200010,) * 5
    assert found.failure.startswith("exit code 1")
    good = text[: text.index("=== edgenas round 2")]
    found = runtime.parse_alone(good.replace("(avg): 1200.01", "(avg): 1400.01"), task)
    assert found is not None and found.minutes[0].parts_ns == (1000010,) and "contradict" in found.failure
    with pytest.raises(OutputError, match="contradict"):
        runtime.parse_alone(good.replace("Inference (avg): 1", "Inference (avg): 2"), task)
    assert runtime.parse_alone(begin, task) is None


PI = "throttled=0x50005\nfrequency(48)=1499000000\ntemp=52.1'C\n"
PHONE = "".join(
    f"\n=== edgenas file /sys/devices/system/cpu/cpu{n}/cpufreq/scaling_cur_freq\n{khz}\n"
    for n, khz in ((0, 1803000), (6, 2401000), (7, 1999000))
)


def test_how_devices_feel() -> None:
    head = "=== edgenas part when\n123.45\n=== edgenas part vcgencmd\n"
    assert parse_brief(f"{head}{PI}\n=== edgenas part facts\n") == Moment(123.45, 52.1, 1499.0, 0x50005)
    phone = "=== edgenas part when\n9\n=== edgenas part dumpsys thermalservice\n" + thermal(2, 40.0, 61.5)
    phone += f"\n=== edgenas part facts\n{PHONE}"
    found = parse_brief(phone, (6, 7))
    assert found is not None and (found.clock_mhz, found.temperature_c, found.thermal_status) == (1999.0, 61.5, 2)
    assert parse_brief(phone).clock_mhz == 2401.0  # type: ignore[union-attr]
    assert parse_brief("sh: not found\n") is None


def test_flags() -> None:
    calm, capped, before = Moment(0, throttled=0), Moment(1, throttled=0x60002), Moment(0, throttled=0x60000)
    assert flags(None, calm) == () and flags(None, Moment(0)) == ()
    assert flags(None, capped) == flags(before, capped) == ("clock capped",)
    assert flags(calm, capped) == ("clock capped", "throttled"), "throttled for a while in between"
    assert flags(calm, Moment(1, thermal_status=3)) == ("thermal status severe",)


def test_a_look_at_this_machine(tmp_path: Path) -> None:
    for device in (LocalDevice(base=tmp_path), FakeDevice("board", tmp_path / "board")):
        moment = read_brief(device)
        assert moment is not None and moment.at_s > 0
    subprocess.run(["sh", "-n", "-c", script((0, 1))], check=True)
