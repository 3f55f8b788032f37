"""``edgenas devices`` as a person types it, with boards behind a real sshd."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tools.rig.sshd import SshServer

pytestmark = pytest.mark.slow  # real servers and processes

pytest_plugins = ["tools.rig.fixtures"]

Edgenas = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def edgenas(tmp_path: Path) -> Edgenas:
    """Runs ``edgenas devices ARGS`` in a folder and a home of the test's own."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    folders = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config")}
    fixed = {"PYTHONPATH": str(ROOT), "SSH_AUTH_SOCK": "", **folders}

    def run(*args: str | Path, check: int | None = 0, **settings: Any) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "edgenas", "devices", *map(str, args)]
        done = subprocess.run(
            argv,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=200,
            **{"env": {**os.environ, **fixed}, "stdin": subprocess.DEVNULL, **settings},
        )
        assert check is None or done.returncode == check, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done

    return run


@pytest.fixture
def pi4(edgenas: Edgenas, ssh_server: SshServer, one_board: None) -> SshServer:
    """A board that is written down, not enrolled."""
    where = f"{ssh_server.user}@{ssh_server.host}:{ssh_server.port}"
    edgenas("add", "pi4", "--ssh", where, "--key", ssh_server.new_key(), "--python", sys.executable, "--pool", "pi")
    return ssh_server


def checked(edgenas: Edgenas, *names: str) -> dict[str, tuple[str, str]]:
    """What -> (state, reason and remedy) of one device. A busy machine may be refused for its load."""
    done = edgenas("check", *names, "--json", check=None)
    found = json.loads(done.stdout)
    assert done.returncode == any(row["state"] == "refuse" for row in found)
    return {row["what"]: (row["state"], f"{row['reason']}; {row['remedy']}") for row in found}


def test_add_writes_a_section_and_says_what_to_type(edgenas: Edgenas, tmp_path: Path) -> None:
    tool = tmp_path / "benchmark_model"
    tool.write_bytes(b"#!/bin/sh\n")
    first = edgenas("add", "pi4", "--ssh", "pi@pi4.local:2222", "--core", "2", "--core", "3")
    assert "edgenas devices enroll pi4" in first.stdout
    added = json.loads(edgenas("add", "pixel", "--adb", "--benchmark-model", tool, "--json").stdout)
    assert (added["tools"], added["next"]) == ({"benchmark_model": "a script"}, "edgenas devices check pixel")
    assert (tmp_path / "devices.toml").read_text() == (
        '[devices.pi4]\nkind = "ssh"\nhost = "pi4.local"\nuser = "pi"\nport = 2222\ncores = [2, 3]\n\n'
        f'[devices.pixel]\nkind = "adb"\nbenchmark_model = "{tool}"\n'
        'benchmark_model_sha256 = "a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf"\n'
    )


def test_addresses(edgenas: Edgenas, tmp_path: Path) -> None:
    for name, address in {"a": "fe80::1%eth0", "b": "[::1]:2222", "c": "me@10.0.0.1:22"}.items():
        edgenas("add", name, "--ssh", address)
    written = tomllib.loads((tmp_path / "devices.toml").read_text())["devices"]
    assert written["a"] == {"kind": "ssh", "host": "fe80::1%eth0"}
    assert written["b"] == {"kind": "ssh", "host": "::1", "port": 2222}
    assert written["c"] == {"kind": "ssh", "host": "10.0.0.1", "user": "me", "port": 22}


def test_a_board_is_enrolled_by_its_fingerprint_only(edgenas: Edgenas, pi4: SshServer) -> None:
    assert checked(edgenas, "pi4")["host key"][0] == "refuse"
    assert "edgenas devices enroll pi4" in checked(edgenas, "pi4")["host key"][1]
    nobody = edgenas("enroll", "pi4", check=1).stderr
    assert f"--fingerprint {pi4.fingerprint()}" in nobody
    wrong = edgenas("enroll", "pi4", "--fingerprint", "SHA256:other", check=1).stderr
    assert pi4.fingerprint() in wrong and "was not enrolled" in wrong
    assert "not enrolled" in edgenas("exec", "pi4", "--", "true", check=1).stderr
    enrolled = json.loads(edgenas("enroll", "pi4", "--fingerprint", pi4.fingerprint(), "--json").stdout)
    assert enrolled["hosts"] == [
        {
            "host": f"[127.0.0.1]:{pi4.port}",
            "type": "ssh-ed25519",
            "fingerprint": pi4.fingerprint(),
            "state": "enrolled",
        }
    ]
    assert Path(enrolled["known_hosts"]).read_text() == pi4.known_hosts_line()
    assert ": was enrolled" in edgenas("enroll", "pi4").stdout
    pi4.stop()
    pi4.change_host_key()
    pi4.start()
    for verb in (("enroll", "pi4", "--yes"), ("facts", "pi4")):
        changed = edgenas(*verb, check=1).stderr
        assert "has changed" in changed and "delete the lines" in changed
    assert "has changed" in checked(edgenas, "pi4")["host key"][1]
    assert Path(enrolled["known_hosts"]).read_text() != pi4.known_hosts_line()


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 1), ("", 1)])
def test_a_person_is_asked(edgenas: Edgenas, pi4: SshServer, answer: str, code: int) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = edgenas("enroll", "pi4", stdin=theirs, check=code)
    assert pi4.fingerprint() in done.stderr and "Trust it" in done.stderr
    os.close(ours)
    os.close(theirs)
    edgenas("exec", "pi4", "--", "true", check=code)


