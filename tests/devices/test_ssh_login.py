"""Keys, agents, proxy commands and address families of a user's ssh configuration, against a real sshd."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, DeviceInputError, LostError
from edgenas.devices.inventory import parse_inventory
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from tests.devices.test_ssh import agent
from tests.support.waiting import gone
from tools.rig.sshd import SshServer, keygen

pytest_plugins = ["tools.rig.fixtures"]

Board = Callable[[str], SshDevice]


@pytest.fixture
def board(ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Board]:
    """Return a function from lines of a configuration to the device that they lead to; no agent is there."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "base").mkdir()
    known, config = tmp_path / "known", tmp_path / "config"
    with ExitStack() as stack:

        def make(lines: str) -> SshDevice:
            config.write_text(f"Host pi\n HostName {ssh_server.host}\n Port {ssh_server.port}\n{lines}\n")
            known.write_text(ssh_server.known_hosts_line())
            device = SshDevice("pi", make_target("pi", known, config=config), base=str(tmp_path / "base"))
            stack.callback(device.close)
            return device

        yield make


def answers(device: SshDevice) -> bool:
    return device.run(["echo", "hello"], timeout_s=9).stdout == "hello\n"


def test_a_key_file_that_is_missing_is_left_out(ssh_server: SshServer, board: Board, tmp_path: Path) -> None:
    key = ssh_server.new_key()
    assert answers(board(f"IdentityFile {tmp_path}/absent\nIdentityFile {key}"))
    with pytest.raises(
        DeviceError, match=r"none of these keys: none found \(.*/absent is missing\); type: ssh-copy-id"
    ):
        answers(board(f"IdentityFile {tmp_path}/absent\nIdentitiesOnly yes"))


def test_a_public_key_means_the_key_of_the_agent(ssh_server: SshServer, board: Board, tmp_path: Path) -> None:
    key = keygen(tmp_path / "other")
    ssh_server.allow(tmp_path / "other.pub")
    (tmp_path / "other.pub").chmod(0o644)
    lines = f"IdentityFile {key}.pub\nIdentitiesOnly yes\nIdentityAgent {tmp_path}/agent"
    with agent(tmp_path / "agent", key, "", tmp_path):
        key.unlink()
        assert answers(board(lines))
        assert answers(board(f"IdentityAgent {tmp_path}/agent"))
        with pytest.raises(DeviceError, match="none found"):
            answers(board("IdentityAgent none\nIdentitiesOnly no"))
    says = r"other.pub is a public key, and the agent has not its private key; type: ssh-add '.*/other'"
    with pytest.raises(DeviceError, match=says):
        answers(board(lines))
    section = f"[devices.pi]\nkind = 'ssh'\nhost = 'pi'\nssh_config = false\nkey = '{key}.pub'"
    assert "pi" in parse_inventory(section, Path("devices.toml")), "nobody is told to hide a public key"


def test_a_proxy_command_is_the_connection(ssh_server: SshServer, board: Board, tmp_path: Path) -> None:
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    key = ssh_server.new_key()
    command = f"sh -c 'echo $$ >{tmp_path}/pid; exec {sys.executable} {relay} %h %p'"
    lines = f"IdentityFile {key}\nProxyCommand {command}"
    device = board(lines)
    assert answers(device)
    pid = int((tmp_path / "pid").read_text())
    device.close()
    assert gone(pid)
    assert answers(device)
    os.kill(int((tmp_path / "pid").read_text()), 9)
    assert answers(device), "an end of the command is a broken connection, which is made again"
    with pytest.raises(LostError, match=r"; ProxyCommand 'echo no way >&2' printed: no way"):
        answers(board(f"IdentityFile {key}\nProxyCommand echo no way >&2"))


RELAY = """\
import os, select, socket, sys
there = socket.create_connection((sys.argv[1], int(sys.argv[2])))
while True:
    for ready in select.select([0, there], [], [])[0]:
        data = os.read(ready if ready == 0 else there.fileno(), 1 << 16)
        if not data:
            sys.exit()
        os.write(1, data) if ready is there else there.sendall(data)
"""


def test_the_address_family_is_kept(ssh_server: SshServer, board: Board) -> None:
    key = ssh_server.new_key()
    assert answers(board(f"IdentityFile {key}\nAddressFamily inet\nBindAddress 127.0.0.2"))
    with pytest.raises(LostError, match="cannot be reached"):
        answers(board(f"IdentityFile {key}\nAddressFamily inet6"))
    assert board("AddressFamily inet6").link.target.family == socket.AF_INET6  # type: ignore[attr-defined]


def test_algorithms_are_those_of_the_configuration(ssh_server: SshServer, board: Board) -> None:
    key = f"IdentityFile {ssh_server.new_key()}\n"
    assert answers(board(f"{key}HostKeyAlgorithms +ssh-rsa\nCiphers ^aes256-ctr\nMACs -hmac-md5*"))
    with pytest.raises(LostError, match=r"does not speak ssh, or hung up: .*[Nn]o acceptable"):
        answers(board(f"{key}HostKeyAlgorithms rsa-sha2-512"))
    with pytest.raises(DeviceInputError, match="'chacha20' in the ssh configuration leaves no algorithm that edgenas"):
        answers(board(f"{key}Ciphers chacha20"))


def test_what_a_login_needed_is_in_its_error(board: Board, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match=r"line 4: certificatefile is not supported\); type: ssh-copy-id"):
        answers(board(f"CertificateFile {tmp_path}/x-cert.pub"))
