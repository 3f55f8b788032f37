"""Boards over ssh, against a real sshd that needs no root: host keys, keys, jumps, and every way to be cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, DeviceInputError, LostError, OutputLimitError
from edgenas.devices.base import Device
from edgenas.devices.transports import jobs
from edgenas.devices.transports.ssh import known_hosts, paramiko_link
from edgenas.devices.transports.ssh.known_hosts import HostKeyError
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, SshTarget, make_target
from tests.devices.test_devices import Conformance
from tests.support.job_conformance import outlives_its_connections
from tests.support.waiting import gone, when
from tools.rig.sshd import SshServer, keygen

pytestmark = pytest.mark.slow  # real servers, and timeouts that really pass

pytest_plugins = ["tools.rig.fixtures"]


def target_of(server: SshServer, folder: Path, **changed: object) -> SshTarget:
    file = folder / "known_hosts"
    file.write_text(server.known_hosts_line())
    key = server.folder / "id"
    if not key.exists():
        server.new_key()
    settings: dict[str, object] = {"user": server.user, "port": server.port, "key": key, **changed}
    return make_target(server.host, file, **settings)  # type: ignore[arg-type]


@pytest.fixture
def device(ssh_server: SshServer, tmp_path: Path) -> Iterator[SshDevice]:
    base = tmp_path / "base"
    base.mkdir()
    made = SshDevice("pi", target_of(ssh_server, tmp_path), base=str(base))
    yield made
    made.close()


class TestSsh(Conformance):
    @pytest.fixture
    def device(self, ssh_server: SshServer, tmp_path: Path) -> Iterator[Device]:
        base = tmp_path / "base"
        base.mkdir()
        made = SshDevice("pi", target_of(ssh_server, tmp_path), base=str(base))
        yield made
        made.close()


# -- who is it


def test_a_device_that_is_not_enrolled_is_refused_then_enrolled(ssh_server: SshServer, tmp_path: Path) -> None:
    target = target_of(ssh_server, tmp_path)
    target.known_hosts.unlink()
    device = SshDevice("pi", target)
    with pytest.raises(HostKeyError, match=r"pi: .* is not enrolled") as caught:
        device.run(["true"], timeout_s=9)
    key = paramiko_link.offered_key(target)
    assert key.fingerprint == ssh_server.fingerprint()
    assert key.fingerprint in str(caught.value)
    assert paramiko_link.enroll(target, key)
    assert not paramiko_link.enroll(target, key)
    assert target.known_hosts.read_text() == ssh_server.known_hosts_line()
    assert target.known_hosts.stat().st_mode & 0o777 == 0o600
    assert device.run(["true"], timeout_s=9).returncode == 0
    device.close()


def test_a_changed_host_key_is_fatal(ssh_server: SshServer, device: SshDevice) -> None:
    assert device.run(["true"], timeout_s=9).returncode == 0
    ssh_server.stop()
    ssh_server.change_host_key()
    ssh_server.start()
    with pytest.raises(HostKeyError, match="has changed: it was SHA256"):
        device.run(["true"], timeout_s=9)
    link = device.link
    assert isinstance(link, paramiko_link.SshLink)
    with pytest.raises(HostKeyError, match="has changed"):
        paramiko_link.enroll(link.target, paramiko_link.offered_key(link.target))
    with pytest.raises(HostKeyError):  # and no patience is spent on it
        jobs.run_job(device, ["true"], "/tmp/never", timeout_s=60)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("@revoked * ssh-ed25519 AAAA", "line 1: not NAME TYPE KEY"),
        ("# fine\n@cert-authority x ssh-ed25519 AAAA", "line 2: not NAME"),
        ("* ssh-ed25519 AAAA", "line 1"),
        ("|1|abc|def= ssh-ed25519 AAAA", "line 1"),
        ("host ssh-ed25519 !!!", "not a key"),
        ("host", "line 1"),
    ],
)
def test_a_known_hosts_file_with_more_than_names_and_keys_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "known").write_text(text)
    with pytest.raises(DeviceInputError, match=says):
        known_hosts.load(tmp_path / "known")


def test_a_known_hosts_file_that_others_can_change_is_refused(ssh_server: SshServer, device: SshDevice) -> None:
    link = device.link
    assert isinstance(link, paramiko_link.SshLink)
    link.target.known_hosts.chmod(0o666)
    with pytest.raises(DeviceInputError, match="others can change it; type: chown"):
        device.run(["true"], timeout_s=9)


# -- letting in


def test_a_stranger_is_told_what_was_tried(ssh_server: SshServer, tmp_path: Path) -> None:
    stranger = keygen(tmp_path / "stranger")
    device = SshDevice("pi", target_of(ssh_server, tmp_path, key=stranger))
    with pytest.raises(DeviceError, match=r"pi: .*none of these keys: .*stranger; type: ssh-copy-id"):
        device.run(["true"], timeout_s=9)


def test_a_readable_private_key_is_refused(ssh_server: SshServer, tmp_path: Path) -> None:
    target = target_of(ssh_server, tmp_path)
    target.keys[0].chmod(0o644)
    with pytest.raises(DeviceInputError, match="others can read this private key; type: chmod 600"):
        SshDevice("pi", target).run(["true"], timeout_s=9)


def test_a_key_that_is_no_key(ssh_server: SshServer, tmp_path: Path) -> None:
    (tmp_path / "odd").write_text("x")
    (tmp_path / "odd").chmod(0o600)
    for name in ("odd", "absent"):
        with pytest.raises(DeviceInputError, match="name a private key"):
            SshDevice("pi", target_of(ssh_server, tmp_path, key=tmp_path / name)).run(["true"], timeout_s=9)


def test_an_encrypted_key_comes_from_the_agent(
    ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    key = keygen(tmp_path / "locked", passphrase="correct horse")
    ssh_server.allow(tmp_path / "locked.pub")
    with pytest.raises(DeviceError, match=r"has a passphrase; type: ssh-add '.*locked'"):
        SshDevice("pi", target_of(ssh_server, tmp_path, key=key)).run(["true"], timeout_s=9)
    socket = tmp_path / "agent"
    with agent(socket, key, "correct horse", tmp_path):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        device = SshDevice("pi", target_of(ssh_server, tmp_path, key=key))
        told = device.run(["sh", "-c", 'echo "${SSH_AUTH_SOCK-none}"'], timeout_s=9)
        assert told.stdout == "none\n", "the agent is not forwarded"
        device.close()


@contextmanager
def agent(socket: Path, key: Path, passphrase: str, folder: Path) -> Iterator[None]:
    """An ssh-agent that holds one key."""
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        while not socket.exists():
            time.sleep(0.01)
        ask = folder / "ask"
        ask.write_text(f"#!/bin/sh\necho '{passphrase}'\n")
        ask.chmod(0o700)
        variables = {"SSH_AUTH_SOCK": str(socket), "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force"}
        subprocess.run(["ssh-add", "-q", str(key)], env={**os.environ, **variables}, check=True)
        yield
    finally:
        process.terminate()
        process.wait()


def test_through_a_jump_host(ssh_server: SshServer, tmp_path: Path) -> None:
    with SshServer(tmp_path / "inner") as inner:
        key = inner.new_key()
        ssh_server.allow(inner.folder / "id.pub")
        hosts = tmp_path / "hosts"
        config = tmp_path / "config"
        config.write_text(
            f"Host hop\n  HostName 127.0.0.1\n  Port {ssh_server.port}\n  IdentityFile {key}\n"
            f"Host board\n  HostName 127.0.0.1\n  Port {inner.port}\n  ProxyJump hop\n  IdentityFile {key}\n"
            "Host *\n  ForwardAgent yes\n  IdentitiesOnly yes\n"
        )
        hosts.write_text(inner.known_hosts_line())
        target = make_target("board", hosts, config=config)
        device = SshDevice("board", target)
        with pytest.raises(HostKeyError, match="is not enrolled"):
            device.run(["true"], timeout_s=9)
        hosts.write_text(inner.known_hosts_line() + ssh_server.known_hosts_line())
        assert device.run(["echo", "hello"], timeout_s=9).stdout == "hello\n"
        (tmp_path / "x").write_bytes(os.urandom(1 << 20))
        with device.workdir() as folder:
            device.push(tmp_path / "x", f"{folder}/x")
            ssh_server.kill_sessions()
            device.pull(f"{folder}/x", tmp_path / "y")
        assert (tmp_path / "y").read_bytes() == (tmp_path / "x").read_bytes()
        device.close()


# -- being cut off


def test_nobody_there(tmp_path: Path, ssh_server: SshServer) -> None:
    target = target_of(ssh_server, tmp_path)
    ssh_server.stop()
    with pytest.raises(LostError, match=r"pi: 127\.0\.0\.1:\d+ cannot be reached: Connection refused; is it on"):
        SshDevice("pi", target).run(["true"], timeout_s=9)


def test_a_connection_that_broke_while_idle_is_made_again(ssh_server: SshServer, device: SshDevice) -> None:
    for _ in range(3):
        assert device.run(["echo", "hello"], timeout_s=9).stdout == "hello\n"
        ssh_server.kill_sessions()


def test_a_command_whose_connection_broke_is_lost_and_killed(
    ssh_server: SshServer, device: SshDevice, tmp_path: Path
) -> None:
    file = tmp_path / "pid"
    killing = when(lambda: file.exists() and file.read_text().endswith("\n"), ssh_server.kill_sessions)
    with pytest.raises(LostError, match=r"pi: the connection to .* broke"):
        device.run(["sh", "-c", f"echo $$ > {file}; sleep 60"], timeout_s=90)
    killing.join()
    assert gone(int(file.read_text())), "nobody collects it, and it runs on"


def test_an_upload_that_is_cut_leaves_nothing(ssh_server: SshServer, device: SshDevice, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(32 << 20))
    with device.workdir() as folder:

        def arriving() -> bool:
            return any(p.stat().st_size > 1 << 20 for p in Path(folder).glob(".incoming-*/a"))

        cutting = when(arriving, ssh_server.kill_sessions)
        with pytest.raises(LostError, match=r"pi: .* broke"):
            device.push(tmp_path / "big", f"{folder}/big")
        cutting.join()
        end = time.monotonic() + 10
        while device.run(["ls", "-A", folder], timeout_s=9).stdout != ".owner\n":
            assert time.monotonic() < end, "the partial file stays"


def test_a_server_that_hangs_is_noticed(
    ssh_server: SshServer, device: SshDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paramiko_link, "PROBE_AFTER_S", 0.5)
    monkeypatch.setattr(paramiko_link, "PROBE_S", 0.5)
    up = tmp_path / "up"
    stopping = when(up.exists, lambda: [os.kill(pid, signal.SIGSTOP) for pid in ssh_server.sessions()])
    try:
        with pytest.raises(LostError, match="does not answer any more"):
            device.run(["sh", "-c", f": > {up}; sleep 60"], timeout_s=90)
    finally:
        stopping.join()
        ssh_server.kill_sessions()
    assert device.run(["true"], timeout_s=9).returncode == 0


def test_a_job_outlives_its_connections_and_is_collected_once(ssh_server: SshServer, device: SshDevice) -> None:
    outlives_its_connections(device, ssh_server.kill_sessions)


# -- what a device may say


def test_a_flood_is_stopped(device: SshDevice) -> None:
    device._limit_bytes = 3_000_000
    with pytest.raises(OutputLimitError, match=r"pi: .*3,000,000"):
        device.run(["yes"], timeout_s=60)
    assert device.run(["true"], timeout_s=9).returncode == 0
