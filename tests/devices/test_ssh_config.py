"""~/.ssh/config: read as OpenSSH does, or refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceInputError
from edgenas.devices.transports.ssh.config import read_config


def config(tmp_path: Path, text: str) -> Path:
    (tmp_path / ".ssh").mkdir(exist_ok=True)
    path = tmp_path / ".ssh" / "config"
    path.write_text(text)
    return path


def test_a_configuration_is_read_as_openssh_reads_it(tmp_path: Path) -> None:
    path = config(
        tmp_path,
        "# comment\nUser=first\nHost !secret *.lab pi?\n\tHostName %h.example\n  IdentityFile ~/.ssh/%n_key\n"
        '  IdentityFile "/keys/a b"\n  Port 2222\nInclude more/*\nHost secret.lab\n  Port 1\n'
        "Match host pi4,pi5\n  ProxyJump hop:2200\nMatch all\n  User second\n  Port 3\n  ServerAliveInterval 3\n",
    )
    (tmp_path / ".ssh" / "more").mkdir()
    (tmp_path / ".ssh" / "more" / "1").write_text("Host pi4\n  IdentitiesOnly yes\n")
    found = read_config(path, "pi4", home=tmp_path)
    assert (found.host_name, found.user, found.port) == ("pi4.example", "first", 2222)
    assert found.identity_files == [tmp_path / ".ssh" / "pi4_key", Path("/keys/a b")]
    assert (found.identities_only, found.proxy_jump) == (True, ["hop:2200"])
    other = read_config(path, "else", home=tmp_path)
    assert (other.host_name, other.port, other.proxy_jump) == ("else", 3, None)
    assert read_config(tmp_path / "absent", "x", home=tmp_path).host_name == "x"


@pytest.mark.parametrize("mark", ["\x85", "\u2028", "\f", "\r"], ids=ascii)
def test_a_line_ends_where_openssh_ends_it(tmp_path: Path, mark: str) -> None:
    """What stands in a comment behind another line break than a line feed is a comment still."""
    path = config(tmp_path, "")
    path.write_bytes(f"User=first\r\n# {mark}Port 2222\r\nHostName real\n".encode())
    found = read_config(path, "pi4", home=tmp_path)
    assert (found.user, found.port, found.host_name) == ("first", None, "real")


def test_the_same_answers_as_openssh(tmp_path: Path) -> None:
    if not shutil.which("ssh"):
        pytest.skip("no ssh client on this machine")
    text = "Host a* !ab\n Port 1\nHost ab\n Port 2\n User u\nHost *\n HostName %h.x\n Port 9\n User v\n"
    path = config(tmp_path, text)
    for host in ("a", "ab", "abc", "b", "A"):
        told = subprocess.run(["ssh", "-G", "-F", str(path), host], capture_output=True, text=True, check=True).stdout
        theirs = dict(line.partition(" ")[::2] for line in told.splitlines())
        ours = read_config(path, host, home=tmp_path)
        assert (ours.host_name.lower(), ours.user, str(ours.port)) == (
            theirs["hostname"],
            theirs["user"],
            theirs["port"],
        )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ProxyCommand nc %h %p", "line 1: proxycommand is not supported; give host, user"),
        ("Host *\nCertificateFile x", "line 2: certificatefile is not supported"),
        ("Match exec true\nPort 3", "Match exec true is not supported"),
        ("Match user x", "Match user x is not supported"),
        ("HostName %k", "%k in '%k' is not supported"),
        ("IdentityFile ${HOME}/x", "is not supported"),
        ("Port ssh", "'ssh' is not a port"),
        ("Nonsense", "not KEYWORD VALUE"),
        ("Bogus yes", "bogus is not supported"),
        ("Include config", "include each other"),
        ("RemoteCommand tmux", "remotecommand is not supported"),
    ],
)
def test_what_cannot_be_honoured_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DeviceInputError) as caught:
        read_config(config(tmp_path, text), "pi", home=tmp_path)
    assert says in str(caught.value)


def test_what_does_not_apply_is_not_judged(tmp_path: Path) -> None:
    path = config(
        tmp_path, "Host other\n  ProxyCommand nc %h %p\n  Bogus yes\nHost pi\n  ProxyCommand none\n  Port 5\n"
    )
    assert read_config(path, "pi", home=tmp_path).port == 5
