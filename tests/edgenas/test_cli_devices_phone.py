"""``edgenas devices`` with a phone: the adbd in Python, with what a Pixel 6 says of itself."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenas.devices.session.lock import locked
from edgenas.devices.transports.adb import AdbDevice
from edgenas.devices.transports.adb_server import AdbServer
from tests.edgenas.test_cli_devices import Edgenas, checked, edgenas
from tools.rig.adb import Adb
from tools.rig.adbd import Adbd
from tools.rig.phone_files import PIXEL6_PROPERTIES, battery, thermal

__all__ = ["edgenas"]

pytestmark = pytest.mark.slow  # real servers and processes

pytest_plugins = ["tools.rig.fixtures"]

_SH = "#!/usr/bin/sh\n"


def program(phone: Adbd, name: str, script: str) -> None:
    path = phone.root / "system/bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_SH + script)
    path.chmod(0o755)


@pytest.fixture
def phone(new_adbd: Callable[..., Adbd], adb: Adb, monkeypatch: pytest.MonkeyPatch) -> Adbd:
    """A phone, and the environment in which the command meets the test's own adb server."""
    for name, value in adb.environment.items():
        if os.environ.get(name) != value and name != "HOME":
            monkeypatch.setenv(name, value)
    made = new_adbd()
    said = "".join(f"[{key}]: [{value}]\n" for key, value in PIXEL6_PROPERTIES.items())
    program(made, "getprop", f"[ -n \"$1\" ] && echo RIG0001 || cat <<'END'\n{said}END\n")
    set_state(made, battery(87, 31.5), thermal(0, 30.0, 41.0))
    return made


def set_state(phone: Adbd, charge: str, heat: str) -> None:
    program(phone, "dumpsys", f"if [ $1 = battery ]; then cat <<'END'\n{charge}END\nelse cat <<'END'\n{heat}END\nfi\n")


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    path = tmp_path / "benchmark_model"
    path.write_bytes(b"#!/bin/sh\necho I time\n")
    return path


def test_a_phone_from_add_to_check(edgenas: Edgenas, phone: Adbd, adb: Adb, tool: Path) -> None:
    edgenas("add", "pixel", "--adb", phone.serial, "--benchmark-model", tool)
    listed = json.loads(edgenas("list", "--json").stdout)[1]
    assert (listed["model"], listed["os"]) == ("Google Pixel 6", "Android 14")
    assert (listed["battery_percent"], listed["thermal_status"], listed["temperature_c"]) == (87.0, 0, 41.0)
    found = checked(edgenas, "pixel")
    assert found["battery"] == ("ok", "87 %; ")
    assert found["thermal status"] == ("ok", "none; ")
    assert found["lock"] == ("ok", "free; ")
    assert found["benchmark_model"][0] == "ok"
    assert found["identity"][0] == "mark" and 'hardware_serial = "RIG0001"' in found["identity"][1]
    assert "python" not in found and "host key" not in found

    set_state(phone, battery(12, 31.5), thermal(3, 30.0, 41.0))
    tool.write_bytes(b"another")
    device = AdbDevice("other", phone.serial, server=AdbServer(port=adb.port, environment=adb.environment))
    with locked(device):
        found = checked(edgenas, "pixel")
        assert (found["battery"][0], found["thermal status"][0]) == ("refuse", "wait")
        assert found["lock"][0] == "wait" and "edgenas devices unlock pixel" in found["lock"][1]
        assert found["benchmark_model"][0] == "refuse"
        assert hashlib.sha256(b"another").hexdigest() in found["benchmark_model"][1]
        freed = edgenas("unlock", "pixel").stdout
        assert f"process {os.getpid()} of this computer, which still runs" in freed
        assert "there was none" in edgenas("unlock", "pixel").stdout


def test_tools_are_placed_once_and_verified(edgenas: Edgenas, phone: Adbd, tool: Path) -> None:
    edgenas("add", "pixel", "--adb", phone.serial, "--benchmark-model", tool, "--hardware-serial", "RIG0001")
    placed = json.loads(edgenas("prepare", "pixel", "--json").stdout)["tools"]["benchmark_model"]
    assert (phone.root / placed.lstrip("/")).read_bytes() == tool.read_bytes()
    assert edgenas("exec", "pixel", "--", placed).stdout == "I time\n"
    facts = json.loads(edgenas("facts", "pixel", "--json").stdout)
    assert (facts["hardware_serial"], facts["address"]) == ("RIG0001", phone.serial)
    assert checked(edgenas, "pixel")["identity"][0] == "ok"
    tool.write_bytes(b"another")
    assert "sha256" in edgenas("prepare", "pixel", check=2).stderr
    assert "is a phone" in edgenas("prepare", "pixel", "--runtime", "litert", check=2).stderr


def test_another_phone_at_the_address_is_not_touched(edgenas: Edgenas, phone: Adbd) -> None:
    edgenas("add", "pixel", "--adb", phone.serial, "--hardware-serial", "1A2B")
    assert "another device answers" in edgenas("exec", "pixel", "--", "true", check=1).stderr
    found = checked(edgenas, "pixel")
    assert list(found) == ["reachable"] and found["reachable"][0] == "refuse"


def test_no_phone_and_no_tool(edgenas: Edgenas, phone: Adbd) -> None:
    edgenas("add", "any", "--adb")
    assert "adb sees no phone; plug it in" in checked(edgenas, "any")["reachable"][1]
    edgenas("add", "pixel", "--adb", phone.serial)
    assert "no tool is named for pixel" in edgenas("prepare", "pixel", check=2).stderr
    assert checked(edgenas, "pixel")["benchmark_model"][0] == "refuse"
    assert checked(edgenas, "any")["reachable"] == ("ok", "the only phone that adb sees; ")
