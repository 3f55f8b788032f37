"""benchmark_model as a runtime on the emulated phone: real adbd, mksh, toybox, arm64, no Python."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

from edgenas.devices.base import Device
from edgenas.devices.tools import Tool, place
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.jobs import Wait
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.campaign import profile
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import describe, measure_models
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.sustained import SustainedRequest
from edgenas.profiler.runtimes.tool_runner import ToolRunner
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.sustained_run import memory_of, run_alone
from tests.support.tool_helpers import BLOCKS, models, program
from tools.rig.adb import Adb
from tools.rig.phone import Phone
from tools.rig.phone_files import TWO_CORES

pytest_plugins = ["tools.rig.fixtures"]

RUNTIME = RUNTIMES["benchmark_model"]
PLAN = Plan(rounds=2, warmup_runs=2, warmup_ms=0, max_round_ms=1000)


def connect(phone: Phone, adb: Adb) -> Device:
    return AdbDevice("pixel", phone.serial, server=AdbServer(port=adb.port, environment=adb.environment))


def placed(device: Device, path: Path) -> str:
    return place(device, Tool(path, hashlib.sha256(path.read_bytes()).hexdigest()))


def test_a_phone_fills_a_table(
    new_phone: Callable[..., Phone], adb: Adb, benchmark_model: Path, tmp_path: Path
) -> None:
    pixel = connect(new_phone(clusters=TWO_CORES), adb)
    tool = placed(pixel, benchmark_model)
    assert tool.startswith("/data/local/tmp/")
    found = profile(
        pixel,
        RUNTIME,
        BLOCKS,
        tmp_path / "t.jsonl",
        writer=WRITERS["tflite"],
        program=tool,
        plan=PLAN,
        enough=StoppingRule.exactly(1),
    )
    assert (found.measured, found.failures) == (2, ())
    table = read_table(tmp_path / "t.jsonl")
    assert (table.setting.delegate, len(table.setting.cores)) == ("xnnpack", 1)
    assert table.setting.library_sha256 == hashlib.sha256(benchmark_model.read_bytes()).hexdigest()
    assert all(table.ms(block) > 0 for block in BLOCKS)
    assert placed(pixel, benchmark_model) == tool


def test_faults_on_a_phone(phone: Phone, adb: Adb, benchmark_model: Path, tmp_path: Path) -> None:
    """What hangs, floods, crashes or is of no use there is a failure of that model alone."""
    pixel = connect(phone, adb)
    tool = placed(pixel, benchmark_model)
    cases = ("0.tflite) sleep 100;;", "1.tflite) while :; do echo flood; done;;", "2.tflite) kill -9 $$;;")
    text = f'case ${{1#--graph=}} in {" ".join(cases)} *) exec {tool} "$@";; esac'
    bad = placed(pixel, Path(program(tmp_path / "bad", text.replace("\n", " "))))
    given = {"hangs": b"x", "floods": b"x", "dies": b"x", "broken": b"x", **models()}
    assert isinstance(RUNTIME, ToolRunner)
    runtime = dataclasses.replace(RUNTIME, run_limit_s=15)
    plan = PLAN.on(describe(pixel, RUNTIME, tool))
    batch = measure_models(pixel, runtime, given, plan, program=bad)
    assert set(batch.results) == set(models())
    why = {failure.name: failure.message for failure in batch.failures}
    assert set(why) == {"hangs", "floods", "dies", "broken"}
    assert why["hangs"].startswith("stopped after")
    assert why["dies"].startswith("killed by signal 9")
    assert why["floods"].startswith(("killed by signal 25", "exit code"))
    assert "Failed to load model 3.tflite" in why["broken"]


def test_a_phone_under_sustained_load(new_phone: Callable[..., Phone], adb: Adb, benchmark_model: Path) -> None:
    """Through mksh and toybox: its clock and its thermal status are looked at meanwhile."""
    phone = new_phone(clusters=TWO_CORES)
    pixel = connect(phone, adb)
    tool = placed(pixel, benchmark_model)
    plan = PLAN.on(describe(pixel, RUNTIME, tool))
    model = models()[str(BLOCKS[0])]
    ran = run_alone(
        pixel, RUNTIME, model, plan, SustainedRequest(12.0, minute_s=6.0), program=tool, wait=Wait(poll_s=0.5)
    )
    assert (ran.stopped, ran.output.of, ran.output.delegate) == ("", "burst", "xnnpack")
    assert ran.output.minutes and ran.output.header.cores == plan.cores
    assert {moment.thermal_status for moment in ran.moments} == {0}
    assert all(moment.temperature_c is not None and moment.clock_mhz is not None for moment in ran.moments)
    memory = memory_of(pixel, RUNTIME, model, plan, program=tool)
    assert memory.model_kib is not None and (memory.peak_kib is None or memory.peak_kib > memory.model_kib)
