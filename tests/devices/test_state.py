"""The clock is held and put back: on a copied /sys, with processes that are killed and connections that break."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceError
from edgenas.devices.session import clock
from edgenas.devices.session.clock import HELPER, restore, state_folder, steady
from edgenas.devices.transports.local import LocalDevice
from tests.support.listeners import Recorder


class Board:
    """This machine with a /sys of its own and programs of its own."""

    def __init__(self, folder: Path, governors: Sequence[str] = ("ondemand", "ondemand", "schedutil")) -> None:
        self.name = "board"
        self.root, self.boot, self.bin = folder / "cpu", folder / "boot_id", folder / "bin"
        self.lost = False
        self._device = LocalDevice("board", folder / "work")
        self.bin.mkdir()
        (folder / "work").mkdir()
        self.boot.write_text("11111111-2222\n")
        for number, governor in enumerate(governors):
            (self.root / f"cpu{number}" / "cpufreq").mkdir(parents=True)
            (self.root / f"cpu{number}" / "cpufreq" / "scaling_governor").write_text(f"{governor}\n")
        self.program("sudo", "exit 1")

    def program(self, name: str, text: str) -> None:
        (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.bin / name).chmod(0o755)

    def governors(self) -> list[str]:
        return [p.read_text().strip() for p in sorted(self.root.glob("cpu*/cpufreq/scaling_governor"))]

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        if self.lost:
            raise DeviceError("board does not answer")
        return self._device.run(["env", f"PATH={self.bin}:{os.environ['PATH']}", *argv], timeout_s=timeout_s)

    def __getattr__(self, name: str):  # the rest as this machine does it
        return getattr(self._device, name)

    def steady(self, limit_s: int = 60, **more):
        return steady(self, limit_s=limit_s, cpu_root=str(self.root), boot_id=str(self.boot), **more)


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(tmp_path)


def test_set_and_put_back(board: Board) -> None:
    with board.steady() as held:
        assert board.governors() == ["performance"] * 3
        assert (held.mode, held.why) == ("performance", "")
        assert held.before == {"cpu0": "ondemand", "cpu1": "ondemand", "cpu2": "schedutil"}
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]
    assert not Path(state_folder(board), "restore").exists()
    assert restore(board) is False


def test_put_back_when_the_block_fails(board: Board) -> None:
    with pytest.raises(ZeroDivisionError), board.steady():
        raise ZeroDivisionError
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_nothing_to_do(tmp_path: Path) -> None:
    board = Board(tmp_path, ("performance", "performance"))
    with board.steady() as held:
        assert held.mode == "performance"
        assert not Path(state_folder(board), "restore").exists()
    bare = tmp_path / "bare"
    bare.mkdir()
    with Board(bare, ()).steady() as held:
        assert (held.mode, held.why) == ("", "its kernel offers no governors")


def test_a_lost_device_is_told_and_put_back_at_the_next_connection(board: Board) -> None:
    recorder = Recorder()
    with board.steady(listener=recorder):
        board.lost = True
    assert "puts its clock back by itself within 60 s" in recorder.messages[0]
    board.lost = False
    assert board.governors() == ["performance"] * 3
    assert restore(board) is True
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


@pytest.mark.slow
def test_the_watchman_puts_back_when_nobody_comes(board: Board) -> None:
    with board.steady(limit_s=2):
        board.lost = True
    deadline = time.monotonic() + 60
    while board.governors() != ["ondemand", "ondemand", "schedutil"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_a_second_run_after_a_crash_saves_the_first_values(board: Board) -> None:
    """A killed profiler leaves 'performance' behind: the next one must not take that for what was there."""
    with board.steady():
        board.lost = True
    board.lost = False
    with board.steady() as held:
        assert held.before["cpu2"] == "schedutil"
        assert board.governors() == ["performance"] * 3
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_kill_9(tmp_path: Path, board: Board) -> None:
    code = (
        "import time\nfrom pathlib import Path\n"
        "from edgenas.devices.transports.local import LocalDevice\nfrom edgenas.devices.session.clock import steady\n"
        f"d = LocalDevice('board', Path({str(tmp_path / 'work')!r}))\n"
        f"with steady(d, limit_s=600, cpu_root={str(board.root)!r}, boot_id={str(board.boot)!r}):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    assert board.governors() == ["performance"] * 3
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert restore(board) is True
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_a_reboot_puts_back_by_itself(board: Board) -> None:
    with board.steady():
        board.lost = True
    board.lost = False
    board.boot.write_text("99999999-0000\n")
    (board.root / "cpu0/cpufreq/scaling_governor").write_text("powersave\n")
    assert restore(board) is True
    assert board.governors()[0] == "powersave"  # not what an earlier boot had


class UserBoard(Board):
    """The same, asked by a user who may not write to /sys."""

    def run(self, argv: Sequence[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
        drop = ["setpriv", "--reuid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        return super().run([*drop, *argv], timeout_s=timeout_s)

    @contextmanager
    def workdir(self) -> Iterator[str]:
        yield str(self.root.parent / "home" / "work-00000000")


@pytest.fixture
def user_board() -> Iterator[UserBoard]:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("setpriv is needed to stop being root")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # pytest's own is closed to other users
        Path(folder).chmod(0o755)
        board = UserBoard(Path(folder))
        for path in [board.root, *board.root.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o444)
            if os.geteuid() == 0:
                os.chown(path, 65534, 65534)
        (Path(folder) / "home").mkdir()
        (Path(folder) / "home").chmod(0o777)
        yield board


def test_without_permission(user_board: UserBoard) -> None:
    with user_board.steady() as held:
        assert held.mode == ""
        assert "needs root" in held.why
    assert user_board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_through_sudo(user_board: UserBoard) -> None:
    """sudo lets the user run one program and nothing else; here it is played by one that replaces the files."""
    user_board.program(
        "sudo",
        f"""[ "$1" = -n ] || exit 1; shift
