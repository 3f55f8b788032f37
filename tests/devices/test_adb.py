"""Phones over adb, against an adbd in Python that misbehaves on request and needs no root."""

from __future__ import annotations

import gc
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, DeviceInputError, LostError, TransferError
from edgenas.devices.base import Device
from edgenas.devices.transports import adb as adb_module
from edgenas.devices.transports.adb import AdbDevice, only_serial, trouble
from edgenas.devices.transports.adb_server import AdbServer, find_program
from tests.devices.test_devices import Conformance
from tests.support.job_conformance import outlives_its_connections
from tests.support.waiting import when
from tools.rig.adb import Adb
from tools.rig.adb_services import Faults
from tools.rig.adbd import Adbd
from tools.rig.sshd import free_port

pytestmark = pytest.mark.slow  # real servers, and timeouts that really pass

pytest_plugins = ["tools.rig.fixtures"]

PID = "/data/local/tmp/pid"  # where a command leaves its number


@pytest.fixture
def server(adb: Adb) -> AdbServer:
    return AdbServer(port=adb.port, environment=adb.environment)


@pytest.fixture
def adbd(new_adbd: Callable[..., Adbd]) -> Adbd:
    return new_adbd()


@pytest.fixture
def device(server: AdbServer, adbd: Adbd) -> Device:
    return AdbDevice("phone", adbd.serial, server=server)


class TestAdb(Conformance):
    @pytest.fixture
    def device(self, server: AdbServer, adbd: Adbd) -> Device:
        return AdbDevice("phone", adbd.serial, server=server)


# -- who is there


def test_nobody_there(server: AdbServer) -> None:
    with pytest.raises(LostError, match=r"phone: 127\.0\.0\.1:9 does not answer \(adb: .*refused.*\); is it on"):
        AdbDevice("phone", "127.0.0.1:9", server=server).run(["true"], timeout_s=9)


def test_a_usb_serial_that_adb_does_not_see(server: AdbServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_module, "CONNECT_S", 0.3)
    with pytest.raises(LostError, match=r"adb does not see 1A2B3C \(it sees: none\); plug it in"):
        AdbDevice("phone", "1A2B3C", server=server).run(["true"], timeout_s=9)


def test_unauthorized(server: AdbServer, new_adbd: Callable[..., Adbd]) -> None:
    serial = new_adbd(Faults(auth="deny")).serial
    with pytest.raises(DeviceError, match="unauthorized; unlock it and tap Allow") as caught:
        AdbDevice("phone", serial, server=server).run(["true"], timeout_s=9)
    assert not isinstance(caught.value, LostError), "patience does not help"


def test_allowed_by_key(server: AdbServer, new_adbd: Callable[..., Adbd]) -> None:
    device = AdbDevice("phone", new_adbd(Faults(auth="accept")).serial, server=server)
    assert device.run(["echo", "in"], timeout_s=9).stdout == "in\n"


def test_offline(server: AdbServer, new_adbd: Callable[..., Adbd], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_module, "CONNECT_S", 1.0)
    device = AdbDevice("phone", new_adbd(Faults(mute=True)).serial, server=server)
    with pytest.raises(LostError, match=r"phone: .*(offline; wake it|does not answer)"):
        device.run(["true"], timeout_s=9)


@pytest.mark.parametrize(
    ("state", "kind", "says"),
    [
        ("unauthorized", DeviceError, "tap Allow"),
        ("offline", LostError, "plug it in again"),
        ("no permissions (missing udev rules? user is in the plugdev group)", DeviceError, "sudo apt install"),
        ("recovery", DeviceError, "home screen"),
        ("authorizing", LostError, "tap Allow"),
        ("", LostError, "it sees: other"),
    ],
)
def test_every_state_has_its_message_and_remedy(state: str, kind: type[DeviceError], says: str) -> None:
    error = trouble("1A2B", state, {"other": "device"})
    assert type(error) is kind
    assert says in str(error)
    assert "1A2B" in str(error)


def test_the_only_phone_or_one_of_several(server: AdbServer, new_adbd: Callable[..., Adbd]) -> None:
    with pytest.raises(DeviceInputError, match="adb sees no phone; plug it in"):
        only_serial(server)
    first, second = new_adbd(), new_adbd()
    AdbDevice("a", first.serial, server=server).run(["true"], timeout_s=9)
    assert only_serial(server) == first.serial
    AdbDevice("b", second.serial, server=server).run(["true"], timeout_s=9)
    with pytest.raises(DeviceInputError, match=f"several phones: .*{second.serial} .*serial = ") as caught:
        only_serial(server)
    assert first.serial in str(caught.value)


@pytest.mark.parametrize("serial", ["-s", "a b", "x;y", "", "a:b", "../x", "a\n", "1.2.3.4:99999999"])
def test_serials_that_are_none(serial: str) -> None:
    with pytest.raises(DeviceInputError, match="not an adb serial"):
        AdbDevice("phone", serial)


def test_another_phone_at_the_same_address_is_refused(server: AdbServer, adbd: Adbd, tmp_path: Path) -> None:
    device = AdbDevice("phone", adbd.serial, server=server, hardware_serial="1A2B")
    with pytest.raises(DeviceError, match="phone: another device answers: its serial number is '', it was '1A2B'"):
        device.run(["true"], timeout_s=9)


