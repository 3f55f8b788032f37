"""The servers that need no root keep their promises: a real sshd, and an adbd that misbehaves on request."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.rig_helpers import call, sha256
from tools.rig import process
from tools.rig.adb import Adb
from tools.rig.adb_services import Faults
from tools.rig.adbd import Adbd
from tools.rig.process import RigError, wait_for
from tools.rig.sshd import SshServer

pytestmark = pytest.mark.slow  # real processes and files for each test

pytest_plugins = ["tools.rig.fixtures"]


def test_waiting_ends() -> None:
    with pytest.raises(RigError, match=r"pigs fly: not within 0\.05 s"):
        wait_for(lambda: False, "pigs fly", timeout_s=0.05)


def test_a_tree_of_processes_is_found_and_killed() -> None:
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"])

    def lines() -> list[str]:
        return [process.command_line(pid) for pid in process.descendants(shell.pid)]

    wait_for(lambda: lines() == ["sleep 60"] * 2, "two sleepers")
    sleepers = process.descendants(shell.pid)
    process.kill([shell.pid, *sleepers])
    assert shell.wait() == -9
    wait_for(lambda: not any(map(process.command_line, sleepers)), "the sleepers end")


def test_sshd_runs_a_command(ssh_server: SshServer) -> None:
    ssh = ssh_server.client(ssh_server.new_key())
    done = call([*ssh, "echo out; echo err >&2; exit 7"])
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_sshd_lets_only_known_keys_in(ssh_server: SshServer, tmp_path: Path) -> None:
    call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger")])
    done = call([*ssh_server.client(tmp_path / "stranger"), "true"])
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_killed_sessions_cut_the_client_and_spare_the_command(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh = ssh_server.client(ssh_server.new_key())
    left = tmp_path / "left"
    with subprocess.Popen([*ssh, f"echo up; sleep 1; touch {left}"], stdout=-1, stderr=-1, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        assert ssh_server.kill_sessions() > 0
        client.communicate(timeout=20)
    assert client.returncode == 255
    assert call([*ssh, "true"]).returncode == 0
    wait_for(left.exists, "the command goes on")


def test_a_changed_host_key_is_refused(ssh_server: SshServer) -> None:
    before = ssh_server.known_hosts_line(), ssh_server.fingerprint()
    ssh = ssh_server.client(ssh_server.new_key())
    ssh_server.stop()
    ssh_server.change_host_key()
    ssh_server.start()
    assert before != (ssh_server.known_hosts_line(), ssh_server.fingerprint())
    done = call([*ssh, "true"])
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


def test_adbd_shell_and_files(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    done = adb.run("shell", "pwd; cat; echo err >&2; exit 7", serial=device.serial)
    assert (done.returncode, done.stdout, done.stderr) == (7, "/data/local/tmp\n", "err\n")
    (tmp_path / "sent").write_bytes(os.urandom(3_000_000))
    assert adb.run("push", str(tmp_path / "sent"), "/data/local/tmp/d/f", serial=device.serial).returncode == 0
    assert sha256(tmp_path / "sent") in adb.run("shell", "sha256sum d/f", serial=device.serial).stdout
    assert adb.run("pull", "/data/local/tmp/d/f", str(tmp_path / "back"), serial=device.serial).returncode == 0
    assert sha256(tmp_path / "back") == sha256(tmp_path / "sent")
    assert "model:Pixel_6" in adb.run("devices", "-l").stdout


def test_adbd_ends_what_it_started(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    adb.run("shell", "setsid sleep 60 >/dev/null 2>&1 </dev/null &", serial=device.serial)
    wait_for(lambda: len(device.processes()) == 1, "a detached job runs")
    device.close()
    wait_for(lambda: not device.processes(), "the job ends with the device")


def test_adbd_keeps_the_machine_from_harm(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    done = adb.run("shell", "touch /usr/harm || touch /etc/harm", serial=device.serial)
    assert done.returncode == 1
    assert "Read-only" in done.stderr


def test_adbd_unauthorized_then_accepted(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd(Faults(auth="deny"))
    adb.connect(device.serial, state="unauthorized")
    assert "unauthorized" in adb.run("shell", "true", serial=device.serial).stderr
    device.faults.auth = "accept"
    adb.connect(device.serial)
    device.faults.auth = "deny"  # the key is known by now
    adb.connect(device.serial)
    assert len(device.keys) == 1


@pytest.mark.slow  # adb connect itself waits 10 s
def test_adbd_mute_is_offline(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd(Faults(mute=True))
    adb.connect(device.serial, state="offline")


def test_adbd_drops_in_the_middle_of_a_push_once(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    (tmp_path / "sent").write_bytes(bytes(8_000_000))
    device.faults.drop_after_bytes = 4_000_000
    push = ["push", str(tmp_path / "sent"), "/data/local/tmp/f"]
    assert adb.run(*push, serial=device.serial).returncode != 0
    assert 0 < (device.root / "data/local/tmp/f").stat().st_size < 8_000_000
    adb.connect(device.serial)
    assert adb.run(*push, serial=device.serial).returncode == 0


def test_adbd_spoils_output_and_files(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd(Faults(lose_exit=True))
    adb.connect(device.serial)
    assert adb.run("shell", "echo all; exit 7", serial=device.serial).returncode != 7
    device.faults.lose_exit, device.faults.cut_output_bytes = False, 4
    assert adb.run("shell", "seq 9", serial=device.serial).stdout == "1\n2\n"
    device.faults.cut_output_bytes, device.faults.corrupt_push = None, True
    (tmp_path / "sent").write_bytes(b"model")
    adb.run("push", str(tmp_path / "sent"), "/data/local/tmp/f", serial=device.serial)
    assert (device.root / "data/local/tmp/f").read_bytes() == b"modem"
    device.faults.latency_s = 0.02
    assert adb.run("shell", "exit 3", serial=device.serial).returncode == 3


def test_a_dropped_device_is_gone(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    with subprocess.Popen(
        [str(adb.program), "-s", device.serial, "shell", "echo up; sleep 60"],
        env=adb.environment,
        stdin=subprocess.DEVNULL,
        stdout=-1,
        stderr=-1,
        text=True,
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        device.drop()
        client.communicate(timeout=20)
    wait_for(lambda: not device.processes(), "the command is hung up")
