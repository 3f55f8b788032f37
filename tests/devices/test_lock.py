"""Two profilers at once: one gives way, and nobody is locked out by a process, a boot or a computer that is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edgenas.devices.session import lock
from edgenas.devices.session.lock import LockedError, host_lock, locked, read_holder, unlock
from edgenas.devices.session.session import Conditions, held
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.transports.owner import Owner, this_process
from tests.conftest import ROOT
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGENAS_LOCK_FOLDER", str(tmp_path))


@pytest.fixture
def fake(tmp_path: Path) -> FakeDevice:
    return FakeDevice("fake", tmp_path / "fake")


@pytest.fixture
def file(fake: FakeDevice) -> Path:
    return Path(fake.about().path) / "device.lock"


def held_by(fake: FakeDevice, file: Path, owner: object, *, boot: str = "", seconds: int = 500) -> None:
    uptime = int(float(Path("/proc/uptime").read_text().split()[0]))
    file.write_text(f"{owner} {boot or fake.about().boot} {uptime + seconds}\n")


def test_it_is_held_for_the_block_and_freed_after(fake: FakeDevice, file: Path) -> None:
    with locked(fake):
        assert file.read_text().split()[0] == str(this_process())
        with pytest.raises(LockedError, match="another edgenas on this computer"), locked(fake):
            pass
    assert not file.exists()
    with pytest.raises(KeyboardInterrupt), locked(fake):
        raise KeyboardInterrupt
    assert not file.exists()


def test_another_computer_is_respected_until_it_expires(fake: FakeDevice, file: Path) -> None:
    other = Owner("0123456789ab", "01234567", 1234, 5678)
    held_by(fake, file, other, seconds=500)
    says = r"process 1234 of another computer; .*unlock fake; .* in (500|4\d\d) s"
    with pytest.raises(LockedError, match=says), locked(fake):
        pass
    assert str(other) in file.read_text()
    held_by(fake, file, other, seconds=0)
    with locked(fake):
        assert str(this_process()) in file.read_text()


@pytest.mark.slow
def test_who_is_gone_holds_nothing(fake: FakeDevice, file: Path) -> None:
    me = this_process()
    other = Owner("0123456789ab", "01234567", 1234, 5678)
    dead = Owner(me.host, me.boot, me.pid, me.start - 1)
    earlier = Owner(me.host, "01234567", me.pid, me.start)
    for owner, boot in ((other, "aaaaaaaa-0000"), (dead, ""), (earlier, ""), ("nonsense", "")):
        held_by(fake, file, owner, boot=boot)
        with locked(fake):
            assert str(me) in file.read_text(), (owner, boot)


def test_a_living_process_of_this_computer_is_respected(fake: FakeDevice, file: Path) -> None:
    me = this_process()
    code = "from edgenas.devices.transports.owner import this_process; print(this_process(), flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        owner = Owner.parse(process.stdout.readline().strip())
        assert owner is not None
        assert (owner.host, owner.boot) == (me.host, me.boot)
        held_by(fake, file, owner)
        with pytest.raises(LockedError, match="of this computer"), locked(fake):
            pass
        process.kill()
    with locked(fake):
        pass


def test_it_is_renewed(fake: FakeDevice, file: Path) -> None:
    with locked(fake, expiry_s=2):
        before = read_holder(f"abcdef01 1 {file.read_text()}")[2]
        assert before is not None

        def renewed() -> bool:
            after = read_holder(f"abcdef01 1 {file.read_text()}")[2]
            return after is not None and after.until_s > before.until_s

        wait_until(renewed, "it is renewed")


def test_a_lock_taken_by_force_is_not_freed_by_its_former_holder(fake: FakeDevice, file: Path) -> None:
    other = Owner("0123456789ab", "01234567", 1234, 5678)
    with locked(fake):
        assert str(this_process()) in unlock(fake)
        held_by(fake, file, other)
    assert str(other) in file.read_text()


def test_of_two_who_take_over_at_once_one_gives_way(fake: FakeDevice, file: Path) -> None:
    """Each sees the same expired line; the slower one finds another there, or overwrites and is found."""
    held_by(fake, file, "nonsense")
    line = file.read_text().strip()
    rivals = [Owner("0123456789ab", "01234567", pid, 1) for pid in (1, 2, 3)]
    script = lock._TAKE.replace("/proc/sys/kernel/random/boot_id", str(file.parent.parent.parent / "boot_id"))
    racing = [
        subprocess.Popen(
            ["sh", "-c", script, "sh", str(file.parent), line, str(owner), "500"], stdout=subprocess.PIPE, text=True
        )
        for owner in rivals
    ]
    seen = [read_holder(process.communicate()[0])[2] for process in racing]
    winners = [owner for owner, holder in zip(rivals, seen, strict=True) if holder and holder.owner == owner]
    assert len(winners) == 1


def test_processes_of_this_computer_exclude_each_other(tmp_path: Path) -> None:
    refused = pytest.raises(LockedError, match="pi is in use")
    with host_lock("pi", tmp_path), host_lock("other", tmp_path), refused, host_lock("pi", tmp_path):
        pass
    with host_lock("pi", tmp_path):
        pass


HOLD = """
import sys
from edgenas.devices.session.session import Conditions, held
from edgenas.devices.transports.local import LocalDevice
with held(LocalDevice(sys.argv[1]), Conditions()):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("settings", "second"), [(("HOME", "XDG_CACHE_HOME", "TMPDIR"), "local"), (("TMPDIR",), "bench")]
)
def test_two_processes_with_other_settings_measure_one_machine_in_turn(
    tmp_path: Path, settings: tuple[str, ...], second: str
) -> None:
    """The lock belongs to the machine, wherever a process has its home, its caches and its temporary files."""
    (tmp_path / "other").mkdir()
    changed = {**os.environ, **dict.fromkeys(settings, str(tmp_path / "other"))}
    pipes: dict[str, Any] = {"cwd": ROOT, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLD, "local"], **pipes) as first:
        assert first.stdout is not None and first.stdout.readline() == "held\n"
        argv = [sys.executable, "-c", HOLD, second]
        refused = subprocess.run(argv, env=changed, cwd=ROOT, input="", capture_output=True, text=True)
        assert "LockedError" in refused.stderr and refused.stdout == ""
        first.communicate("")
    freed = subprocess.run(argv, env=changed, cwd=ROOT, input="", capture_output=True, text=True)
    assert (freed.returncode, freed.stdout) == (0, "held\n")


def test_the_lock_of_this_machine_can_be_removed_by_name() -> None:
    with held(LocalDevice(), Conditions()):
        assert str(this_process()) in unlock(LocalDevice("bench"))
    assert unlock(LocalDevice()) == ""


@pytest.fixture(autouse=True)
def _closed(fake: FakeDevice) -> Iterator[None]:
    yield
    fake.close()