def test_an_old_adb_is_refused(tmp_path: Path) -> None:
    old = tmp_path / "adb"
    old.write_text("#!/bin/sh\necho Android Debug Bridge version 1.0.41\necho Version 29.0.6-debian\n")
    old.chmod(0o755)
    with pytest.raises(DeviceInputError, match="version 29; at least 31 is needed"):
        find_program(old)
    with pytest.raises(DeviceInputError, match="not an adb that runs here"):
        find_program(tmp_path / "absent")
    assert find_program().name == "adb"


def test_an_old_server_that_runs_already_is_refused(adb: Adb, server: AdbServer) -> None:
    adb.run("start-server")
    if "sendrecv_v2_zstd" in adb.run("host-features").stdout:
        pytest.skip("this machine's adb is new")
    with pytest.raises(DeviceInputError, match=r"older than 31 .* type: adb kill-server"):
        AdbDevice("phone", "127.0.0.1:9", server=server).run(["true"], timeout_s=9)


def test_a_server_that_has_died_is_lost_and_nothing_else_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adb, ran = tmp_path / "adb", tmp_path / "ran"
    adb.write_text(f"#!/bin/sh\ntouch {ran}\n")
    adb.chmod(0o755)
    monkeypatch.setenv("ADBUTILS_ADB_PATH", str(adb))
    port = free_port()
    with pytest.raises(LostError, match=f"the adb server on port {port} does not answer"):
        AdbServer(port=port).connection()
    gc.collect()  # a lost socket is an error then
    assert not ran.exists()


# -- being cut off


def test_a_lost_exit_code_does_not_matter(server: AdbServer, new_adbd: Callable[..., Adbd]) -> None:
    device = AdbDevice("phone", new_adbd(Faults(lose_exit=True)).serial, server=server)
    assert device.run(["sh", "-c", "exit 7"], timeout_s=9).returncode == 7


def test_output_that_ends_early_is_no_success(server: AdbServer, adbd: Adbd) -> None:
    device = AdbDevice("phone", adbd.serial, server=server)
    device.run(["true"], timeout_s=9)
    adbd.faults.cut_output_bytes = 100
    with pytest.raises(LostError, match=r"phone: .* is lost"):
        device.run(["seq", "1000"], timeout_s=9)
    adbd.faults.cut_output_bytes = None
    assert device.run(["true"], timeout_s=9).returncode == 0


def test_a_phone_that_drops_in_mid_command(server: AdbServer, adbd: Adbd, device: Device) -> None:
    device.run(["true"], timeout_s=9)
    dropping = when((adbd.root / "data/local/tmp/pid").exists, adbd.drop)
    with pytest.raises(LostError, match="phone: "):
        device.run(["sh", "-c", "echo $$ > /data/local/tmp/it; mv /data/local/tmp/it $0; sleep 60", PID], timeout_s=90)
    dropping.join()
    device.run(["true"], timeout_s=9)
    script = "read p < $0 || exit 8; n=0; while kill -0 $p; do sleep 0.1; n=$((n+1)); [ $n -lt 99 ] || exit 9; done"
    assert device.run(["sh", "-c", script, PID], timeout_s=60).returncode == 0, "nobody collects it, and it runs on"


def test_an_upload_that_is_cut_leaves_nothing(adbd: Adbd, device: Device, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(os.urandom(32 << 20))
    with device.workdir() as folder:

        def arriving() -> bool:
            return any(p.stat().st_size > 1 << 20 for p in (adbd.root / folder[1:]).glob(".incoming-*/a"))

        cutting = when(arriving, adbd.drop)
        adbd.faults.latency_s = 0.02  # a packet holds 256 KiB at most, so that all of it takes seconds
        with pytest.raises(LostError):
            device.push(tmp_path / "big", f"{folder}/big")
        cutting.join()
        adbd.faults.latency_s = 0.0
        end = time.monotonic() + 10
        while device.run(["ls", "-A", folder], timeout_s=9).stdout != ".owner\n":
            assert time.monotonic() < end, "the partial file stays"
        device.push(tmp_path / "big", f"{folder}/big")


def test_a_path_below_a_file_says_so(device: Device, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x" * 1_000_000)
    with pytest.raises(TransferError, match=r"phone: .*x was not copied to /dev/full/x: .*Not a directory"):
        device.push(tmp_path / "x", "/dev/full/x")


def test_a_silent_phone_is_asked(server: AdbServer, adbd: Adbd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adb_module, "PROBE_AFTER_S", 0.5)
    monkeypatch.setattr(adb_module, "PROBE_S", 0.5)
    device = AdbDevice("phone", adbd.serial, server=server)
    assert device.run(["sleep", "2"], timeout_s=20).returncode == 0, "silence alone is no loss"
    muting = when((adbd.root / PID[1:]).exists, lambda: setattr(adbd.faults, "mute", True))
    with pytest.raises(LostError, match=r"phone: .* does not answer any more"):
        device.run(["sh", "-c", "echo $$ > $0; sleep 60", PID], timeout_s=90)
    muting.join()


def test_a_job_outlives_its_connections_and_is_collected_once(adbd: Adbd, device: Device) -> None:
    outlives_its_connections(device, adbd.drop)
