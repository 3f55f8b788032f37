"""Campaigns: what is measured once is not measured again, whatever stops them."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.counts import weight_bytes
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.devices.facts import facts
from edgenas.devices.session.lock import LockedError
from edgenas.devices.session.session import Conditions
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import read_journal, read_table
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler import device_session, work
from edgenas.profiler.campaign import Campaign, profile
from edgenas.profiler.export import WRITERS
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.python_runner import PythonRunner
from edgenas.profiler.stopping import StoppingRule
from edgenas.profiler.work import CampaignProgress, batches, estimate_s
from tests.conftest import ROOT
from tests.support.listeners import Recorder
from tests.support.waiting import gone

BLOCKS = tuple(BlockSpec.parse(f"conv-8x3-o{width}-k3-s1-relu6") for width in range(1, 7))
BROKEN = BlockSpec.parse("sep-8x3-o4-k3-s1-relu")
FAKE = PythonRunner("fake", "onnx", "", ROOT / "tests" / "support" / "fake_runner.py")
PROCESSES, BATCH = 2, 2
WANTED = {(b, p) for b in BLOCKS for p in range(PROCESSES)}


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "log"
    path.touch()
    monkeypatch.setenv("FAKE_RUNNER_LOG", str(path))
    return path


def finished(log: Path) -> Counter[tuple[str, int]]:
    """How often the runner finished each (block, process)."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return Counter((name, line["process"]) for line in lines if "finished" in line for name in line["finished"])


def write_nothing(blocks: Any, weights: Any) -> bytes:
    """The fake runner does not look inside."""
    return b"model"


def keys(table: LatencyTable) -> set[tuple[BlockSpec, int]]:
    """Every (block, process) measured."""
    return {(m.piece[0], m.process) for m in table.measurements}


def run(tmp_path: Path, blocks: tuple[BlockSpec, ...] = BLOCKS, **options: Any) -> Campaign:
    enough = StoppingRule.exactly(options.pop("processes", PROCESSES))
    known: dict[str, Any] = {"program": sys.executable, "enough": enough, "batch_blocks": BATCH, "plan": Plan()}
    device = options.pop("device", None) or LocalDevice(base=tmp_path)
    options.setdefault("conditions", Conditions(poll_s=0.1))
    return profile(device, FAKE, blocks, tmp_path / "table.jsonl", **{"writer": write_nothing, **known, **options})


@pytest.mark.slow
def test_a_campaign_measures_what_is_lacking_and_nothing_twice(tmp_path: Path, log: Path) -> None:
    recorder = Recorder()
    told: list[CampaignProgress] = recorder.details
    heard = Conditions(poll_s=0.1, listener=recorder)
    first = run(tmp_path, (*BLOCKS[:3], skip(8, 3), BLOCKS[0]), conditions=heard)
    assert (first.measured, first.failures, first.dropped_bytes) == (6, (), 0)
    assert [(p.done, p.total, p.failed) for p in told] == [(n, 6, 0) for n in (2, 3, 5, 6)]
    assert recorder.counts == [(n, 6) for n in (2, 3, 5, 6)] and recorder.notes[0] == told[0].note
    assert told[0].eta_s > 0
    assert told[-1].eta_s == pytest.approx(0, abs=1e-6)
    second = run(tmp_path, conditions=heard)
    assert second.measured == 6
    assert keys(second.table) == WANTED
    third = run(tmp_path)
    assert third.measured == 0
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})
    assert read_table(tmp_path / "table.jsonl") == third.table
    more = run(tmp_path, processes=3, batch_blocks=64)
    assert more.measured == len(BLOCKS), "a third process"


def test_the_state_of_the_device_surrounds_every_batch(tmp_path: Path, log: Path) -> None:
    table = run(tmp_path, BLOCKS[:3], processes=1).table
    for m in table.measurements:
        assert m.before["device"] == "local"
        assert m.before["edgenas"]
        assert str(m.before["time"]) <= str(m.after["time"])
        assert "kernel" in m.after
    assert dict(table.setting.device)["architecture"] == os.uname().machine


