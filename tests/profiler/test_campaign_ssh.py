"""A campaign over a real sshd whose own process is killed: the next one collects what went on meanwhile."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenas.latency_tables.store.journal import read_table
from tests.conftest import ROOT
from tests.devices.test_ssh import target_of
from tests.profiler.test_campaign import WANTED, finished, keys, log
from tests.support.waiting import wait_until
from tools.rig import available
from tools.rig.fixtures import need
from tools.rig.sshd import SshServer

__all__ = ["log"]
pytestmark = pytest.mark.slow

SCRIPT = """
import sys
from pathlib import Path
from edgenas.devices.transports.ssh.paramiko_link import SshDevice, make_target
from tests.profiler.test_campaign import run
host, port, user, key, known, folder = sys.argv[1:]
target = make_target(host, Path(known), user=user, port=int(port), key=Path(key))
run(Path(folder), device=SshDevice("pi", target, base=f"{folder}/base"))
"""


def start(server: SshServer, tmp_path: Path) -> subprocess.Popen[str]:
    target = target_of(server, tmp_path)
    (tmp_path / "base").mkdir(exist_ok=True)
    where = [target.host, str(target.port), target.user, str(target.keys[0]), str(target.known_hosts), str(tmp_path)]
    return subprocess.Popen([sys.executable, "-c", SCRIPT, *where], cwd=ROOT, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def server(tmp_path: Path, log: Path) -> Iterator[SshServer]:
    need(available.sshd())
    environment = {"FAKE_RUNNER_LOG": str(log), "FAKE_RUNNER_S": "0.6"}
    with SshServer(tmp_path / "sshd", environment=environment) as made:
        yield made


def test_kill_9_in_the_middle_of_a_batch_loses_and_repeats_nothing(
    server: SshServer, tmp_path: Path, log: Path
) -> None:
    for batch in (2, 4):
        process = start(server, tmp_path)
        wait_until(lambda batch=batch: log.read_text().count("started") == batch, "a batch begins")  # type: ignore[misc]
        process.kill()
        process.communicate()
    process = start(server, tmp_path)
    _, stderr = process.communicate(timeout=120)
    assert (process.returncode, stderr) == (0, "")
    assert keys(read_table(tmp_path / "table.jsonl")) == WANTED
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})
    assert not list(tmp_path.glob("base/edgenas-*/kept/*")), "nothing is left there"
