"""One model alone and without pause: real runs, on this machine and over links that break, hot devices, tools."""

from __future__ import annotations

import ast
import hashlib
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.devices.base import Device
from edgenas.devices.tools import Tool, place
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.jobs import Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice
from edgenas.profiler.export import WRITERS
from edgenas.profiler.measure import describe
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.python_runner import SUSTAINED
from edgenas.profiler.runtimes.sustained import SustainedRequest
from edgenas.profiler.sustained_run import SustainedRun, memory_of, run_alone
from tests.devices.test_ssh import target_of
from tests.support.listeners import Recorder
from tests.support.tool_helpers import program
from tools.rig import available
from tools.rig.fixtures import need
from tools.rig.sshd import SshServer

BLOCK = BlockSpec.parse("conv-8x3-o4-k3-s1-relu6")
QUICK = Plan(warmup_runs=1, warmup_ms=0, cores=())
SHORT = SustainedRequest(2.0, minute_s=1.0)
OFTEN = Wait(poll_s=0.1)
#: ten more degrees and 300 MHz less at each look; the firmware throttles from the second on
HEATING = """n=$(cat {0}/n 2>/dev/null || echo 0); case $1 in
get_throttled) n=$((n+1)); echo $n >{0}/n; if [ $n -gt 1 ]; then echo throttled=0x40004; else echo throttled=0x0; fi;;
measure_clock) echo "frequency(48)=$((1800000000 - n * 300000000))";;
measure_temp) echo "temp=$((50 + n * 10)).0'C";; esac"""

pytestmark = pytest.mark.slow


def model(runtime: str) -> bytes:
    return WRITERS[RUNTIMES[runtime].format]([BLOCK], [random_weights(BLOCK, 0)])


def alone(
    device: Device, seconds: float, listener: Recorder, runtime: str = "litert", wait: Wait = OFTEN
) -> SustainedRun:
    """Run the block without pause for ``seconds``, in minutes of one second."""
    return run_alone(
        device,
        RUNTIMES[runtime],
        model(runtime),
        QUICK,
        SustainedRequest(seconds, minute_s=1.0),
        program=sys.executable,
        listener=listener,
        wait=wait,
    )


@pytest.fixture
def heating(tmp_path: Path) -> FakeDevice:
    device = FakeDevice("board", tmp_path / "board")
    device.program("vcgencmd", HEATING.format(tmp_path))
    return device


@pytest.mark.parametrize("runtime", ["litert", "onnxruntime"])
def test_minutes_and_memory_on_this_machine(tmp_path: Path, runtime: str) -> None:
    how, device = RUNTIMES[runtime], LocalDevice(base=tmp_path)
    recorder = Recorder()
    ran = alone(device, 2.0, recorder, runtime)
    assert (ran.stopped, ran.output.of) == ("", "run")
    assert (ran.output.header.installed.runtime, ran.output.header.scheduler) == (runtime, "normal")
    minutes = ran.output.minutes
    assert [minute.number for minute in minutes] in ([0, 1], [0], [1]), "a machine may be busy for a second"
    assert set(recorder.counts) <= {(1, 2), (2, 2)}
    assert [(reading.minute, 2) for reading in recorder.details] == recorder.counts
    for minute in minutes:
        assert minute.runs > 10 and 1 <= len(minute.parts_ns) <= 6
        assert minute.deciles_ns[0] <= minute.parts_ns[0] <= minute.deciles_ns[10]
        assert minute.median_ms <= minute.p90_ms
    assert sum(minute.seconds for minute in minutes) >= 1.9
    assert ran.moments and ran.output.memory is not None
    memory = memory_of(device, how, model(runtime), QUICK, program=sys.executable)
    assert memory.peak_kib is not None and memory.model_kib is not None
    assert 4_000 < memory.peak_kib < 4_000_000
    assert memory.model_kib < memory.peak_kib


def test_the_memory_of_a_model_grows_with_its_weights(tmp_path: Path) -> None:
    """A classifier of 16 MiB takes at least so much more than a block."""
    large = BlockSpec.parse("head-1x2048-o2048")
    found = []
    for content in (model("litert"), WRITERS["tflite"]([large], [random_weights(large, 0)])):
        memory = memory_of(LocalDevice(base=tmp_path), RUNTIMES["litert"], content, QUICK, program=sys.executable)
        assert memory.model_kib is not None
        found.append(memory.model_kib)
    assert found[1] - found[0] > 16_000


def test_a_board_that_becomes_hot(heating: FakeDevice) -> None:
    """Over a link that breaks in between: heat, clock and throttling are looked at while it runs."""
    recorder = Recorder(lambda done, total: heating.link.drop())
    ran = alone(heating, 3.0, recorder)
    assert ran.stopped == "" and 1 <= len(ran.output.minutes) <= 3
    assert heating.link.connects > 1 and recorder.counts
    temperatures = [moment.temperature_c for moment in ran.moments]
    assert temperatures == [60.0 + 10 * k for k in range(len(temperatures))] and len(temperatures) >= 2
    assert ran.moments[0].throttled == 0 and ran.moments[1].throttled == 0x40004
    assert [moment.clock_mhz for moment in ran.moments[:2]] == [1500.0, 1200.0]
    assert sum(len(ran.within(minute)) for minute in ran.output.minutes) >= 1