@pytest.mark.slow
def test_a_broken_block_stops_no_other_and_is_tried_again_by_the_next_campaign(tmp_path: Path, log: Path) -> None:
    found = run(tmp_path, (BLOCKS[0], BROKEN, BLOCKS[1]))
    assert found.measured == 4
    assert [(f.piece, f.process, f.stage, f.message) for f in found.failures] == [
        ((BROKEN,), 0, "load", "ValueError: no")
    ]
    again = run(tmp_path, (BLOCKS[0], BROKEN, BLOCKS[1]))
    assert (again.measured, len(again.failures)) == (0, 1)
    journal = read_journal(tmp_path / "table.jsonl")
    assert journal.failures == found.failures + again.failures
    assert journal.table.missing([BROKEN, BLOCKS[0]]) == (BROKEN,)


def test_a_block_that_cannot_be_written_is_a_failure(tmp_path: Path, log: Path) -> None:
    def refuse(blocks: Any, weights: Any) -> bytes:
        if tuple(blocks) == (BLOCKS[1],):
            raise InputError("too odd\nfor this format")
        return b"model"

    found = run(tmp_path, BLOCKS[:3], writer=refuse, processes=1)
    assert [(f.piece, f.stage, f.message) for f in found.failures] == [
        ((BLOCKS[1],), "write", "too odd for this format")
    ]
    assert found.measured == 2


def test_a_runtime_that_changes_in_the_middle_is_noticed(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_RUNNER_VERSION", "2")
    with pytest.raises(OutcomeError, match="the table is of fake 1, but fake 2 ran"):
        run(tmp_path, BLOCKS[:1])
    assert read_table(tmp_path / "table.jsonl").measurements == ()
    monkeypatch.delenv("FAKE_RUNNER_VERSION")
    assert run(tmp_path, BLOCKS[:1], processes=1).measured == 1


def test_another_setting_is_refused_before_anything_is_measured(tmp_path: Path, log: Path) -> None:
    run(tmp_path, BLOCKS[:1])
    before = (tmp_path / "table.jsonl").read_bytes()
    real, log_before = facts.fingerprint, log.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_session, "fingerprint", lambda facts: {**real(facts), "cpu": "Cortex-A72"})
        with pytest.raises(InputError, match=r"another setting.*device cpu .* / Cortex-A72.*write to another file"):
            run(tmp_path)
    assert (tmp_path / "table.jsonl").read_bytes() == before
    assert log.read_text() == log_before


def test_a_computing_delegate_other_than_the_settings_is_a_failure(tmp_path: Path, log: Path) -> None:
    other = tmp_path / "other_runner.py"
    other.write_text(FAKE.runner.read_text().replace('"delegate": "cpu"', '"delegate": "none"'))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[__name__], "FAKE", PythonRunner("fake", "onnx", "", other))
        found = run(tmp_path, BLOCKS[:1], processes=1)
    assert found.measured == 0
    assert found.failures[0].message == "computed by none, but the setting of this table says cpu"


def test_batches_are_bounded_in_number_time_and_size() -> None:
    small = [(BLOCKS[0],)] * 10
    assert [len(b) for b in batches(small, Plan(), 4)] == [4, 4, 2]
    slow = (BlockSpec.parse("conv-224x64-o64-k3-s1"),)
    assert estimate_s(slow, Plan()) > work.BATCH_S / 4
    assert [len(b) for b in batches([slow] * 3, Plan(), 64)] == [2, 1]
    heavy = (BlockSpec.parse("head-7x960-m9000-o1000-hswish"),)
    assert weight_bytes(heavy[0]) > work.BATCH_BYTES
    assert [len(b) for b in batches([small[0], heavy, heavy, small[0]], Plan(), 64)] == [1, 1, 1, 1]
    assert list(batches([], Plan(), 4)) == []


SCRIPT = """
import sys
from pathlib import Path
from tests.profiler.test_campaign import run
print("started", flush=True)
run(Path(sys.argv[1]))
"""


