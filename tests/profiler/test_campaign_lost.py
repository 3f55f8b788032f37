"""Campaigns on devices that are lost, cut off, too hot or shared: only time is lost, nothing is done twice."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import LostError
from edgenas.devices.session.lock import LockedError
from edgenas.devices.session.readiness import Limits
from edgenas.devices.session.session import Conditions, NotReadyError
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice
from edgenas.latency_tables.store.journal import read_table
from edgenas.profiler.campaign import Campaign, profile_pool
from edgenas.profiler.device_session import Worker
from edgenas.profiler.fleet import run_fleet
from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes.output import OutputError
from edgenas.profiler.runtimes.python_runner import PythonRunner
from edgenas.profiler.stopping import StoppingRule
from tests.profiler.test_campaign import BLOCKS, FAKE, PROCESSES, WANTED, finished, keys, log, run, write_nothing
from tests.support.listeners import Recorder
from tests.support.waiting import during, wait_until

__all__ = ["log"]

pytestmark = pytest.mark.slow


def soon(*given: Any, **more: Any) -> Conditions:
    """Conditions for batches that take less than a second."""
    return Conditions(*given, **{"poll_s": 0.1, **more})


ANYHOW = soon(patience_s=20.0)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch takes long enough for something to happen in it."""
    monkeypatch.setenv("FAKE_RUNNER_S", "0.4")


@pytest.fixture
def fakes(tmp_path: Path) -> Iterator[list[FakeDevice]]:
    devices = [FakeDevice(f"fake{i}", tmp_path / f"fake{i}") for i in range(3)]
    yield devices
    for device in devices:
        device.link.faults.unplugged = False
        device.power_cut()


def begun(log: Path, batches: int) -> bool:
    return log.read_text().count("started") >= batches


def test_a_cable_that_is_pulled_and_replugged_costs_nothing(tmp_path: Path, log: Path, slow: None, fakes: Any) -> None:
    device: FakeDevice = fakes[0]

    def pull() -> None:
        device.link.faults.unplugged = True
        time.sleep(1.5)
        device.link.faults.unplugged = False

    with during(lambda: begun(log, 2), pull):
        found = run(tmp_path, device=device, conditions=ANYHOW)
    assert keys(found.table) == WANTED
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})


def test_a_power_cut_costs_the_batch_in_flight(tmp_path: Path, log: Path, slow: None, fakes: Any) -> None:
    recorder = Recorder()
    with during(lambda: begun(log, 2), fakes[0].power_cut):
        found = run(tmp_path, device=fakes[0], conditions=soon(listener=recorder))
    assert keys(found.table) == WANTED
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})
    assert log.read_text().count("started") == len(WANTED) // 2 + 1
    assert any("started anew" in text and "measured again" in text for text in recorder.messages)


def test_a_pool_shares_the_work_and_does_what_a_dead_device_leaves(
    tmp_path: Path, log: Path, slow: None, fakes: Any
) -> None:
    def die() -> None:
        fakes[0].link.faults.unplugged = True

    with during(lambda: begun(log, 3), die):
        found = pool(tmp_path, fakes, soon(patience_s=0.5))
    assert keys(found.table) == WANTED
    assert [name for name, _ in found.lost] == ["fake0"]
    assert {m.before["device"] for m in found.table.measurements} >= {"fake1", "fake2"}
    assert read_table(tmp_path / "pool.jsonl") == found.table


def test_a_device_that_is_not_there_is_said_at_once(tmp_path: Path, log: Path, fakes: Any) -> None:
    fakes[0].link.faults.unplugged = True
    begin = time.monotonic()
    with pytest.raises(LostError, match="fake0 does not answer"):
        run(tmp_path, device=fakes[0], conditions=soon(patience_s=3600.0))
    assert time.monotonic() - begin < 600, "not waited for"


@pytest.mark.parametrize("command", [3, 9, 15, 21, 27, 33])
def test_a_cable_pulled_before_any_command_of_a_campaign_costs_nothing(
    tmp_path: Path, log: Path, fakes: Any, command: int
) -> None:
    """Also between batches, while the device is looked at and its clock is held."""
    device: FakeDevice = fakes[0]
    run(tmp_path, BLOCKS[:1], device=device, processes=1)
    already = len(device.link.commands)

    def pull() -> None:
        device.link.faults.unplugged = True
        time.sleep(0.5)
        device.link.faults.unplugged = False

    with during(lambda: len(device.link.commands) >= already + command, pull):
        try:
            run(tmp_path, device=device, conditions=ANYHOW)
        except LostError:  # before it was there
            assert command < 12
            wait_until(lambda: not device.link.faults.unplugged, "it is plugged in again")
            run(tmp_path, device=device, conditions=ANYHOW)
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})


def test_a_pool_that_is_all_dead_says_why(tmp_path: Path, log: Path, fakes: Any) -> None:
    for device in fakes:
        device.link.faults.unplugged = True
    with pytest.raises(LostError, match=r"fake\d does not answer"):
        pool(tmp_path, fakes, soon(patience_s=0.5))


def test_a_device_in_use_is_refused(tmp_path: Path, log: Path, slow: None, fakes: Any) -> None:
    failures: list[Exception] = []

    def second() -> None:
        try:
            run(tmp_path / "second", device=fakes[0])
        except LockedError as error:
            failures.append(error)

    (tmp_path / "second").mkdir()
    with during(lambda: begun(log, 1), second):
        run(tmp_path, device=fakes[0])
    assert len(failures) == 1
    assert finished(log) == Counter({(str(b), p): 1 for b, p in WANTED})


