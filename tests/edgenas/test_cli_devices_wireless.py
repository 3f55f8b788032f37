"""``edgenas devices add --adb-pair``."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgenas.cli.devices.add import command
from edgenas.devices.transports.adb_server import NEW_FEATURE
from tests.support.scripted_adb import Scripted, block, scripted

__all__ = ["scripted"]


def test_a_paired_phone_is_added_under_the_serial_that_stays(
    scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = b"OKAY" + block("Successfully paired to 10.0.0.7:37099 [guid=adb-939AX05XBZ-vWgJpq]")
    server = scripted({"host:host-features": b"OKAY" + block(NEW_FEATURE), "host:pair:123456:10.0.0.7:37099": answer})
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(server.port))
    monkeypatch.chdir(tmp_path)
    argv = ["pixel", "--adb-pair", "10.0.0.7:37099"]
    done = CliRunner().invoke(command, argv, input="123456\n", catch_exceptions=False)
    assert done.exit_code == 0
    written = tomllib.loads((tmp_path / "devices.toml").read_text())
    serial = "adb-939AX05XBZ-vWgJpq._adb-tls-connect._tcp"
    assert written == {"devices": {"pixel": {"kind": "adb", "serial": serial}}}
