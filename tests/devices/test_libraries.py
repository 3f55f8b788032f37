"""What the inventory names for delegates: Pythons, and folders of a vendor's libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgenas.base.errors import DeviceInputError
from edgenas.devices.inventory import load_inventory
from edgenas.devices.inventory_file import set_field
from edgenas.devices.libraries import place_libraries
from edgenas.devices.transports.local import LocalDevice


def test_the_pythons_of_delegates_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "devices.toml"
    path.write_text('[devices.a]\nkind = "local"  # mine\n')
    set_field(path, "a", "pythons", {"openvino": "/opt/ov/bin/python"})
    set_field(path, "a", "pythons", {"openvino": "/opt/ov/bin/python", "cuda": "/opt/cuda/bin/python"})
    entry = load_inventory(path)["a"]
    assert entry.pythons == {"openvino": "/opt/ov/bin/python", "cuda": "/opt/cuda/bin/python"} and not entry.libraries
    assert "# mine" in path.read_text()
    with pytest.raises(DeviceInputError, match="pythons"):
        set_field(path, "a", "pythons", {"openvino": "a b"})


def test_a_folder_of_libraries_is_known_by_its_digest(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "libLiteRtDispatch_X.so").write_bytes(b"x")
    path = tmp_path / "devices.toml"
    path.write_text(f'[devices.a]\nkind = "local"\nlibraries = {{ qualcomm = "{tmp_path}/lib" }}\n')
    entry = load_inventory(path)["a"]
    with pytest.raises(DeviceInputError, match=r"not '' as given.*write libraries_sha256 = \{ qualcomm = ") as caught:
        place_libraries(LocalDevice(), "qualcomm", entry.libraries["qualcomm"])
    digest = str(caught.value).split('"')[1]
    path.write_text(path.read_text() + f'libraries_sha256 = {{ qualcomm = "{digest}" }}\n')
    entry = load_inventory(path)["a"]
    assert place_libraries(LocalDevice(), "qualcomm", entry.libraries["qualcomm"]) == f"{tmp_path}/lib"
    (tmp_path / "lib" / "libLiteRtDispatch_X.so").write_bytes(b"y")
    with pytest.raises(DeviceInputError, match="has sha256"):
        place_libraries(LocalDevice(), "qualcomm", entry.libraries["qualcomm"])
