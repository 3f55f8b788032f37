"""ssh to an emulated board and adb to an emulated phone: the same promises, and the cable pulled for real."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgenas.base.errors import LostError, TimeLimitError, TransferError
from edgenas.devices.base import Device
from edgenas.devices.transports import jobs
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from edgenas.devices.transports.jobs import JobLostError
from edgenas.devices.transports.remote_device import RemoteDevice
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from tests.devices.test_devices import Conformance
from tests.support.waiting import when
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.machine import Machine
from tools.rig.phone import Phone

pytest_plugins = ["tools.rig.fixtures"]

Reached = tuple[Machine, RemoteDevice]


def reach_board(board: Board, folder: Path) -> SshDevice:
    known = folder / "known_hosts"
    known.write_text(board.server.known_hosts_line())
    return SshDevice("pi4", make_target(board.ip, known, user="pi", key=board.server.new_key()))


def reach_phone(phone: Phone, adb: Adb) -> AdbDevice:
    return AdbDevice("pixel", phone.serial, server=AdbServer(adb.port, environment=adb.environment))


class Emulated(Conformance):
    """Where it takes a second to start a shell."""

    def test_a_command_past_its_time_is_stopped_with_all_it_started(self, device: Device) -> None:
        with pytest.raises(TimeLimitError, match=device.name) as caught:
            device.run(["sh", "-c", "sleep 60 & echo $!; echo $$; sleep 60"], timeout_s=6)
        pids = caught.value.stdout.split()
        assert len(pids) == 2
        script = (
            'for p in "$@"; do read -r l < /proc/$p/stat || continue; case "${l##*) }" in Z*) ;; *) exit 1;; esac; done'
        )
        end = time.monotonic() + 10
        while ended := device.run(["sh", "-c", f"{script}; exit 0", "sh", *pids], timeout_s=20).returncode:
            assert time.monotonic() < end, ended


class TestBoard(Emulated):
    @pytest.fixture
    def device(self, new_board: Callable[..., Board], tmp_path: Path) -> Iterator[Device]:
        device = reach_board(new_board(runtimes=False, venv=False), tmp_path)
        yield device
        device.close()


class TestPhone(Emulated):
    @pytest.fixture
    def device(self, phone: Phone, adb: Adb) -> Device:
        return reach_phone(phone, adb)

    def test_run_reads_both_streams_however_much_they_hold(self, device: Device) -> None:
        """The shell there starts a program for every printf, which takes an emulator minutes."""
        script = "for i in 1 2 3; do head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2; done"
        result = device.run(["sh", "-c", script], timeout_s=60)
        assert (len(result.stdout), len(result.stderr)) == (3_000_000, 3_000_000)


@pytest.fixture(params=["board", "phone"])
def reached(request: pytest.FixtureRequest, lab: None, tmp_path: Path) -> Iterator[Reached]:
    if request.param == "board":
        board = request.getfixturevalue("new_board")(runtimes=False, venv=False)
        device: RemoteDevice = reach_board(board, tmp_path)
        yield board, device
    else:
        phone = request.getfixturevalue("phone")
        device = reach_phone(phone, request.getfixturevalue("adb"))
        yield phone, device
    device.close()


def test_a_pulled_cable_is_noticed_within_seconds(reached: Reached) -> None:
    machine, device = reached
    device.run(["true"], timeout_s=20)
    pulled: list[float] = []

    def pull() -> None:
        machine.unplug()
        pulled.append(time.monotonic())

    timer = threading.Timer(1.0, pull)
    timer.start()
    with pytest.raises(LostError):
        device.run(["sleep", "60"], timeout_s=90)
    assert time.monotonic() - pulled[0] < 20
    machine.plug()
    assert jobs.patiently(lambda: device.run(["echo", "back"], timeout_s=20), 60).stdout == "back\n"


def test_unplugged_and_plugged_in_again_the_batch_is_collected_not_repeated(reached: Reached) -> None:
    machine, device = reached
    with device.workdir() as folder:
        timers = [threading.Timer(3.0, machine.unplug), threading.Timer(18.0, machine.plug)]
        for timer in timers:
            timer.start()
        argv = ["sh", "-c", f"echo ran >> {folder}/count; echo out; sleep 8; echo end; exit 3"]
        result = jobs.run_job(device, argv, f"{folder}/job", timeout_s=120)
        for timer in timers:
            timer.join()
        assert (result.returncode, result.stdout) == (3, "out\nend\n")
        assert device.run(["cat", f"{folder}/count"], timeout_s=20).stdout == "ran\n"


def test_a_power_cut_is_told_and_tidied_up(reached: Reached) -> None:
    machine, device = reached
    with device.workdir() as folder:
        out = machine.path(f"{folder}/job/out")
        cutting = when(lambda: out.exists() and out.read_text() == "out\n", machine.power_cut)
        argv = ["sh", "-c", "echo out; sleep 60"]
        with pytest.raises(JobLostError, match="started anew") as caught:
            jobs.run_job(device, argv, f"{folder}/job", timeout_s=120)
        cutting.join()
        assert caught.value.state == "rebooted"
    assert device.run(["ls", "-d", folder], timeout_s=20).returncode != 0


def test_a_job_is_killed_with_its_whole_session(reached: Reached) -> None:
    machine, device = reached
    with device.workdir() as folder:
        argv = ["sh", "-c", "sleep 7777 & sleep 7777"]
        job = jobs.start(device, argv, f"{folder}/job", limit_s=100)
        assert jobs.poll(device, job) == "running"
        jobs.kill(device, job)
        end = time.monotonic() + 20
        while any("sleep 7777" in line for line in machine.processes().values()):
            assert time.monotonic() < end, machine.processes()
            time.sleep(0.1)
        assert jobs.poll(device, job) == "died"


def test_a_full_disk_leaves_nothing(reached: Reached, tmp_path: Path) -> None:
    machine, device = reached
    (tmp_path / "big").write_bytes(os.urandom(4 << 20))
    with device.workdir() as folder:
        machine.fill_disk(leave_bytes=1 << 20)
        with pytest.raises(TransferError, match=r"[Nn]o space left"):
            device.push(tmp_path / "big", f"{folder}/big")
        assert device.run(["ls", folder], timeout_s=20).stdout == ""
        machine.empty_disk()
        device.push(tmp_path / "big", f"{folder}/big")


def test_the_server_is_killed_in_mid_job(reached: Reached) -> None:
    machine, device = reached
    assert isinstance(machine, Board | Phone)
    with device.workdir() as folder:
        job = jobs.start(device, ["sh", "-c", "sleep 3; echo end"], f"{folder}/job", limit_s=60)
        machine.kill_sshd() if isinstance(machine, Board) else machine.kill_adbd()
        deadline = time.monotonic() + 60
        while jobs.patiently(lambda: jobs.poll(device, job)) == "running":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert jobs.patiently(lambda: jobs.collect(device, job)).stdout == "end\n"