def test_a_jump_host_is_enrolled_first(edgenas: Edgenas, pi4: SshServer, tmp_path: Path) -> None:
    with SshServer(tmp_path / "inner") as inner:
        key = pi4.folder / "id"
        inner.allow(key.with_suffix(".pub"))
        jump = f"{pi4.user}@127.0.0.1:{pi4.port}"
        # the key of the section is the board's; a jump host takes what ~/.ssh holds
        (tmp_path / "home/.ssh/id_ed25519").write_bytes(key.read_bytes())
        (tmp_path / "home/.ssh/id_ed25519").chmod(0o600)
        edgenas("add", "inner", "--ssh", f"{inner.user}@127.0.0.1:{inner.port}", "--key", key, "--jump", jump)
        prints = ("--fingerprint", pi4.fingerprint(), "--fingerprint", inner.fingerprint())
        hosts = json.loads(edgenas("enroll", "inner", *prints, "--json").stdout)["hosts"]
        assert [host["fingerprint"] for host in hosts] == [pi4.fingerprint(), inner.fingerprint()]
        assert edgenas("exec", "inner", "--", "echo", "through").stdout == "through\n"


def test_a_board_that_is_ready(edgenas: Edgenas, pi4: SshServer, tmp_path: Path) -> None:
    edgenas("enroll", "pi4", "--yes")
    found = checked(edgenas, "pi4")
    assert [found[what][0] for what in ("reachable", "host key", "identity", "python", "litert", "onnxruntime")] == [
        "ok"
    ] * 6
    assert pi4.fingerprint() in found["host key"][1]
    assert {"free space", "load", "lock"} <= found.keys()
    bare = tmp_path / "bare.toml"
    bare.write_text((tmp_path / "devices.toml").read_text().replace(sys.executable, "/usr/bin/true"))
    found = checked(edgenas, "pi4", "--inventory", str(bare))
    assert found["python"][0] == "refuse" and "makes no sense" in found["python"][1]
    facts = json.loads(edgenas("facts", "pi4", "--json").stdout)
    assert (facts["device"], facts["architecture"]) == ("pi4", os.uname().machine)
    assert "free_mib" not in facts and facts["folder"].endswith(f"edgenas-{os.getuid()}")
    assert "architecture:" in edgenas("facts", "pi4").stdout


def test_a_device_that_does_not_answer_is_a_row(edgenas: Edgenas, pi4: SshServer, tmp_path: Path) -> None:
    edgenas("enroll", "pi4", "--yes")
    edgenas("add", "gone", "--ssh", "127.0.0.1:9")
    for args in (
        ("--json",),
        ("list", "--json"),
        ("--json", "list"),
        ("--inventory", "devices.toml", "list", "--json"),
    ):
        done = edgenas(*args, check=1)
        found = {row["name"]: row for row in json.loads(done.stdout)}
        assert [found[name]["error"] is None for name in ("local", "pi4", "gone")] == [True, True, False]
        assert "127.0.0.1:9 cannot be reached" in found["gone"]["error"]
        assert (found["pi4"]["pool"], found["pi4"]["cores"]) == ("pi", os.cpu_count())
    table = edgenas(check=1)
    assert "pi4" in table.stdout and "cannot be reached" in table.stdout
    assert "1 of 3 devices" in table.stderr
    assert checked(edgenas, "gone")["reachable"][0] == "refuse"
    for verb in ("facts", "enroll", "prepare", "unlock"):
        assert "cannot be reached" in edgenas(verb, "gone", check=1).stderr


def test_exec(edgenas: Edgenas, pi4: SshServer) -> None:
    edgenas("enroll", "pi4", "--yes")
    done = edgenas("exec", "pi4", "--", "sh", "-c", "printf 'a\\033[2J\\tb\\n'; echo bad >&2; exit 7", check=1)
    assert done.stdout == "a[2J\tb\n"
    assert done.stderr == "bad\nedgenas: pi4: sh ended with exit code 7\n"
    told = json.loads(edgenas("exec", "pi4", "--json", "--", "echo", "-n", "--help").stdout)
    assert (told["returncode"], told["stdout"], told["argv"]) == (0, "--help", ["echo", "-n", "--help"])
    late = edgenas("exec", "pi4", "--timeout-s", "5", "--", "sh", "-c", "echo so far; sleep 60", check=1)
    assert late.stdout == "so far\n" and "stopped after 5 s" in late.stderr
