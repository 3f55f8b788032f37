"""Readiness, state, preparation and benchmark_model on the emulated phone and board, whose shells are others."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgenas.devices.base import Device
from edgenas.devices.facts.android import SCRIPT, parse_clusters, parse_getprop, split_parts
from edgenas.devices.facts.soc import model_name, soc_name
from edgenas.devices.prepare import choose, differs, outputs, read_board
from edgenas.devices.session.clock import restore, steady
from edgenas.devices.session.readiness import Limits, judge, read
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from edgenas.profiler.runtimes.benchmark_flags import ToolFlags, command
from edgenas.profiler.runtimes.benchmark_model import parse_run
from edgenas.profiler.runtimes.output import OutputError
from tests.support.listeners import Recorder
from tests.support.probe import PROBE
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.phone import Phone

pytest_plugins = ["tools.rig.fixtures"]


@pytest.fixture
def pixel(phone: Phone, adb: Adb) -> Device:
    return AdbDevice("pixel", phone.serial, server=AdbServer(port=adb.port, environment=adb.environment))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(PROBE)
    return path


def ssh(board: Board, user: str, folder: Path) -> SshDevice:
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(board.server.known_hosts_line())
    return SshDevice(user, make_target(board.ip, known_hosts, user=user, port=22, key=board.server.new_key(user)))


@pytest.fixture
def pi(board: Board, tmp_path: Path) -> Iterator[SshDevice]:
    device = ssh(board, "root", tmp_path)
    yield device
    device.close()


def test_a_phone_names_itself_and_is_ready_or_not(pixel: Device, phone: Phone) -> None:
    phone.set_battery(80, 31.0)
    phone.set_thermal(0)
    parts = split_parts(pixel.run(["sh", "-c", SCRIPT], timeout_s=30).stdout)
    properties = parse_getprop(parts["getprop"])
    assert str(soc_name(parts["/proc/cpuinfo"], properties)) == "Google Tensor (GS101)"
    assert model_name(parts["/proc/cpuinfo"], properties) == "Google Pixel 6"
    assert [len(c.cpus) for c in parse_clusters(parts)] == [4, 2, 2]
    reading = read(pixel, "/data/local/tmp")
    assert reading.phone and reading.battery_percent == 80.0 and reading.thermal_status == 0
    assert reading.free_mib is not None and reading.free_mib > 0
    assert reading.temperature_c == 44.0
    assert all(f.level == "mark" for f in judge(reading, Limits()))
    phone.set_battery(12, 31.0)
    phone.set_thermal(3)
    found = {f.what: f.level for f in judge(read(pixel, "/data/local/tmp"), Limits())}
    assert (found["battery"], found["thermal status"]) == ("refuse", "wait")


def test_fixed_performance_mode_is_put_back(pixel: Device, phone: Phone) -> None:
    with steady(pixel, limit_s=60) as held:
        assert (held.mode, held.why) == ("fixed-performance", "")
        assert phone.fixed_performance()
    assert not phone.fixed_performance()
    assert restore(pixel) is False


def test_a_phone_that_is_left_alone_puts_it_back_itself(pixel: Device, phone: Phone) -> None:
    """The cable is pulled for good: nobody comes back, and the watchman, in a session of its own, does it."""
    recorder = Recorder()
    with steady(pixel, limit_s=20, listener=recorder):
        assert phone.fixed_performance()
        phone.cable.unplug()
    assert "puts its clock back by itself within 20 s" in recorder.messages[0]
    deadline = time.monotonic() + 120
    while phone.fixed_performance() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not phone.fixed_performance()


def test_benchmark_model_on_a_phone(pixel: Device, benchmark_model: Path, model: Path) -> None:
    with pixel.workdir() as folder:
        pixel.push(benchmark_model, f"{folder}/benchmark_model")
        pixel.push(model, f"{folder}/0.tflite")
        pixel.run(["chmod", "755", f"{folder}/benchmark_model"], timeout_s=10)
        options = ToolFlags(f"{folder}/0.tflite", num_runs=20, warmup_runs=3)
        done = pixel.run(command(f"{folder}/benchmark_model", options, (0,)), timeout_s=60)
        run = parse_run(done.stdout, done.stderr, asked=options)
        assert (run.runs.count, run.threads, run.delegate, run.executed) == (20, 1, "XNNPACK", "completely")
        absent = ToolFlags(f"{folder}/1.tflite")
        done = pixel.run(command(f"{folder}/benchmark_model", absent, (0,)), timeout_s=60)
        assert done.returncode != 0
        with pytest.raises(OutputError, match="it failed"):
            parse_run(done.stdout, done.stderr, asked=absent)


def test_a_board_is_ready_or_not(pi: SshDevice, board: Board) -> None:
    reading = read(pi, "/tmp")
    assert reading.pi and reading.throttled == 0 and reading.cores == 4
    assert reading.temperature_c == pytest.approx(48.686)
    assert {f.what for f in judge(reading, Limits(), reading.identity)} <= {"governor", "free space"}
    board.set_throttled(0x50005)
    board.set_temperature_c(82.0)
    found = judge(read(pi, "/tmp"), Limits())
    assert [(f.what, f.level) for f in found[:3]] == [("throttle bits", "refuse")] * 2 + [("temperature", "wait")]


def test_a_governor_is_set_and_put_back(pi: SshDevice, board: Board, tmp_path: Path) -> None:
    def governors() -> set[str]:
        files = pi.run(["sh", "-c", "cat /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"], timeout_s=10).stdout
        return set(files.split())

    with steady(pi, limit_s=120) as held:
        assert (held.mode, held.why) == ("performance", "")
        assert held.before == {f"cpu{n}": "ondemand" for n in range(4)}
        assert governors() == {"performance"}
    assert governors() == {"ondemand"}
    user = ssh(board, "pi", tmp_path)
    with steady(user, limit_s=120) as held:
        assert held.mode == "" and "needs root" in held.why
    user.close()


def test_a_power_cut_while_the_clock_is_held(pi: SshDevice, board: Board) -> None:
    with steady(pi, limit_s=600):
        board.power_cut()
    restore(pi)  # whatever was left is gone, or put back: nothing of it stays
    assert restore(pi) is False


def test_the_board_computes_what_this_machine_computes(
    new_board: Callable[..., Board], tmp_path: Path, model: Path
) -> None:
    pytest.importorskip("ai_edge_litert")
    device = ssh(new_board(), "pi", tmp_path)
    found = read_board(device)
    assert (found.machine, found.bits, found.python) == ("aarch64", 64, (3, 11))
    assert choose(found, "litert").requirements == ("ai-edge-litert==2.3.0",)
    here = outputs(LocalDevice(), sys.executable, "litert", model)
    assert differs(here, outputs(device, "python3", "litert", model)) == ""
    device.close()
