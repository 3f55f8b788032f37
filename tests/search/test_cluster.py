"""Searches on a real Ray cluster of two nodes: the same result as here, whoever is killed in the middle."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.support.ray_nodes import Nodes, two_nodes
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed: edgenas[distributed]"),
    pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds Ray's processes through /proc"),
]

#: ``held`` notes when a network begins and ends; once as many began as the file "hold" says, they wait until it is gone
JUDGE = """
import os, time
from pathlib import Path
HERE = Path({here!r})
def note(word, network):
    line = f"{{word}} {{network.name}} {{os.getpid()}}\\n"
    with open(HERE / "log", "a") as log:
        log.write(line)
    return line
def by_macs(network):
    return 20 + 20 * network.macs ** 0.06
def held_from():
    try:
        return int((HERE / "hold").read_text())
    except FileNotFoundError:  # released, perhaps this very moment
        return float("inf")
def held(network):
    assert Path(__file__).parent != HERE / "mine", "a task imports the copy that came with the search"
    line = note("begin", network)
    before = (HERE / "log").read_text().partition(line)[0]
    number = before.count("begin") + 1
    while number > held_from():
        time.sleep(0.02)
    note("end", network)
    return by_macs(network)
def wrong(network):
    raise ValueError("no way")
"""
MACRO = ("nas_bench_macro", "--in-size", "8", "--budget-macs", "2e6", "--algorithm", "random", "--max-trials", "6")


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with two_nodes() as cluster:
        yield cluster


class Folder:
    """Where searches run, with a judge, and what they left."""

    def __init__(self, path: Path, nodes: Nodes) -> None:
        self.path = path
        self.nodes = nodes
        (
            path / "mine"
        ).mkdir()  # a folder that Ray does not add to the tasks' path by itself, as it does the current one
        (path / "mine" / "judge.py").write_text(JUDGE.format(here=str(path)))

    def start(self, *args: str) -> subprocess.Popen[str]:
        env = {**self.nodes.env, "PYTHONPATH": str(self.path / "mine")}
        argv = [sys.executable, "-m", "edgenas", "search", *args]
        return subprocess.Popen(argv, cwd=self.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def search(self, *args: str, check: int = 0) -> str:
        """Run to its end; what it said on stderr."""
        return ended(self.start(*args), check)

    def hold(self, after: int) -> None:
        (self.path / "hold").write_text(str(after))

    def release(self) -> None:
        (self.path / "hold").unlink()

    def noted(self, word: str) -> list[tuple[str, int]]:
        """(network, process) of each line of the log that starts with ``word``."""
        log = self.path / "log"
        lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
        return [(network, int(pid)) for first, network, pid in lines if first == word]

    def found(self, out: str) -> dict[str, Any]:
        """The record, without what may differ between two runs."""
        record: dict[str, Any] = json.loads((self.path / out).read_text())
        explained = record["explanation"]
        for told in (record["winner"], *record["runs"], explained, *explained["front"]):
            told.pop("seconds")
        return record

    def judged(self, out: str) -> list[str]:
        """Lines of the journal but its header, in an order that does not depend on arrival."""
        return sorted((self.path / out).with_suffix(".trials.jsonl").read_text().splitlines()[1:])


def ended(process: subprocess.Popen[str], check: int) -> str:
    out, err = process.communicate(timeout=240)
    assert process.returncode == check, err + out
    assert "Traceback" not in err and "raylet" not in out + err
    return err


@pytest.fixture
def folder(tmp_path: Path, nodes: Nodes) -> Folder:
    return Folder(tmp_path, nodes)


def test_trainings_say_the_same_there_and_nobody_else_talks(folder: Folder, nodes: Nodes) -> None:
    pytest.importorskip("torch")
    args = ("digits", "--in-size", "12", "--budget-macs", "4e4", "--accuracy", "digits", "--algorithm", "random",
            "--max-trials", "3")  # fmt: skip
    folder.search(*args, "--workers", "0", "-o", "here.json")
    said = folder.search(*args, "--ray", nodes.address, "-o", "there.json")
    assert folder.found("there.json") == folder.found("here.json")
    assert folder.judged("there.json") == folder.judged("here.json")
    assert len(set(folder.judged("there.json"))) == 3
    assert all(line.startswith("search: ") for line in said.splitlines()), said


def kill_worker(nodes: Nodes, pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def kill_node(nodes: Nodes, pid: int) -> None:
    nodes.tell("kill")


@pytest.mark.parametrize("kill", [kill_worker, kill_node])
def test_what_is_killed_in_the_middle_costs_one_retry(
    kill: Callable[[Nodes, int], None], folder: Folder, nodes: Nodes
) -> None:
    folder.search(*MACRO, "--accuracy", "judge:by_macs", "-o", "here.json")
    folder.hold(after=1)
    process = folder.start(*MACRO, "--accuracy", "judge:held", "--ray", nodes.address, "-o", "there.json")
    try:
        wait_until(lambda: len(folder.noted("begin")) == 3, "a network judged, one held on each node", 120)
        kill(nodes, folder.noted("begin")[-1][1])
        folder.release()
        said = ended(process, 0)
    finally:
        process.kill()
        if kill is kill_node:
            nodes.tell("add")
    there, here = folder.found("there.json"), folder.found("here.json")
    assert there["winner"] == here["winner"] and there["runs"] == here["runs"]
    assert folder.judged("there.json") == folder.judged("here.json")
    assert sorted(Counter(name for name, _ in folder.noted("begin")).values()) == [1, 1, 1, 1, 1, 2]
    assert set(Counter(name for name, _ in folder.noted("end")).values()) == {1}, "each is paid for once"
    assert said.count("judging it again") == 1, said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_no_task_outlives_the_search_and_the_next_one_continues(
    how: signal.Signals, folder: Folder, nodes: Nodes
) -> None:
    folder.search(*MACRO, "--accuracy", "judge:by_macs", "-o", "here.json")
    folder.hold(after=2)
    args = (*MACRO, "--accuracy", "judge:held", "--ray", nodes.address, "-o", "there.json")
    with folder.start(*args) as process:
        try:
            wait_until(lambda: len(folder.noted("begin")) == 4, "two networks judged, one held on each node", 120)
            wait_until(lambda: len(folder.judged("there.json")) == 2, "both written down")
            process.send_signal(how)
            assert "Traceback" not in process.communicate(timeout=60)[1]
        finally:
            process.kill()
    held = [pid for _, pid in folder.noted("begin")[2:]]
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in held), "tasks end with the search")
    assert len(folder.noted("end")) == 2
    folder.release()
    assert "2 networks are already judged" in folder.search(*args)
    assert folder.judged("there.json") == folder.judged("here.json")
    assert set(Counter(name for name, _ in folder.noted("end")).values()) == {1}, "each is paid for once"


def test_what_cannot_be_is_told_in_one_line(folder: Folder, nodes: Nodes) -> None:
    args = (*MACRO, "--ray", nodes.address, "--accuracy")
    wide = folder.search(*args, "judge:by_macs", "--ray-cpus", "4", check=2)
    assert (
        "has the 4 CPU of one task (127.0.0.1 has 1 CPU and " in wide
        and "; 127.0.0.1 has 1 CPU and " in wide
        and wide.count("\n") == 1
    )
    wrong = folder.search(*args, "judge:wrong", check=1)
    assert "could not be judged: ValueError: no way" in wrong and wrong.count("\n") == 1
    nodes.tell("version 2.0.0")
    try:
        other = folder.search(*args, "judge:by_macs", check=2)
    finally:
        nodes.tell(f"version {version('ray')}")
    assert "runs other versions" in other and "2.0.0" in other and other.count("\n") == 1


PATIENCE = """
import sys
from edgenas.base.listener import Listener
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.cluster import ClusterAccuracy
from edgenas.search.accuracy.cluster_address import RayAddress
from edgenas.search.problem import Candidate
from edgenas.search.spaces.nas_bench_macro import nas_bench_macro
space = nas_bench_macro(8)
choice = space.parse("0.0.0.0.0.0.0.0")
candidate = Candidate(choice, space.architecture(choice))
cluster = RayAddress(sys.argv[1], cpus=1, gpus=1)
listener = Listener()
listener.message = print
with ClusterAccuracy(CallableAccuracy("judge:held"), cluster, ["mine/judge.py"], listener, patience_s=1) as accuracy:
    try:
        list(accuracy.evaluate([candidate]))
    except Exception as error:
        print(type(error).__name__, error)
"""


def test_the_last_node_that_could_is_not_waited_for_without_end(folder: Folder, nodes: Nodes) -> None:
    folder.hold(after=0)
    argv = [sys.executable, "-c", PATIENCE, nodes.address]
    env = {**nodes.env, "PYTHONPATH": str(folder.path / "mine")}
    with subprocess.Popen(argv, cwd=folder.path, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(lambda: len(folder.noted("begin")) == 1, "a network is held where the GPU is", 120)
            nodes.tell("kill")
            said, _ = process.communicate(timeout=120)
        finally:
            process.kill()
            nodes.tell("add")
    assert said.count("\n") == 3, said
    lost, waits, error = said.splitlines()
    assert "judging it again" in lost and "waiting 1 s" in waits
    assert error.startswith("OutcomeError no node of") and "has the 1 CPU and 1 GPU of one task" in error