def test_a_batch_during_which_the_board_throttled_is_thrown_away(tmp_path: Path, log: Path, fakes: Any) -> None:
    when_asked = f'echo "throttled=$(cat {tmp_path}/bits)"; [ "$1" = get_throttled ] && echo x >>{tmp_path}/asked; true'
    fakes[0].program("vcgencmd", when_asked)
    (tmp_path / "bits").write_text("0x50000")  # it has happened since boot, and that says nothing of today

    def throttle() -> None:
        (tmp_path / "bits").write_text("0x50004")

    def recover(text: str) -> None:
        (tmp_path / "bits").write_text("0x50000")

    recorder = Recorder(on_message=recover)
    with during(lambda: begun(log, 1), throttle):
        found = run(tmp_path, BLOCKS[:2], device=fakes[0], processes=1, conditions=soon(listener=recorder))
    assert found.measured == 2
    if any("throttled during a batch" in text for text in recorder.messages):  # else it ended before it was seen
        assert finished(log)[str(BLOCKS[0]), 0] == 2


def test_a_board_that_throttles_all_the_time_gives_no_numbers(tmp_path: Path, log: Path, fakes: Any) -> None:
    fakes[0].program("vcgencmd", "echo throttled=0x50004")
    found = run(tmp_path, BLOCKS[:2], device=fakes[0], processes=1)
    assert found.measured == 0
    assert {f.stage for f in found.failures} == {"throttled"}
    assert "heat sink" in found.failures[0].message
    assert finished(log)[str(BLOCKS[0]), 0] == 3, "three tries"


def test_a_device_that_is_not_ready_is_refused_unless_forced(tmp_path: Path, log: Path, fakes: Any) -> None:
    crowded = Limits(free_mib=1e9)
    with pytest.raises(NotReadyError, match=r"fake0 is not ready: .* MiB are free.*--force"):
        run(tmp_path, device=fakes[0], conditions=soon(crowded))
    recorder = Recorder()
    found = run(tmp_path, BLOCKS[:1], device=fakes[0], conditions=soon(crowded, force=True, listener=recorder))
    assert found.measured == PROCESSES
    assert any("MiB are free" in text for text in recorder.messages)


def test_output_that_makes_no_sense_is_not_kept_for_the_next_campaign(tmp_path: Path, log: Path, fakes: Any) -> None:
    once = tmp_path / "once"
    once.touch()
    other = tmp_path / "other_runner.py"
    spoiled = f"    if os.path.exists({str(once)!r}):\n        os.remove({str(once)!r})\n        print('half a li')\n"
    other.write_text(FAKE.runner.read_text().replace("    with log.open", f"{spoiled}    with log.open", 1))
    runtime = PythonRunner("fake", "onnx", "", other)
    with pytest.raises(OutputError, match="not understood"):
        pool(tmp_path, fakes[:1], ANYHOW, runtime=runtime)
    assert not once.exists()
    found = pool(tmp_path, fakes[:1], ANYHOW, runtime=runtime)
    assert keys(found.table) == WANTED


def test_a_fleet_fills_its_tables_side_by_side_and_an_error_stops_no_other(
    tmp_path: Path, log: Path, fakes: Any
) -> None:
    fakes[1].link.faults.unplugged = True

    def campaign(number: int) -> Any:
        return lambda sleep: pool(tmp_path, [fakes[number]], soon(patience_s=0.5, sleep=sleep), f"{number}.jsonl")

    outcomes = run_fleet({f"t{n}": campaign(n) for n in range(3)})
    assert list(outcomes) == ["t0", "t1", "t2"]
    assert isinstance(outcomes["t1"], LostError)
    for name in ("t0", "t2"):
        outcome = outcomes[name]
        assert isinstance(outcome, Campaign)
        assert keys(outcome.table) == WANTED


def test_ctrl_c_ends_a_fleet_in_order_and_the_next_one_goes_on(
    tmp_path: Path, log: Path, slow: None, fakes: Any
) -> None:
    def campaigns() -> Any:
        return {
            f"t{n}": lambda sleep, n=n: pool(tmp_path, [fakes[n]], soon(sleep=sleep), f"{n}.jsonl") for n in range(2)
        }

    with during(lambda: begun(log, 4), lambda: os.kill(os.getpid(), signal.SIGINT)), pytest.raises(KeyboardInterrupt):
        run_fleet(campaigns())
    for device in fakes[:2]:
        assert not list(Path(device.about().path).glob("device.lock")), "free again"
    for outcome in run_fleet(campaigns()).values():
        assert isinstance(outcome, Campaign)
        assert keys(outcome.table) == WANTED


def test_one_machine_under_two_names_is_measured_once(tmp_path: Path, log: Path, slow: None) -> None:
    inner: list[Exception] = []

    def second() -> None:
        (tmp_path / "second").mkdir()
        try:
            run(tmp_path / "second", device=LocalDevice("alias", tmp_path))
        except LockedError as error:
            inner.append(error)

    with during(lambda: begun(log, 1), second):
        run(tmp_path)
    assert "are the same machine" in str(inner[0])


def pool(
    tmp_path: Path,
    devices: list[FakeDevice],
    conditions: Conditions,
    table: str = "pool.jsonl",
    runtime: PythonRunner = FAKE,
) -> Campaign:
    return profile_pool(
        [Worker(device, sys.executable) for device in devices],
        runtime,
        BLOCKS,
        tmp_path / table,
        writer=write_nothing,
        plan=Plan(),
        enough=StoppingRule.exactly(PROCESSES),
        batch_blocks=2,
        conditions=conditions,
    )
