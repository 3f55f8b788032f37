"""A Ray cluster of two nodes of one processor each, on loopback alone; it ends with its standard input.

    python -m tests.support.ray_nodes      prints the address, then answers each line it reads with "done":
      kill                         the second node stops as in a power cut: SIGKILL to its raylet and all below it
      add                          another second node
      version TEXT                 from now on the cluster says that it runs Ray TEXT

A program of its own, so that no test process has Ray in it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.conftest import ROOT
from tests.support.waiting import wait_until

#: Ray keeps 200 MB of shared memory a node unless told
NODE: dict[str, Any] = {
    "num_cpus": 1,
    "num_gpus": 0,
    "object_store_memory": 100 * 2**20,
    "node_ip_address": "127.0.0.1",
}
SECOND = {**NODE, "num_gpus": 1}  # Ray counts what it is told; no task here touches one
HEAD = {**NODE, "include_dashboard": False, "dashboard_port": 0, "no_monitor": True, "include_log_monitor": False}


@dataclass(frozen=True)
class Nodes:
    """The cluster as a test sees it; ``env`` is what a program needs to join it."""

    address: str
    env: dict[str, str]
    process: subprocess.Popen[str]

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"


@contextmanager
def two_nodes() -> Iterator[Nodes]:
    """A cluster of the test's own, of which nothing is left."""
    local = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # 127.0.0.1 is that, not this machine's address in its network
    argv = [sys.executable, "-m", "tests.support.ray_nodes"]
    with (
        own_ray() as env,
        subprocess.Popen(
            argv, cwd=ROOT, env={**env, **local}, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as run,
    ):
        assert run.stdout is not None
        address = run.stdout.readline().strip()
        assert address.startswith("127.0.0.1:"), "the cluster did not start; it says why above"
        yield Nodes(address, {**env, **local}, run)


@contextmanager
def own_ray() -> Iterator[dict[str, str]]:
    """The environment of a Ray that shares nothing with another on this machine; nothing of it is left afterwards."""
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # sockets lie in it, whose paths must be short
    env = {**os.environ, "RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0"}
    env.pop("RAY_ADDRESS", None)
    try:
        yield env
        wait_until(lambda: not using(folder), "every process of Ray ends")
    finally:
        for pid in using(folder):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


def using(folder: str) -> list[int]:
    """Processes with a file below ``folder`` open, as all of Ray's have their logs."""
    found = []
    for pid in (int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()):
        try:
            if any(str(fd.readlink()).startswith(f"{folder}/") for fd in Path(f"/proc/{pid}/fd").iterdir()):
                found.append(pid)
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def below(pid: int) -> list[int]:
    """Processes that ``pid`` started, and theirs."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *below(child)]
    return found


def main(lines: IO[str]) -> None:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args=HEAD)
    try:
        second = cluster.add_node(**SECOND)
        print(cluster.address, flush=True)
        for line in lines:
            verb, _, text = line.strip().partition(" ")
            if verb == "kill":
                raylet = second.all_processes["raylet"][0].process.pid
                for pid in (raylet, *below(raylet)):
                    os.kill(pid, signal.SIGKILL)
                cluster.remove_node(second, allow_graceful=False)
            elif verb == "add":
                second = cluster.add_node(**SECOND)
            elif verb == "version":
                gcs = cluster.head_node.get_gcs_client()
                told = json.loads(gcs.internal_kv_get(b"CLUSTER_METADATA", b"cluster"))
                told["ray_version"] = text
                gcs.internal_kv_put(b"CLUSTER_METADATA", json.dumps(told).encode(), True, b"cluster")
            print("done", flush=True)
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    main(sys.stdin)