def start(tmp_path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"
    return process


def runners(log: Path) -> list[int]:
    return [json.loads(line)["pid"] for line in log.read_text().splitlines()]


def wait_for(process: subprocess.Popen[str], log: Path, batches_started: int) -> None:
    """Until so many batches have begun, or the campaign ends."""
    while log.read_text().count("started") < batches_started and process.poll() is None:
        time.sleep(0.005)


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_at_most_the_batch_in_flight(tmp_path: Path, log: Path) -> None:
    rng = random.Random(5)
    kills = 4
    held: set[tuple[BlockSpec, int]] = set()
    for kill in range(kills):
        process = start(tmp_path)
        if kill:  # else before anything was written
            wait_for(process, log, log.read_text().count("started") + rng.randint(1, 2))
            time.sleep(rng.random() * 0.3)
        process.kill()
        process.communicate()
        assert all(gone(pid) for pid in runners(log)), "the runner ends with the campaign"
        if (tmp_path / "table.jsonl").exists() and (tmp_path / "table.jsonl").read_bytes().count(b"\n"):
            now = keys(read_table(tmp_path / "table.jsonl"))
            assert held <= now, "nothing that was on the disk is lost"
            assert len(now) % BATCH == 0, "batches are whole"
            held = now
    assert held, "the kills came in between"
    found = run(tmp_path)
    assert found.measured == len(WANTED) - len(held), "exactly the missing ones"
    assert keys(found.table) == WANTED
    times = finished(log)
    assert set(times) == {(str(b), p) for b, p in WANTED}
    assert sum(times.values()) - len(WANTED) <= kills * BATCH
    assert not list(tmp_path.glob("edgenas-*/work-*")), "nothing is left on the device"


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_collected_and_cleans_up(tmp_path: Path, log: Path) -> None:
    process = start(tmp_path)
    wait_for(process, log, 3)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode not in (0, None)
    assert "KeyboardInterrupt" in stderr
    assert all(gone(pid) for pid in runners(log))
    assert not list(tmp_path.glob("edgenas-*/work-*"))
    journal = read_journal(tmp_path / "table.jsonl")
    assert journal.dropped_bytes == 0
    assert len(journal.table.measurements) >= 2 * BATCH
    assert run(tmp_path).measured == len(WANTED) - len(journal.table.measurements)
    assert len(read_table(tmp_path / "table.jsonl").measurements) == len(WANTED)


@pytest.mark.slow
def test_a_second_campaign_on_the_same_table_is_refused(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start(tmp_path)
    wait_for(process, log, 1)
    (tmp_path / "other").mkdir()
    with pytest.raises(LockedError, match="local is in use by another edgenas"):
        run(tmp_path)
    monkeypatch.setenv("EDGENAS_LOCK_FOLDER", str(tmp_path / "other"))  # as if it were another machine
    with pytest.raises(InputError, match="another process is writing it"):
        run(tmp_path, device=LocalDevice("other", tmp_path / "other"))
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, "")
    assert keys(read_table(tmp_path / "table.jsonl")) == WANTED


@pytest.mark.slow
@pytest.mark.parametrize("name", ["litert", "onnxruntime"])
def test_a_real_runtime_fills_a_table(tmp_path: Path, name: str) -> None:
    runtime = RUNTIMES[name]
    found = profile(
        LocalDevice(base=tmp_path),
        runtime,
        BLOCKS[:3],
        tmp_path / "t.jsonl",
        writer=WRITERS[runtime.format],
        program=sys.executable,
        plan=Plan(rounds=2, samples=2, warmup_ms=1),
        enough=StoppingRule.exactly(2),
    )
    assert (found.measured, found.failures) == (6, ())
    assert found.table.setting.runtime == name
    assert all(found.table.ms(b) > 0 for b in BLOCKS[:3])
    for block in BLOCKS[:3]:
        assert len({m.checksum for m in found.table.measurements if m.piece == (block,)}) == 1
    assert read_table(tmp_path / "t.jsonl") == found.table