[ "$1" = -l ] && {{ [ "$2" = {clock.HELPER_PATH} ]; exit; }}
[ "$1" = {clock.HELPER_PATH} ] || exit 1; shift
while [ $# -gt 0 ]; do
    f={user_board.root}/$1/cpufreq/scaling_governor; rm -f $f; echo $2 >$f; chmod 444 $f; shift 2
done""",
    )
    with user_board.steady() as held:
        assert (held.mode, held.why) == ("performance", "")
        assert user_board.governors() == ["performance"] * 3
    assert user_board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_a_kernel_that_refuses(board: Board) -> None:
    target = board.root / "cpu1/cpufreq/scaling_governor"
    target.unlink()
    target.symlink_to("/dev/null")  # takes everything, keeps nothing
    with board.steady() as held:
        assert held.mode == "performance"  # cpu1 says nothing and is left alone
    target.unlink()
    target.write_text("ondemand\n")


def phone(board: Board, sdk: int) -> Path:
    log = board.root.parent / "fixed"
    board.program("getprop", f"echo {sdk}")
    board.program("cmd", f'echo "$3" >>{log}')
    return log


def test_phones(board: Board) -> None:
    log = phone(board, 34)
    with board.steady() as held:
        assert held.mode == "fixed-performance"
        assert log.read_text() == "true\n"
    assert log.read_text() == "true\nfalse\n"
    assert board.governors() == ["ondemand", "ondemand", "schedutil"]


def test_phones_that_cannot(board: Board) -> None:
    log = phone(board, 29)
    with board.steady() as held:
        assert held.why == "Android before 11 has no fixed performance mode"
    assert not log.exists()
    phone(board, 33)
    board.program("cmd", "echo 'No shell command implementation.'; exit 255")
    with board.steady() as held:
        assert (held.mode, held.why) == ("", "No shell command implementation.")
    assert restore(board) is False


@pytest.mark.parametrize(
    "arguments",
    [[], ["cpu0"], ["cpu0", ""], ["cpu0", "a b"], ["cpu0", "$(id)"], ["../cpu0", "x"], ["cpu0/..", "x"], ["cpux", "x"]],
)
def test_the_helper_does_nothing_else(tmp_path: Path, arguments: list[str]) -> None:
    helper = tmp_path / "helper"
    helper.write_text(HELPER.replace("@ROOT@", str(tmp_path)))
    assert subprocess.run(["sh", str(helper), *arguments], check=False).returncode == 2
    assert [p.name for p in tmp_path.iterdir()] == ["helper"]


def test_a_folder_that_no_script_can_name(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "state_folder", lambda device: "/tmp/it's")
    with pytest.raises(DeviceError, match="not a folder"), board.steady():
        pass


def test_what_installs_the_helper_is_a_script_for_one_user_and_one_program(tmp_path: Path) -> None:
    script = clock.helper_installer("pi")
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    local = script.replace("/usr/local/sbin", str(tmp_path)).replace("/etc/sudoers.d", str(tmp_path))
    subprocess.run(["sh"], input=local.replace("chown root:root", "true"), text=True, check=True)
    helper = tmp_path / "edgenas-governor"
    assert helper.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "edgenas").read_text() == f"pi ALL=(root) NOPASSWD: {helper}\n"
    assert (tmp_path / "edgenas").stat().st_mode & 0o777 == 0o440
    assert subprocess.run([helper, "../evil", "performance"], check=False).returncode == 2
    for user in ("", "-x", "pi ALL", "pi\n", "a/b"):
        with pytest.raises(ValueError, match="not a user's name"):
            clock.helper_installer(user)
