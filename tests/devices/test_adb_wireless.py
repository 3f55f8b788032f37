"""Phones with wireless debugging: serials that are mDNS names, pairing, and connecting again.

No emulated phone can be paired here: a server of three lines stands in where the phone's answer counts, and the real
adb elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from edgenas.base.errors import DeviceInputError, LostError
from edgenas.devices.transports import adb as adb_module
from edgenas.devices.transports.adb import AdbDevice, only_serial
from edgenas.devices.transports.adb_server import NEW_FEATURE, AdbServer, find_program
from edgenas.devices.transports.remote import check_serial
from tests.support.scripted_adb import Scripted, block, scripted
from tools.rig.adb import Adb

__all__ = ["scripted"]

pytest_plugins = ["tools.rig.fixtures"]

WIRELESS = "adb-1a2b3c4d-QwErTy (2)._adb-tls-connect._tcp"


@pytest.mark.parametrize(
    "serial",
    [WIRELESS, "adb-1a2b3c4d-QwErTy._adb-tls-connect._tcp", "[fe80::1%wlan0]:5555", "adb-1A2B._adb._tcp."],
)
def test_serials_as_adb_prints_them(serial: str) -> None:
    assert check_serial(serial) == serial


def test_serials_of_published_traces(shared_data: Path) -> None:
    traces = shared_data / "traces/adb_devices/tests/integrations/android_sdk/AndroidSDK/devices"
    seen = 0
    for trace in traces.glob("*.out"):
        for line in trace.read_text().partition("List of devices attached\n")[2].splitlines():
            seen += bool(check_serial(line.split()[0]))
    assert seen >= 8


@pytest.mark.parametrize("serial", ["adb (2)", "a (2)x", "a (2)._adb._tcp;id", "[fe80::1%]:5", "[fe80::1%a b]:5"])
def test_serials_that_adb_never_prints(serial: str) -> None:
    with pytest.raises(DeviceInputError, match="not an adb serial"):
        check_serial(serial)


@pytest.fixture
def real(adb: Adb) -> AdbServer:
    return AdbServer(port=adb.port, environment=adb.environment)


@pytest.mark.parametrize("serial", [WIRELESS, "[fe80::1%lo]:5555"])
def test_a_lost_phone_is_connected_again_by_its_name(
    real: AdbServer, serial: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adb_module, "CONNECT_S", 0.5)
    with pytest.raises(LostError, match=r"does not answer \(adb: failed to .*\); is it on, and in reach"):
        AdbDevice("phone", serial, server=real).run(["true"], timeout_s=9)


def test_a_pairing_that_fails_shows_the_answer(tmp_path: Path) -> None:
    with Adb(tmp_path, program=str(find_program())) as adb:
        server = AdbServer(port=adb.port, environment=adb.environment)
        server.start()
        with pytest.raises(
            DeviceInputError, match=r"127.0.0.1:9 was not paired: adb answered: .*; give the address and"
        ):
            server.pair("127.0.0.1:9", "123456")


SUCCESS = block("Successfully paired to 10.0.0.7:37099 [guid=adb-939AX05XBZ-vWgJpq]")


@pytest.mark.parametrize("answer", [b"OKAY" + SUCCESS, b"OKAYOKAY" + SUCCESS], ids=["length", "OKAY"])
def test_a_paired_phone_has_a_serial_that_stays(scripted: Scripted, answer: bytes) -> None:
    server = scripted({"host:pair:123456:10.0.0.7:37099": answer})
    assert server.pair("10.0.0.7:37099", "123456") == "adb-939AX05XBZ-vWgJpq._adb-tls-connect._tcp"
    with pytest.raises(DeviceInputError, match="was not paired: adb answered: no;"):
        server.pair("10.0.0.7:37099", "654321")


def test_phones_that_mdns_sees_are_named(scripted: Scripted) -> None:
    lines = (
        "adb-1a2b3c4d-QwErTy\t_adb-tls-connect._tcp\t10.0.0.7:41111\nadb-1a2b3c4d-QwErTy\t_adb-tls-pairing._tcp.\tx:1\n"
    )
    features = {"host:host-features": b"OKAY" + block(NEW_FEATURE), "host:devices": b"OKAY" + block("")}
    server = scripted({**features, "host:mdns:services": b"OKAY" + block(lines)})
    says = r"adb sees no phone but on this network adb-1a2b3c4d-QwErTy\._adb-tls-connect\._tcp: write one as serial"
    with pytest.raises(DeviceInputError, match=says):
        only_serial(server)
    with pytest.raises(DeviceInputError, match="adb sees no phone; plug it in"):
        only_serial(scripted(features))
