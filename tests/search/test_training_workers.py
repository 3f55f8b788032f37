"""Training side by side: workers change no accuracy, die without harm, and outlive nobody."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.search.accuracy.training import TrainingAccuracy
from edgenas.search.problem import Candidate
from tests.conftest import ROOT
from tests.support.training_toys import CANDIDATES, QUICK, bars, network
from tests.support.waiting import wait_until

pytest.importorskip("torch")


@pytest.mark.slow
def test_workers_do_not_change_accuracies_and_their_failures_name_the_network() -> None:
    with TrainingAccuracy(bars(), QUICK, workers=0) as here:
        wanted = dict(here.evaluate(CANDIDATES))
    assert len(set(wanted.values())) > 1
    with TrainingAccuracy(bars(), QUICK, workers=2) as there:
        assert dict(there.evaluate(CANDIDATES)) == wanted
        assert dict(there.evaluate(CANDIDATES[1:])) == {0: wanted[1], 1: wanted[2]}
        assert list(there.evaluate([])) == []
        wrong = Candidate((9,), network(name="too-wide", size=16))
        with pytest.raises(OutcomeError, match=r"too-wide could not be trained: .*takes 16x1 images"):
            list(there.evaluate([*CANDIDATES, wrong]))
    assert not multiprocessing.active_children()


@pytest.mark.slow
def test_a_worker_that_dies_is_told_and_the_next_call_starts_others() -> None:
    with TrainingAccuracy(bars(), QUICK, workers=1) as accuracy:
        answers = accuracy.evaluate(CANDIDATES)
        next(answers)
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        with pytest.raises(OutcomeError, match=r"a worker process died .* of 3 networks to go"):
            list(answers)
        assert len(dict(accuracy.evaluate(CANDIDATES))) == 3


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="lists child processes through /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda s: s.name)
def test_no_worker_outlives_this_process(how: signal.Signals, tmp_path: Path) -> None:
    script = tmp_path / "long.py"
    script.write_text(
        "from dataclasses import replace\n"
        "from tests.support.training_toys import CANDIDATES, QUICK, bars\n"
        "from edgenas.search.accuracy.training import TrainingAccuracy\n"
        "if __name__ == '__main__':\n"
        "    with TrainingAccuracy(bars(), QUICK, workers=2) as short:\n"
        "        list(short.evaluate(CANDIDATES[:1]))\n"
        "    with TrainingAccuracy(bars(), replace(QUICK, epochs=100000), workers=2) as accuracy:\n"
        "        print('training', flush=True)\n"
        "        list(accuracy.evaluate(CANDIDATES))\n"
    )
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    workers: list[int] = []

    def started() -> bool:
        workers[:] = [pid for pid in children_of(process.pid) if b"spawn_main" in command_of(pid)]
        return len(workers) == 2

    with process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"training\n"
            wait_until(started, "two workers", timeout_s=120)
            time.sleep(3)  # into the training
            process.send_signal(how)
            process.wait(60)
        finally:
            process.kill()  # or leaving the block would wait for ever
    wait_until(lambda: not any(map(command_of, workers)), "workers end with the process that started them")


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def command_of(pid: int) -> bytes:
    """Command line, empty once the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
