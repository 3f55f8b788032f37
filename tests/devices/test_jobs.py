"""Detached jobs: through every way to lose a device they are collected, not repeated."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, LostError, OutputLimitError, TimeLimitError
from edgenas.devices.base import Device
from edgenas.devices.transports import jobs
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.jobs import JobLostError
from edgenas.devices.transports.local import LocalDevice
from tests.support.waiting import gone, wait_until, when

pytestmark = pytest.mark.slow  # real processes and files for each test


@pytest.fixture(params=["local", "fake"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Device:
    if request.param == "local":
        return LocalDevice(base=tmp_path)
    return FakeDevice("fake", tmp_path / "fake")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDevice]:
    device = FakeDevice("fake", tmp_path / "fake")
    yield device
    device.power_cut()


def counting(folder: str, seconds: float) -> list[str]:
    """A command that leaves a line for every time it is run, and takes a while."""
    return ["sh", "-c", f"echo ran >> {folder}/count; echo out; echo err >&2; sleep {seconds}; echo end; exit 3"]


def count(device: Device, folder: str) -> int:
    return device.run(["cat", f"{folder}/count"], timeout_s=10).stdout.count("ran\n")


def test_a_job_is_started_polled_and_collected(device: Device) -> None:
    with device.workdir() as folder:
        job = jobs.start(device, counting(folder, 1), f"{folder}/job", limit_s=60)
        assert jobs.poll(device, job) == "running"
        wait_until(lambda: jobs.poll(device, job) == "done", "the job ends")
        result = jobs.collect(device, job)
        assert (result.returncode, result.stdout, result.stderr) == (3, "out\nend\n", "err\n")
        assert jobs.start(device, counting(folder, 1), f"{folder}/job", limit_s=60) == job
        assert jobs.poll(device, job) == "done"
        assert count(device, folder) == 1


def test_arguments_arrive_untouched(device: Device) -> None:
    arguments = ["a b", "$HOME", "'", '"', "*", "\\", "ü\nnew", "", "-n", ";true"]
    with device.workdir() as folder:
        result = jobs.run_job(
            device, ["printf", "<%s>", *arguments], f"{folder}/job", timeout_s=20, wait=jobs.Wait(poll_s=0.05)
        )
    assert result.stdout == "".join(f"<{a}>" for a in arguments)


def test_a_job_that_is_not_there_is_gone(device: Device) -> None:
    with device.workdir() as folder:
        assert jobs.poll(device, jobs.Job(f"{folder}/job", ("x",))) == "gone"
        jobs.kill(device, jobs.Job(f"{folder}/job", ("x",)))


def test_a_job_past_its_time_is_stopped_with_all_it_started(device: Device) -> None:
    with device.workdir() as folder:
        argv = ["sh", "-c", f"sleep 61 & echo $! $$ > {folder}/pids; echo some; sleep 61"]
        with pytest.raises(TimeLimitError, match="stopped after 1 s") as caught:
            jobs.run_job(device, argv, f"{folder}/job", timeout_s=1, wait=jobs.Wait(poll_s=0.1))
        assert caught.value.stdout == "some\n"
        pids = device.run(["cat", f"{folder}/pids"], timeout_s=10).stdout.split()
        assert len(pids) == 2
        script = (
            'for p in "$@"; do s=$(cut -d")" -f2 /proc/$p/stat 2>/dev/null | cut -c2); [ -z "$s" ] || [ $s = Z ]; done'
        )
        assert device.run(["sh", "-ec", script, "sh", *pids], timeout_s=10).returncode == 0


def test_the_device_itself_ends_a_job_at_its_limit(device: Device) -> None:
    with device.workdir() as folder:
        job = jobs.start(device, ["sleep", "60"], f"{folder}/job", limit_s=1)
        wait_until(lambda: jobs.poll(device, job) == "done", "the job ends")
        assert jobs.collect(device, job).returncode == 137


def test_what_a_job_leaves_behind_is_killed(device: Device) -> None:
    with device.workdir() as folder:
        argv = ["sh", "-c", "sleep 62 >/dev/null & echo $!"]
        result = jobs.run_job(device, argv, f"{folder}/job", timeout_s=30, wait=jobs.Wait(poll_s=0.1))
    assert gone(int(result.stdout))


@pytest.mark.slow
def test_a_killed_leader_has_died_and_its_children_are_killed(device: Device) -> None:
    with device.workdir() as folder:
        job = jobs.start(device, ["sh", "-c", f"echo $$ > {folder}/child; sleep 60"], f"{folder}/job", limit_s=60)
        wait_until(lambda: device.run(["test", "-s", f"{folder}/child"], timeout_s=9).returncode == 0, "it runs")
        device.run(["sh", "-c", f"read p s < {folder}/job/pid; kill -9 $p"], timeout_s=10)
        wait_until(lambda: jobs.poll(device, job) == "died", "it is found dead")
        alive = ["sh", "-c", f'kill -0 "$(cat {folder}/child)"']
        assert device.run(alive, timeout_s=10).returncode == 0
        jobs.kill(device, job)
        wait_until(lambda: device.run(alive, timeout_s=10).returncode != 0, "its child is dead")


def test_a_session_of_another_process_is_not_killed(fake: FakeDevice) -> None:
    """The pid was given to somebody else since."""
    with fake.workdir() as folder:
        job = jobs.start(fake, ["sleep", "60"], f"{folder}/job", limit_s=60)
        fake.run(["sh", "-c", f"cd {folder}/job; read p s < pid; echo $p 1 > pid"], timeout_s=10)
        assert jobs.poll(fake, job) == "died"
        jobs.kill(fake, job)
        fake.run(["sh", "-c", 'read p s < "$0/pid"; kill -0 $p', job.folder], timeout_s=10).check_returncode()


def test_output_that_is_not_whole_is_refused(device: Device) -> None:
    with device.workdir() as folder:
        job = jobs.start(device, ["echo", "text"], f"{folder}/job", limit_s=60)
        wait_until(lambda: jobs.poll(device, job) == "done", "the job ends")
        device.run(["sh", "-c", f": > {folder}/job/out"], timeout_s=10)
        with pytest.raises(DeviceError, match="not as long as it was"):
            jobs.collect(device, job)


@pytest.mark.slow
def test_unplugged_and_plugged_in_again_it_is_collected_not_repeated(fake: FakeDevice) -> None:
    with fake.workdir() as folder:
        timers = [
            threading.Timer(0.5, lambda: setattr(fake.link.faults, "unplugged", True)),
            threading.Timer(2.5, lambda: setattr(fake.link.faults, "unplugged", False)),
        ]
        for timer in timers:
            timer.start()
        result = jobs.run_job(fake, counting(folder, 1.5), f"{folder}/job", timeout_s=60, wait=jobs.Wait(poll_s=0.1))
        for timer in timers:
            timer.join()
        assert (result.returncode, result.stdout) == (3, "out\nend\n")
        assert count(fake, folder) == 1
        assert fake.link.connects == 2


@pytest.mark.parametrize("after_bytes", [1, 30, 60, 90, 120, 150, 180, 210, 240])
def test_a_connection_that_breaks_at_any_byte_starts_nothing_twice(fake: FakeDevice, after_bytes: int) -> None:
    with fake.workdir() as folder:
        fake.link.faults.drop_after_bytes = after_bytes
        result = jobs.run_job(fake, counting(folder, 0.3), f"{folder}/job", timeout_s=60, wait=jobs.Wait(poll_s=0.1))
        fake.link.faults.drop_after_bytes = None  # the last may never have come to pass
        assert (result.returncode, result.stdout, result.stderr) == (3, "out\nend\n", "err\n")
        assert count(fake, folder) == 1


def test_a_power_cut_is_told_from_a_lost_connection(fake: FakeDevice) -> None:
    with fake.workdir() as folder:
        out = Path(folder, "job", "out")
        cutting = when(lambda: out.exists() and out.read_text() == "out\n", fake.power_cut)
        with pytest.raises(JobLostError, match="started anew") as caught:
            jobs.run_job(fake, counting(folder, 60), f"{folder}/job", timeout_s=90, wait=jobs.Wait(poll_s=0.1))
        cutting.join()
        assert (caught.value.state, caught.value.stdout) == ("rebooted", "out\n")


def test_patience_ends(fake: FakeDevice) -> None:
    with fake.workdir() as folder:
        fake.link.faults.unplugged = True
        with pytest.raises(LostError, match=r"fake: .*unplugged"):
            jobs.run_job(fake, counting(folder, 60), f"{folder}/job", timeout_s=90, wait=jobs.Wait(0.5))
        fake.link.faults.unplugged = False


def test_the_folder_of_a_dead_process_is_removed_with_its_job_at_the_next_connect(fake: FakeDevice) -> None:
    with fake.workdir() as folder:
        jobs.start(fake, ["sh", "-c", f"echo $$ > {folder}/child; sleep 60"], f"{folder}/job", limit_s=60)
        wait_until(lambda: fake.run(["test", "-s", f"{folder}/child"], timeout_s=9).returncode == 0, "it runs")
        child = fake.run(["cat", f"{folder}/child"], timeout_s=9).stdout.strip()
        owner, _, boot = Path(folder, ".owner").read_text().partition(" ")
        Path(folder, ".owner").write_text(f"{owner.rpartition('-')[0]}-1 {boot}")  # its pid began at another time
        bystander = Path(folder).parent / "not-ours"
        bystander.mkdir()
        fake.close()
        assert fake.run(["ls", "-d", folder], timeout_s=9).returncode != 0
        assert gone(int(child))
        assert bystander.is_dir()


@pytest.mark.slow
def test_a_gigabyte_of_output_is_neither_read_nor_kept(fake: FakeDevice) -> None:
    flood = ["head", "-c", str(1 << 30), "/dev/zero"]
    with fake.workdir() as folder:
        with pytest.raises(OutputLimitError, match="was stopped after printing"):
            jobs.run_job(fake, flood, f"{folder}/job", timeout_s=120, wait=jobs.Wait(poll_s=0.1))
        assert fake.run(["echo", "well"], timeout_s=30).stdout == "well\n"
    assert not Path(folder).exists()
