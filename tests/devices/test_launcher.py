"""A launcher starts a tool with a vendor's libraries on its library path."""

from __future__ import annotations

from pathlib import Path

from edgenas.devices.launcher import place_launcher
from edgenas.devices.transports.fake import FakeDevice
from tests.support.tool_helpers import program


def test_a_tool_with_libraries(tmp_path: Path) -> None:
    device = FakeDevice("phone", tmp_path / "phone")
    tool = program(tmp_path / "the tool", 'echo "$LD_LIBRARY_PATH|$ADSP_LIBRARY_PATH"; printf "<%s>" "$@"; exit 7')
    libraries = f"{tmp_path}/vendor's"
    path = place_launcher(device, tool, libraries, ["--external_delegate_options=a:b;c:$d"])
    done = device.run([path, "--graph=x y"], timeout_s=60)
    paths, _, given = done.stdout.partition("\n")
    assert paths.startswith(f"{libraries}|{libraries};/system/lib/rfsa/adsp;")
    assert (given, done.returncode) == ("<--graph=x y><--external_delegate_options=a:b;c:$d>", 7)
    assert place_launcher(device, tool, libraries, ["--external_delegate_options=a:b;c:$d"]) == path
    assert place_launcher(device, tool, libraries, []) != path
