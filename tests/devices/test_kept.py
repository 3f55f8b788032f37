"""Work that is found again: by the next connection, and by the next process of ours."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, LostError, TimeLimitError
from edgenas.devices.base import Device
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.jobs import JobLostError, Wait
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.reattach import clear, kept_key, run_kept
from tests.support.waiting import during, wait_until

KEY, OTHER = "a" * 16, "b" * 64
QUICK = Wait(0.3, poll_s=0.05)


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeDevice]:
    device = FakeDevice("fake", tmp_path / "fake")
    yield device
    device.link.faults.unplugged = False
    device.power_cut()


def run(device: Device, folder: Path, key: str = KEY, seconds: float = 0.0, timeout_s: float = 30) -> str:
    """Work that leaves a line in ``folder``/count each time it runs; what it printed."""

    def put(there: str) -> None:
        with (folder / "puts").open("a") as file:
            file.write("put\n")
        device.push(folder / "files", there)

    (folder / "files").mkdir(exist_ok=True)
    (folder / "files" / "said").write_text(f"I am {key}")
    script = f"echo ran >>{folder}/count; cat $0/said; sleep {seconds}; echo; echo {time.time_ns()}"
    return run_kept(device, key, put, lambda there: ["sh", "-c", script, there], timeout_s=timeout_s, wait=QUICK).stdout


def count(folder: Path) -> int:
    return (folder / "count").read_text().count("ran")


def test_work_runs_where_its_files_are(tmp_path: Path, fake: FakeDevice) -> None:
    assert run(LocalDevice(base=tmp_path), tmp_path).startswith(f"I am {KEY}\n")
    assert run(fake, tmp_path).startswith(f"I am {KEY}\n")
    assert count(tmp_path) == 2


def test_the_same_work_is_not_done_again_and_other_work_takes_its_place(tmp_path: Path, fake: FakeDevice) -> None:
    first = run(fake, tmp_path)
    assert kept_key(fake) == KEY
    assert run(fake, tmp_path) == first, "collected, not repeated"
    assert count(tmp_path) == 1
    assert run(fake, tmp_path, OTHER).startswith(f"I am {OTHER}")
    assert kept_key(fake) == OTHER
    assert [p.name for p in Path(fake.about().path, "kept").iterdir()] == [OTHER]
    clear(fake)
    assert kept_key(fake) == ""
    assert run(fake, tmp_path, OTHER).startswith(f"I am {OTHER}")
    assert count(tmp_path) == 3


def test_a_device_that_stays_away_keeps_its_work_for_whoever_asks_next(tmp_path: Path, fake: FakeDevice) -> None:
    def unplug() -> None:
        fake.link.faults.unplugged = True

    with during(lambda: (tmp_path / "count").exists(), unplug), pytest.raises(LostError):
        run(fake, tmp_path, seconds=1)
    fake.link.faults.unplugged = False
    assert run(fake, tmp_path, seconds=1).startswith(f"I am {KEY}")
    assert count(tmp_path) == 1
    assert (tmp_path / "puts").read_text() == "put\n"


@pytest.mark.slow
def test_work_that_came_to_nothing_is_forgotten(tmp_path: Path, fake: FakeDevice) -> None:
    with during(lambda: (tmp_path / "count").exists(), fake.power_cut), pytest.raises(JobLostError) as caught:
        run(fake, tmp_path, seconds=30)
    assert caught.value.state == "rebooted"
    assert kept_key(fake) == ""
    with pytest.raises(TimeLimitError) as late:
        run(fake, tmp_path, seconds=60, timeout_s=1)
    assert late.value.stdout == f"I am {KEY}"
    assert kept_key(fake) == ""
    assert run(fake, tmp_path).startswith(f"I am {KEY}")
    assert count(tmp_path) == 3


def test_work_that_nobody_wants_any_more_is_ended(tmp_path: Path, fake: FakeDevice) -> None:
    def unplug() -> None:
        fake.link.faults.unplugged = True

    with during(lambda: (tmp_path / "count").exists(), unplug), pytest.raises(LostError):
        run(fake, tmp_path, seconds=97.125)
    fake.link.faults.unplugged = False
    assert "sleep 97.125" in fake.run(["ps", "ax"], timeout_s=9).stdout
    clear(fake)
    assert "sleep 97.125" not in fake.run(["ps", "ax"], timeout_s=9).stdout


def test_a_work_folder_that_cannot_be_signed_is_not_left(tmp_path: Path, fake: FakeDevice) -> None:
    blocked = '/bin/mkdir "$@"; for d; do :; done; case $d in */work-*) /bin/mkdir "$d/.owner";; esac'
    fake.program("mkdir", blocked)  # as if the disk were full
    with pytest.raises(DeviceError, match=r"\.owner"), fake.workdir():
        pass
    assert list(Path(fake.about().path).iterdir()) == []


def test_a_work_folder_whose_making_was_not_answered_goes_at_the_next_connect(tmp_path: Path, fake: FakeDevice) -> None:
    home = Path(fake.about().path)
    fake.program("mkdir", f'/bin/mkdir "$@" && touch {tmp_path}/made && sleep 1')

    def unplug() -> None:
        fake.link.faults.unplugged = True

    with during(lambda: (tmp_path / "made").exists(), unplug), pytest.raises(LostError), fake.workdir():
        pass
    (left,) = home.iterdir()
    wait_until((left / ".owner").exists, "what goes on there ends")
    fake.link.faults.unplugged = False
    fake.link.drop()
    fake.about()
    assert list(home.iterdir()) == []


def test_a_key_is_no_path(tmp_path: Path, fake: FakeDevice) -> None:
    for key in ("", "..", "../../etc", "a" * 15, "A" * 16, f"{KEY}\n"):
        with pytest.raises(ValueError, match="is not a key"):
            run(fake, tmp_path, key)
