"""Boards whose account has another login shell, start-up files that print, or dropbear: real servers, without root."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, LostError
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from tools.rig import available
from tools.rig.fixtures import need
from tools.rig.sshd import DropbearServer, SshServer

PRINTS = "echo Welcome; echo warning >&2\n"
START_UP = {"bash": ".bashrc", "tcsh": ".tcshrc", "fish": ".config/fish/config.fish"}

NewDevice = Callable[[SshServer], SshDevice]


@pytest.fixture
def device_of(tmp_path: Path) -> Iterator[NewDevice]:
    """Start a server and return a device behind it; both end with the test."""
    with ExitStack() as stack:

        def make(server: SshServer) -> SshDevice:
            stack.enter_context(server)
            stack.callback(lambda: print(server.log()))
            (tmp_path / "base").mkdir()
            (tmp_path / "known_hosts").write_text(server.known_hosts_line())
            target = make_target(
                server.host, tmp_path / "known_hosts", user=server.user, port=server.port, key=server.new_key()
            )
            device = SshDevice("pi", target, base=str(tmp_path / "base"))
            stack.callback(device.close)
            return device

        yield make


def start_up(server: SshServer, shell: str, text: str) -> None:
    path = server.home / START_UP[shell]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def with_shell(shell: str, tmp_path: Path) -> SshServer:
    need(available.login_shell(shell))
    return SshServer(tmp_path / "sshd", shell=available.program(shell))


def keeps_promises(device: SshDevice, tmp_path: Path) -> None:
    """Run commands with awkward and with long arguments, and move a file there and back."""
    arguments = ["a b", "$HOME", "'", '"', "*", "\\", "\\'", "ü\nnew", "", "!x", "!!", "^a^b", "~", "`id`", "\t", "%d"]
    result = device.run(["printf", "<%s>", *arguments], timeout_s=20)
    assert (result.stdout, result.stderr) == ("".join(f"<{a}>" for a in arguments), "")
    long = "'" + "x" * 12_000 + "\\"
    assert device.run(["printf", "%s", long], timeout_s=20).stdout == long
    assert device.run(["sh", "-c", "echo err >&2; exit 7"], timeout_s=20).returncode == 7
    content = os.urandom(1 << 20)
    (tmp_path / "here").write_bytes(content)
    with device.workdir() as folder:
        device.push(tmp_path / "here", f"{folder}/there")
        device.pull(f"{folder}/there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


@pytest.mark.parametrize("shell", START_UP)
def test_any_login_shell_even_one_that_prints(device_of: NewDevice, tmp_path: Path, shell: str) -> None:
    server = with_shell(shell, tmp_path)
    start_up(server, shell, PRINTS if shell == "bash" else "echo Welcome\n")
    keeps_promises(device_of(server), tmp_path)
    assert shell in (server.folder / "passwd").read_text()


@pytest.mark.parametrize("shell", ["/bin/sh", "fish"])
def test_dropbear(device_of: NewDevice, tmp_path: Path, shell: str) -> None:
    need(available.dropbear() or available.login_shell(shell))
    device = device_of(DropbearServer(tmp_path / "dropbear", shell=available.program(shell) or ""))
    for _ in range(20):
        assert device.run(["true"], timeout_s=9).returncode == 0, "a channel closed too soon takes the next one with it"
    keeps_promises(device, tmp_path)


@pytest.mark.parametrize(
    ("ends", "says"), [("echo Go away; exit 1", ", but printed: Go away;"), ("exit", " and ended")]
)
def test_a_login_shell_that_runs_no_command_is_named(
    device_of: NewDevice, tmp_path: Path, ends: str, says: str
) -> None:
    server = with_shell("bash", tmp_path)
    start_up(server, "bash", f"{ends}\n")
    with pytest.raises(DeviceError, match=f"pi: its login shell ran no command{says}.*start-up files") as caught:
        device_of(server).run(["true"], timeout_s=9)
    assert not isinstance(caught.value, LostError), "nobody waits for it"
