"""Libraries of a delegate for a phone's tool: what the inventory must name, and what the phone gets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceInputError, InputError
from edgenas.devices.inventory import parse_inventory
from edgenas.devices.libraries import folder_sha256
from edgenas.devices.transports.fake import FakeDevice
from edgenas.profiler.tool_libraries import check_libraries, launched
from tests.support.tool_helpers import program


def test_from_the_inventory_to_the_library_path(tmp_path: Path) -> None:
    vendor = tmp_path / "vendor"
    vendor.mkdir()
    (vendor / "libQnn.so").write_bytes(b"one")
    section = (
        f'[devices.pixel]\nkind = "adb"\nlibraries = {{ qnn = "{vendor}", qualcomm = "{vendor}" }}\n'
        f'libraries_sha256 = {{ qnn = "{folder_sha256(vendor)}", qualcomm = "{folder_sha256(vendor)}" }}\n'
        'external = { qnn = "libQnn.so" }\nexternal_options = { qnn = "backend_type:htp" }\n'
    )
    entry = parse_inventory(section, tmp_path / "devices.toml")["pixel"]
    device = FakeDevice("pixel", tmp_path / "phone")
    tool = program(tmp_path / "tool", 'printf "%s\\n" "$LD_LIBRARY_PATH" "$@"')
    for name, expected in (
        ("external:qnn", ["--external_delegate_path={}/libQnn.so", "--external_delegate_options=backend_type:htp"]),
        ("qualcomm", ["--dispatch_library_path={}", "--compiler_plugin_library_path={}"]),
    ):
        check_libraries(entry, "benchmark_model", name)
        path = launched(entry, "benchmark_model", name, device, tool)
        folder, *flags = device.run([path], timeout_s=60).stdout.split()
        assert flags == [flag.format(folder) for flag in expected]
        assert (Path(folder) / "libQnn.so").read_bytes() == b"one"
    assert launched(entry, "benchmark_model", "gpu", device, tool) == tool
    (vendor / "libQnn.so").write_bytes(b"two")
    with pytest.raises(DeviceInputError, match="as given; if these are the right libraries"):
        launched(entry, "benchmark_model", "external:qnn", device, tool)
    (vendor / "libQnn.so").unlink()
    with pytest.raises(InputError, match=r"has no libQnn\.so; correct external in devices"):
        check_libraries(entry, "benchmark_model", "external:qnn")


@pytest.mark.parametrize("name", ["external:qnn", "qualcomm", "mediatek"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    entry = parse_inventory('[devices.pixel]\nkind = "adb"\n', tmp_path / "devices.toml")["pixel"]
    with pytest.raises(InputError, match=rf"--delegate {name} needs the vendor's libraries: .*libraries = {{ \w+ = "):
        check_libraries(entry, "benchmark_model", name)
    for other in ("", "gpu", "nnapi:x", "hexagon"):
        check_libraries(replace(entry), "benchmark_model", other)


def test_the_file_of_an_external_delegate_stays_in_its_folder(tmp_path: Path) -> None:
    for bad in ("../libQnn.so", "a/b.so", "-x", "a b"):
        with pytest.raises(DeviceInputError, match="external"):
            parse_inventory(f'[devices.pixel]\nkind = "adb"\nexternal = {{ q = "{bad}" }}\n', tmp_path / "devices.toml")
