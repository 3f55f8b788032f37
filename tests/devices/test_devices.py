"""What every Device promises (a suite that each one inherits), the inventory, and work folders."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError, DeviceInputError, OutputLimitError, TimeLimitError, TransferError
from edgenas.base.process import run
from edgenas.devices.base import Device
from edgenas.devices.inventory import find, load_inventory
from edgenas.devices.transports import scratch
from edgenas.devices.transports.local import LocalDevice
from tests.conftest import ROOT
from tests.support.waiting import alive, gone, when


class Conformance:
    """Inherit, and provide ``device``: the promises of ``edgenas.devices.base.Device``."""

    @pytest.fixture
    def device(self, tmp_path: Path) -> Device:
        raise NotImplementedError

    def test_run_tells_exit_code_and_both_streams(self, device: Device) -> None:
        result = device.run(["sh", "-c", "echo out; echo err >&2; exit 7"], timeout_s=20)
        assert (result.returncode, result.stdout, result.stderr) == (7, "out\n", "err\n")

    def test_run_passes_arguments_untouched(self, device: Device) -> None:
        arguments = ["a b", "$HOME", "'", '"', "*", "\\", "ü\nnew", "", "-n", ";true"]
        result = device.run(["printf", "<%s>", *arguments], timeout_s=20)
        assert result.stdout == "".join(f"<{a}>" for a in arguments)

    def test_run_gives_no_input(self, device: Device) -> None:
        assert device.run(["cat"], timeout_s=20).returncode == 0

    def test_a_command_that_is_not_there_answers_127(self, device: Device) -> None:
        result = device.run(["no-such-command-here"], timeout_s=20)
        assert result.returncode == 127
        assert "no-such-command-here" in result.stderr

    def test_run_reads_both_streams_however_much_they_hold(self, device: Device) -> None:
        script = "i=0; while [ $i -lt 3000 ]; do printf '%01000d' 0; printf '%01000d' 0 >&2; i=$((i+1)); done"
        result = device.run(["sh", "-c", script], timeout_s=60)
        assert (len(result.stdout), len(result.stderr)) == (3_000_000, 3_000_000)

    def test_pipes_break_in_silence_as_in_a_shell(self, device: Device) -> None:
        result = device.run(["sh", "-c", "yes | head -n 1"], timeout_s=20)
        assert (result.stdout, result.stderr) == ("y\n", "")

    def test_bytes_that_are_no_text_are_replaced(self, device: Device) -> None:
        assert device.run(["printf", "a\\377b"], timeout_s=20).stdout == "a�b"

    def test_a_command_past_its_time_is_stopped_with_all_it_started(self, device: Device) -> None:
        with pytest.raises(TimeLimitError) as caught:
            device.run(["sh", "-c", "sleep 60 & echo $!; echo $$; sleep 60"], timeout_s=1)
        assert device.name in str(caught.value)
        pids = caught.value.stdout.split()
        assert len(pids) == 2
        state = "cut -d')' -f2- /proc/$p/stat 2>/dev/null | cut -c2"
        script = f'for p in {" ".join(pids)}; do s=$({state}); [ -z "$s" ] || [ "$s" = Z ] || exit 1; done'
        end = time.monotonic() + 10
        while (ended := device.run(["sh", "-c", script], timeout_s=20).returncode) and time.monotonic() < end:
            time.sleep(0.05)
        assert ended == 0

    def test_push_and_pull_give_back_the_same_bytes(self, device: Device, tmp_path: Path) -> None:
        content = os.urandom(3 << 20)
        (tmp_path / "here").write_bytes(content)
        with device.workdir() as folder:
            device.push(tmp_path / "here", f"{folder}/there is it")
            device.pull(f"{folder}/there is it", tmp_path / "back")
            (tmp_path / "here").write_bytes(b"second")
            device.push(tmp_path / "here", f"{folder}/there is it")
            assert device.run(["cat", f"{folder}/there is it"], timeout_s=20).stdout == "second"
        assert (tmp_path / "back").read_bytes() == content

    def test_a_folder_arrives_whole_with_modes(self, device: Device, tmp_path: Path) -> None:
        source = tmp_path / "source"
        (source / "deep" / "er").mkdir(parents=True)
        (source / "deep" / "er" / "x").write_text("#!/bin/sh\necho ran\n")
        (source / "deep" / "er" / "x").chmod(0o755)
        (source / "empty").mkdir()
        with device.workdir() as folder:
            device.push(source, f"{folder}/it")
            assert device.run([f"{folder}/it/deep/er/x"], timeout_s=20).stdout == "ran\n"
            device.pull(f"{folder}/it", tmp_path / "back")
            with pytest.raises(TransferError, match="not copied"):
                device.push(source, f"{folder}/it")
        assert sorted(p.name for p in (tmp_path / "back").rglob("*")) == ["deep", "empty", "er", "x"]

    def test_a_transfer_that_fails_leaves_nothing(self, device: Device, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.mkdir()
        (source / "a").write_text("a")
        (source / "link").symlink_to("/etc/passwd")
        with device.workdir() as folder:
            with pytest.raises(TransferError, match="plain file"):
                device.push(source, f"{folder}/it")
            with pytest.raises(TransferError):
                device.push(tmp_path / "absent", f"{folder}/it")
            with pytest.raises(TransferError):
                device.pull(f"{folder}/absent", tmp_path / "back")
            assert device.run(["ls", folder], timeout_s=20).stdout == ""
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith((".incoming", "back"))] == []

    @pytest.mark.parametrize("path", ["relative", "/a/../b", "/nul\0"])
    def test_only_absolute_paths_are_taken(self, device: Device, tmp_path: Path, path: str) -> None:
        (tmp_path / "x").write_text("x")
        with pytest.raises(DeviceInputError, match="absolute"):
            device.push(tmp_path / "x", path)

    def test_a_work_folder_is_private_and_goes_away(self, device: Device) -> None:
        with device.workdir() as first, device.workdir() as second:
            assert first != second
            assert device.run(["stat", "-c", "%a", first], timeout_s=20).stdout == "700\n"
            device.run(["touch", f"{first}/left"], timeout_s=20)
        listed = device.run(["ls", "-d", first, second], timeout_s=20)
        assert listed.stdout == ""

    def test_a_work_folder_goes_away_after_an_error(self, device: Device) -> None:
        with pytest.raises(KeyboardInterrupt), device.workdir() as folder:
            raise KeyboardInterrupt
        assert device.run(["ls", "-d", folder], timeout_s=20).returncode != 0


class TestLocal(Conformance):
    @pytest.fixture
    def device(self, tmp_path: Path) -> Device:
        return LocalDevice(base=tmp_path)


def test_a_file_that_arrives_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").write_text("sent")
    monkeypatch.setattr("hashlib.file_digest", lambda file, name: hashlib.sha256(b"what a bad disk gives back"))
    with pytest.raises(TransferError, match="differs from what was sent"):
        LocalDevice().push(tmp_path / "here", str(tmp_path / "there"))
    assert [p.name for p in tmp_path.iterdir()] == ["here"]


def test_what_a_command_leaves_behind_does_not_outlive_it() -> None:
    begin = time.monotonic()
    result = run(["sh", "-c", "sleep 60 & echo $!"], timeout_s=30)
    assert time.monotonic() - begin < 20
    assert gone(int(result.stdout))


def test_a_command_that_closes_its_streams_is_still_timed() -> None:
    with pytest.raises(TimeLimitError):
        run(["sh", "-c", "exec >&- 2>&-; sleep 60"], timeout_s=0.5)


def test_too_much_output_stops_the_command() -> None:
    with pytest.raises(OutputLimitError, match="1,000,000 bytes"):
        run(["yes"], timeout_s=30, limit_bytes=1_000_000)


def test_a_command_dies_with_the_program_that_started_it(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = (
        f"from edgenas.base.process import run; run(['sh', '-c', 'echo $$ > {pid_file}; exec sleep 60'], timeout_s=60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) as parent:
        while not (pid_file.exists() and pid_file.read_text().endswith("\n")):
            time.sleep(0.01)
        pid = int(pid_file.read_text())
        assert alive(pid)
        parent.kill()
    assert gone(pid)


def test_a_signal_to_us_stops_the_command(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    signalling = when(pid_file.exists, lambda: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", f"echo $$ > {pid_file}.new; mv {pid_file}.new {pid_file}; exec sleep 60"], timeout_s=60)
    signalling.join()
    assert gone(int(pid_file.read_text()))


def test_a_work_folder_whose_owner_was_killed_is_removed_by_the_next(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from edgenas.devices.transports.scratch import work_folder\n"
        f"with work_folder(Path({str(tmp_path)!r})) as folder: print(folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        orphan = Path(owner.stdout.readline().strip())
        with scratch.work_folder(tmp_path):
            assert orphan.is_dir(), "its owner lives"
        owner.kill()
    assert orphan.is_dir()
    bystander = orphan.parent / "not-ours"
    bystander.mkdir()
    with scratch.work_folder(tmp_path) as folder:
        assert not orphan.exists()
        assert sorted(p.name for p in orphan.parent.iterdir()) == ["lock", "not-ours", Path(folder).name]


def test_a_temporary_folder_made_by_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"edgenas-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(DeviceError, match="not a private folder"), scratch.work_folder(tmp_path):
        pass


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_local_always_exists() -> None:
    entry = find(load_inventory(None), "local")
    assert (entry.kind, entry.python, entry.cores) == ("local", sys.executable, None)
    assert entry.open().name == "local"


def test_an_inventory_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path / "devices.toml",
        '[devices.bench-1]\nkind = "local"\npython = "/opt/x/bin/python3"\ncores = [3, 1]\n[devices.b]\nkind="local"\n',
    )
    entries = load_inventory(path)
    assert list(entries) == ["local", "bench-1", "b"]
    assert (entries["bench-1"].python, entries["bench-1"].cores) == ("/opt/x/bin/python3", (1, 3))
    assert entries["bench-1"].open().name == "bench-1"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[devices.a]\nkind = 'local'\ncolour = 1", "devices.a.colour: unknown field; known: kind, python, pythons"),
        ("[devices.a]\nkind = 'local'\ncores = '1'", "devices.a.cores: .*list.*'1'.*write CPU numbers in brackets"),
        ("[devices.a]\nkind = 'local'\ncores = [-1]", "devices.a.cores: .*write CPU numbers"),
        ("[devices.a]\nkind = 'local'\ncores = [true]", "devices.a.cores: .*write CPU numbers"),
        ("[devices.a]\nkind = 'local'\ncores = [1, 1]", "devices.a.cores: .*twice"),
        ("[devices.a]\nkind = 'toaster'", "devices.a.kind: no device kind 'toaster'; there are local, ssh, adb"),
        ("[devices.a]\ncores = [1]", "devices.a.kind: missing; write kind"),
        ("[devices.a]\nkind = 'local'\npython = '-c'", "devices.a.python: .*write python"),
        ("[devices.a]\nkind = 'local'\npython = 'python3; rm x'", "devices.a.python: .*write python"),
        ("[devices.a]\nkind = 'local'\npython = '/opt/../x'", "devices.a.python: .*not allowed"),
        ("[devices.a]\nkind = 'local'\npython = 'bin/python'", "devices.a.python: .*not allowed"),
        ("[devices.'a b']\nkind = 'local'", "device name 'a b' must be"),
        ("[devices.-a]\nkind = 'local'", "device name '-a' must be"),
        ("[devices]\na = 1", "devices.a: not a table; write"),
        ("devices = 1", "devices is not a table"),
        ("[device.a]\nkind = 'local'", "unknown 'device'; every section"),
        ("[devices.a", "not TOML"),
    ],
)
def test_an_inventory_with_a_fault_says_which(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DeviceInputError, match=says) as caught:
        load_inventory(write(tmp_path / "devices.toml", text))
    assert "\n" not in str(caught.value)


def test_devices_and_inventories_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(DeviceInputError, match="no device is called 'pi'; known: local"):
        find(load_inventory(None), "pi")
    with pytest.raises(DeviceInputError, match="No such file"):
        load_inventory(tmp_path / "devices.toml")
