"""~/.ssh/config: read as OpenSSH does, or refused."""

from __future__ import annotations

import getpass
import shutil
import socket
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
        "Match originalhost pi4,pi5\n"
        "  ProxyJump hop:2200\nMatch all\n  User second\n  Port 3\n  ServerAliveInterval 3\n",
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


ORACLE = """\
IgnoreUnknown UseKeychain,Bogus*
UseKeychain yes
Protocol 2
UseRoaming no
BogusWord 1
Host a* !ab
 Port 1
Host ab
 Port 2
 User u
 IdentityFile ~/.ssh/%r_%h_%p
Match host OTHER exec "touch %d/ran"
 User never
Match originalhost proxied !user never
 ProxyCommand nc -X "5 5" %h %p # 'odd
 HostName 10.0.0.9
Match host 10.0.0.* exec "test %n = proxied -a %h = 10.0.0.9"
 User v
 AddressFamily inet6
 IdentityAgent /run/%n.sock
 BindAddress 127.0.0.3
Host jumps
 ProxyJump first:22,second
 ProxyCommand nc never
Host keys
 IdentityFile ${HOME}/%u
 IdentityAgent none
 HostKeyAlgorithms +ssh-rsa
 IdentitiesOnly yes
Host *
 HostName %h.x
 Port 9
 User v
"""


@pytest.mark.parametrize("host", ["a", "ab", "abc", "b", "A", "proxied", "jumps", "keys"])
def test_the_same_answers_as_openssh(tmp_path: Path, host: str) -> None:
    """`ssh -G HOST` prints what ssh makes of a configuration."""
    if not shutil.which("ssh"):
        pytest.skip("no ssh client on this machine")
    path = config(tmp_path, ORACLE)
    done = subprocess.run(["ssh", "-G", "-F", str(path), host], capture_output=True, text=True, check=True)
    theirs: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        word, _, value = line.partition(" ")
        theirs.setdefault(word, []).append(value)
    ours = read_config(path, host, home=Path.home())
    families = {socket.AF_UNSPEC: "any", socket.AF_INET6: "inet6"}
    assert {
        "hostname": [ours.host_name.lower()],
        "user": [ours.user],
        "port": [str(ours.port)],
        "addressfamily": [families[ours.family]],
        "identitiesonly": ["yes" if ours.identities_only else "no"],
    } == {key: theirs[key] for key in ("hostname", "user", "port", "addressfamily", "identitiesonly")}
    assert theirs.get("bindaddress") == ([ours.bind_address] if ours.bind_address else None)
    assert theirs.get("proxyjump") == ([",".join(ours.proxy_jump)] if ours.proxy_jump else None)
    command = theirs.get("proxycommand", [""])[0].replace("%h", ours.host_name).replace("%p", str(ours.port))
    assert command == (ours.proxy_command or "")
    agent = theirs.get("identityagent", ["SSH_AUTH_SOCK"])[0].replace("%n", host)
    assert agent == {None: "SSH_AUTH_SOCK", "": "none"}.get(ours.identity_agent, ours.identity_agent)
    if ours.identity_files:
        tokens = {"~": str(Path.home()), "${HOME}": str(Path.home()), "%u": getpass.getuser()}
        tokens |= {"%r": ours.user or "", "%h": ours.host_name, "%p": str(ours.port)}
        for token, value in tokens.items():
            theirs["identityfile"] = [file.replace(token, value) for file in theirs["identityfile"]]
        assert theirs["identityfile"] == [str(file) for file in ours.identity_files]
    assert not (Path.home() / "ran").exists(), "the command of a Match runs only where the host is met"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ProxyCommand nc %h %q", "line 1: %q in 'nc %h %q' is not supported; give host, user"),
        ("ProxyUseFdpass yes\nProxyCommand nc %h", "line 1: proxyusefdpass is not supported"),
        ("Host *\nBindInterface eth0", "line 2: bindinterface is not supported"),
        ("Match final\nPort 3", "Match final is not supported"),
        ("Match host pi localnetwork 10.0.0.0/8", "Match host pi localnetwork 10.0.0.0/8 is not supported"),
        ("HostName %k", "%k in '%k' is not supported"),
        ("IdentityFile ${NO_SUCH_VARIABLE}/x", "${NO_SUCH_VARIABLE} in '${NO_SUCH_VARIABLE}/x' is not supported"),
        ("Port ssh", "'ssh' is not a port"),
        ("AddressFamily inet5", "'inet5' is not an address family; write any, inet or inet6"),
        ("Nonsense", "not KEYWORD VALUE"),
        ("Bogus yes", "bogus is not supported"),
        ("Bogus yes\nIgnoreUnknown Bogus", "bogus is not supported"),
        ("Include config", "include each other"),
        ("CanonicalizeHostname yes", "canonicalizehostname is not supported"),
    ],
)
def test_what_cannot_be_honoured_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DeviceInputError) as caught:
        read_config(config(tmp_path, text), "pi", home=tmp_path)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Host other\n  BindInterface eth0\n  Bogus yes\nHost pi",
        "Match host other localnetwork 10.0.0.0/8\n  Bogus yes\nMatch all",
        "ProxyUseFdpass yes",
        "CanonicalizeHostname yes\nHostName 10.0.0.1",
        "RemoteCommand tmux new 'it\n",
        "PubkeyAcceptedKeyTypes +ssh-rsa\nRhostsRSAAuthentication no",
    ],
)
def test_what_does_not_matter_is_not_judged(tmp_path: Path, text: str) -> None:
    assert read_config(config(tmp_path, f"{text}\n  Port 5\n"), "pi", home=tmp_path).port == 5


def test_what_a_login_may_need_is_noted(tmp_path: Path) -> None:
    path = config(tmp_path, "CertificateFile ~/.ssh/id-cert.pub\n")
    assert read_config(path, "pi", home=tmp_path).notes == [f"{path}, line 1: certificatefile is not supported"]