def test_what_was_measured_before_an_interrupt_is_kept(heating: FakeDevice) -> None:
    def interrupt(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    ran = alone(heating, 600.0, Recorder(interrupt))
    assert ran.stopped == "interrupted" and 1 <= len(ran.output.minutes) < 600
    left = heating.run(["sh", "-c", f"ls -A {heating.about().path}/kept"], timeout_s=10)
    assert left.stdout == "", "the job is gone"


DRIVER = """
import sys
from pathlib import Path
from edgenas.base.listener import Listener
from edgenas.devices.transports.local import LocalDevice
from edgenas.profiler.sustained_run import run_alone
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.sustained import SustainedRequest
listener = Listener()
listener.progress = lambda *given, **more: print("minute", flush=True)
ran = run_alone(LocalDevice(base=Path(sys.argv[1])), RUNTIMES["onnxruntime"], Path(sys.argv[2]).read_bytes(),
                Plan(warmup_runs=1, warmup_ms=0, cores=()), SustainedRequest(600.0, minute_s=1.0),
                program=sys.executable, listener=listener)
print(ran.stopped, len(ran.output.minutes))
"""


def test_ctrl_c_on_this_machine(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(model("onnxruntime"))
    argv = [sys.executable, "-c", DRIVER, tmp_path, tmp_path / "m.onnx"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "minute\n"
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read().replace("minute\n", "")
    stopped, minutes = rest.split()
    assert (process.returncode, stopped) == (0, "interrupted") and int(minutes) >= 1


def test_a_model_that_does_not_run_and_a_power_cut(heating: FakeDevice) -> None:
    with pytest.raises(OutcomeError, match="not run the model alone: exit code 1: bench_runner: ValueError"):
        run_alone(heating, RUNTIMES["litert"], b"nothing", QUICK, SHORT, program=sys.executable)

    def cut(done: int, total: int | None) -> None:
        heating.power_cut()

    ran = alone(heating, 600.0, Recorder(cut))
    assert "the device started anew meanwhile" in ran.stopped and ran.output.minutes


def test_a_device_that_stays_away(heating: FakeDevice) -> None:
    def unplug(done: int, total: int | None) -> None:
        heating.link.faults.unplugged = True

    ran = alone(heating, 30.0, Recorder(unplug), wait=Wait(patience_s=0.5, poll_s=0.1))
    heating.power_cut()  # the job went on there
    assert "unplugged" in ran.stopped and ran.output.minutes


@pytest.mark.parametrize("connected", [False, True])
def test_a_tool_runs_again_and_again(tmp_path: Path, tool: Path, connected: bool) -> None:
    how = RUNTIMES["benchmark_model"]
    device: Device = FakeDevice("phone", tmp_path / "phone") if connected else LocalDevice(base=tmp_path)
    where = str(tool)
    if connected:
        where = place(device, Tool(tool, hashlib.sha256(tool.read_bytes()).hexdigest()))
    plan = Plan(warmup_runs=1, warmup_ms=0).on(describe(device, how, where))
    ran = run_alone(device, how, model("litert"), plan, SustainedRequest(5.0, minute_s=2.0), program=where)
    output = ran.output
    assert (ran.stopped, output.of, output.delegate) == ("", "burst", "xnnpack")
    assert output.header.cores == plan.cores
    assert {minute.number for minute in output.minutes} <= {0, 1, 2, 3}
    assert all(minute.runs >= len(minute.parts_ns) >= 1 for minute in output.minutes)
    assert sum(len(minute.parts_ns) for minute in output.minutes) >= 3
    memory = memory_of(device, how, model("litert"), plan, program=where)
    assert memory.model_kib is not None and memory.peak_kib is not None and memory.peak_kib > memory.model_kib


def test_a_tool_that_cannot_watch_its_memory_tells_what_it_can(tmp_path: Path, tool: Path) -> None:
    old = f"""case "$*" in *report_peak*) echo 'WARN: Unconsumed cmdline flags: --report_peak'; exit 1;; esac
exec {tool} "$@" """
    where = program(tmp_path / "old", old)
    device = LocalDevice(base=tmp_path)
    plan = Plan(warmup_runs=1, warmup_ms=0).on(describe(device, RUNTIMES["benchmark_model"], where))
    memory = memory_of(device, RUNTIMES["benchmark_model"], model("litert"), plan, program=where)
    assert memory.peak_kib is None and memory.model_kib is not None


def test_the_runner_needs_no_new_python_and_nothing_of_ours() -> None:
    tree = ast.parse(SUSTAINED.read_text(), feature_version=(3, 9))
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not {"base", "blocks", "devices", "latency_tables", "profiler"} & {name.split(".")[0] for name in names}


def test_over_a_real_sshd_that_is_gone_for_a_while(tmp_path: Path) -> None:
    need(available.sshd())
    with SshServer(tmp_path / "sshd") as server:
        (tmp_path / "base").mkdir()
        device = SshDevice("pi", target_of(server, tmp_path), base=str(tmp_path / "base"))
        dropped: list[int] = []

        def drop(done: int, total: int | None) -> None:
            dropped.append(server.kill_sessions())

        ran = alone(device, 4.0, Recorder(drop), "onnxruntime")
        assert ran.stopped == "" and dropped and ran.output.minutes and ran.moments
        assert memory_of(device, RUNTIMES["onnxruntime"], model("onnxruntime"), QUICK, program=sys.executable).peak_kib
        device.close()
