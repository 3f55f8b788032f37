"""The fake device keeps every promise of a Device, and fails as it is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgenas.base.errors import DeviceError, LostError, OutputLimitError, TransferError
from edgenas.devices.base import Device
from edgenas.devices.transports.fake import FakeDevice
from tests.conftest import ROOT
from tests.devices.test_devices import Conformance


class TestFake(Conformance):
    @pytest.fixture
    def device(self, tmp_path: Path) -> Device:
        return FakeDevice("fake", tmp_path / "fake")


@pytest.fixture
def fake(tmp_path: Path) -> FakeDevice:
    return FakeDevice("fake", tmp_path / "fake")


def test_what_arrives_changed_is_refused_and_leaves_nothing(fake: FakeDevice, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100_000)
    with fake.workdir() as folder:
        fake.link.faults.corrupt_input = True
        with pytest.raises(TransferError, match=r"fake: .*differs from what was sent: 100000 of 100000 bytes"):
            fake.push(tmp_path / "x", f"{folder}/x")
        assert fake.run(["ls", "-A", folder], timeout_s=9).stdout == ".owner\n"
        fake.push(tmp_path / "x", f"{folder}/x")


@pytest.mark.parametrize("after_bytes", [1, 100, 50_000, 99_999])
def test_a_transfer_that_is_cut_leaves_nothing(fake: FakeDevice, tmp_path: Path, after_bytes: int) -> None:
    (tmp_path / "x").write_bytes(b"x" * 100_000)
    with fake.workdir() as folder:
        fake.push(tmp_path / "x", f"{folder}/x")
        fake.link.faults.drop_after_bytes = after_bytes
        with pytest.raises(LostError, match="fake: "):
            fake.pull(f"{folder}/x", tmp_path / "back")
        fake.link.faults.drop_after_bytes = after_bytes
        with pytest.raises(LostError, match="fake: "):
            fake.push(tmp_path / "x", f"{folder}/y")
        listed = fake.run(["ls", folder], timeout_s=9).stdout
    assert listed == "x\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fake", "x"]


def test_a_power_cut_between_a_look_and_a_read_is_a_lost_connection(
    fake: FakeDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuts: list[threading.Thread] = []

    def cut_first(pipe: int, count: int) -> bytes:
        if not cuts:
            cuts.append(threading.Thread(target=fake.link.drop))
            cuts[0].start()
            cuts[0].join(0.3)
        return os.read(pipe, count)

    monkeypatch.setattr("edgenas.devices.transports.fake.os", SimpleNamespace(**{**vars(os), "read": cut_first}))
    with pytest.raises(LostError, match="fake: the connection broke"):
        fake.run(["sh", "-c", "echo up; sleep 20"], timeout_s=30)
    cuts[0].join()
    assert fake.run(["echo", "again"], timeout_s=9).stdout == "again\n"


def test_programs_of_the_device(fake: FakeDevice) -> None:
    fake.program("vcgencmd", 'echo "temp=48.0"')
    assert fake.run(["vcgencmd", "measure_temp"], timeout_s=9).stdout == "temp=48.0\n"


def test_another_device_at_the_same_address_is_refused(fake: FakeDevice) -> None:
    fake.program("getprop", "echo 1A2B")
    assert fake.about().serial == "1A2B"
    fake.program("getprop", "echo 3C4D")
    fake.close()
    with pytest.raises(DeviceError, match="fake: another device answers: its serial number is '3C4D', it was '1A2B'"):
        fake.run(["true"], timeout_s=9)


def test_a_flood_is_stopped(fake: FakeDevice) -> None:
    with pytest.raises(OutputLimitError, match="fake: yes was stopped after printing 67,108,864 bytes"):
        fake.run(["yes"], timeout_s=90)


def test_nothing_heavy_is_imported_with_the_transports() -> None:
    code = (
        "import sys; from edgenas.devices.transports import adb, fake; from edgenas.devices.transports.ssh import "
        "paramiko_link; print({'paramiko', 'adbutils'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.stdout == "set()\n"
