"""A tool is carried to a device once, verified there every time, and replaced where it is not what it should be."""

from __future__ import annotations

import hashlib
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, DeviceInputError
from edgenas.devices.base import Device
from edgenas.devices.tools import Tool, place
from edgenas.devices.transports.fake import FakeDevice
from edgenas.devices.transports.local import LocalDevice


@pytest.fixture(params=["local", "remote"])
def device(request: pytest.FixtureRequest, tmp_path: Path) -> Device:
    if request.param == "local":
        (tmp_path / "base").mkdir()
        return LocalDevice(base=tmp_path / "base")
    return FakeDevice("phone", tmp_path / "phone")


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    path = tmp_path / "benchmark_model"
    path.write_bytes(b"#!/bin/sh\necho ran\n" + b"#" * 300_000)
    path.chmod(0o600)  # as downloaded: not executable
    return Tool(path, hashlib.sha256(path.read_bytes()).hexdigest())


def ran(device: Device, path: str) -> str:
    return device.run([path], timeout_s=30).stdout


def test_it_is_carried_once_and_stays(device: Device, tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[str] = []
    push = type(device).push

    def counted(self: Device, local: Path, remote: str) -> None:
        pushed.append(remote)
        push(self, local, remote)  # type: ignore[arg-type]

    monkeypatch.setattr(type(device), "push", counted)
    path = place(device, tool)
    assert path.endswith(f"/tools/{tool.sha256}")
    assert ran(device, path) == "ran\n"
    with device.workdir() as folder:
        assert path.startswith(folder.rpartition("/")[0])
    assert place(device, tool) == path
    assert ran(device, path) == "ran\n"
    assert pushed == [path]


@pytest.mark.parametrize(
    "harm",
    [
        'echo wrong >"$0"',
        'head -c 1000 "$0" >"$0.cut"; mv "$0.cut" "$0"',
        'rm "$0"; ln -s /bin/sh "$0"',
        'mv "$0" "$0.good"; ln -s "$0.good" "$0"',
        'rm "$0"; mkdir "$0"; echo x >"$0/file"',
        'rm -r "${0%/*}"',
        'chmod 000 "$0"',
    ],
)
def test_what_is_not_as_it_should_be_is_replaced(device: Device, tool: Tool, harm: str) -> None:
    path = place(device, tool)
    done = device.run(["sh", "-c", harm, path], timeout_s=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert place(device, tool) == path
    assert ran(device, path) == "ran\n"
    assert device.run(["sh", "-c", '[ -f "$0" ] && [ ! -L "$0" ]', path], timeout_s=30).returncode == 0


@pytest.mark.parametrize("given", ["0" * 64, "", "../../etc/passwd", "A" * 64])
def test_another_file_than_was_given_is_refused(device: Device, tool: Tool, given: str) -> None:
    with pytest.raises(DeviceInputError, match=f"has sha256 {tool.sha256}, not {re.escape(repr(given))} as given"):
        place(device, Tool(tool.path, given))


def test_a_file_that_is_not_there(device: Device, tool: Tool, tmp_path: Path) -> None:
    with pytest.raises(DeviceInputError, match="absent: No such file or directory; name the program"):
        place(device, Tool(tmp_path / "absent", tool.sha256))
    with pytest.raises(DeviceInputError, match="Is a directory"):
        place(device, Tool(tmp_path, tool.sha256))


def test_a_device_that_does_not_keep_what_it_is_given(tool: Tool, tmp_path: Path) -> None:
    class Forgetful:
        """Its disk takes files and loses them."""

        name = "pixel"

        def __init__(self) -> None:
            self._device = LocalDevice("pixel", tmp_path)
            self.run, self.workdir, self.pull = self._device.run, self._device.workdir, self._device.pull

        def push(self, local: Path, remote: str) -> None:
            Path(remote).write_bytes(b"half")

    with pytest.raises(DeviceError, match=r"pixel: .* is not whole there"):
        place(Forgetful(), tool)


def test_a_device_without_sha256sum(tool: Tool, tmp_path: Path) -> None:
    class Bare:
        name = "bare"

        def __init__(self) -> None:
            self._device = LocalDevice("bare", tmp_path)
            self.push, self.workdir, self.pull = self._device.push, self._device.workdir, self._device.pull

        def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
            return self._device.run(["env", "PATH=/nowhere", "/bin/sh", *argv[1:]], timeout_s=timeout_s)

    with pytest.raises(DeviceError, match=r"bare: cannot look at .*mkdir.*not found"):
        place(Bare(), tool)
