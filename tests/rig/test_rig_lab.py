"""The lab: who may enter, that nothing gets out, and its cables."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.rig_helpers import RIG, call
from tools.rig import available, process
from tools.rig.process import wait_for
from tools.rig.wire import Wire

pytest_plugins = ["tools.rig.fixtures"]


def test_installing_needs_root_and_says_so() -> None:
    if os.geteuid() == 0 and call(["unshare", "--user", "true"]).returncode:
        pytest.skip("cannot become nobody here")
    argv = [str(RIG / "install.sh")]
    done = call(["unshare", "--user", *argv] if os.geteuid() == 0 else argv)
    assert done.returncode == 0
    assert "skipped: needs root" in done.stderr


def test_boards_exist_only_inside_the_lab() -> None:
    code = "import os; os.environ.pop('EDGENAS_LAB', None)\nfrom tools.rig.network import Veth\nVeth()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "tools/rig/lab.sh" in done.stderr


def test_the_lab_passes_the_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    mark = f"6{os.getpid()}"
    done = call([str(RIG / "lab.sh"), "sh", "-c", f"setsid sleep {mark} & sleep 0.1; exit 7"])
    assert done.returncode == 7, done.stderr
    assert f"sleep {mark}" not in {process.command_line(pid) for pid in process.parents()}


def test_no_way_out_of_the_lab(lab: None) -> None:
    assert not available.has_default_route()
    with (
        pytest.raises(OSError, match="Network is unreachable"),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        out.connect(("192.0.2.1", 9))


ECHO = """
import socket, sys
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind((sys.argv[1], 7))
print("up", flush=True)
while True:
    server.sendto(*server.recvfrom(99))
"""


def test_a_wire_delays_loses_and_cuts(lab: None) -> None:
    wire = Wire(seed=1)
    argv = ["ip", "netns", "exec", wire.namespace, sys.executable, "-c", ECHO, wire.far_ip]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE)
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def answers(timeout_s: float = 10) -> bool:
        near.sendto(b"ping", (wire.far_ip, 7))
        return heard(timeout_s)

    def heard(timeout_s: float) -> bool:
        ready, _, _ = select.select([near], [], [], timeout_s)
        return bool(ready) and near.recv(99) == b"ping"

    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        assert answers()
        wire.delay_s = 1.0
        assert not answers(timeout_s=0.2)
        wire.delay_s = 0.0
        assert heard(10)
        wire.unplug()
        assert not answers(timeout_s=0.2)
        wire.plug()
        wire.loss = 1.0
        assert not answers(timeout_s=0.2)
        wire.loss = 0.0
        assert answers()
        lost = wire.dropped
        wire.limit(0.01)
        for _ in range(300):
            near.sendto(bytes(90), (wire.far_ip, 7))
        wait_for(lambda: wire.dropped > lost, "a full buffer drops")
    finally:
        server.kill()
        server.communicate()
        near.close()
        wire.close()
