"""Devices of trials, by transport: a fake, a real sshd, a real adb with an adbd in Python."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import uuid
from functools import cache
from pathlib import Path

from edgenas.devices.session.clock import BOOT_ID, CPU_ROOT
from edgenas.devices.transports.fake import FakeDevice, FakeLink
from tools.bench.faults.link import Cable
from tools.bench.faults.rig import RemoteRig, Rig
from tools.bench.faults.way import Way
from tools.rig import available, process
from tools.rig.adb import Adb
from tools.rig.adbd import ENTER, Adbd
from tools.rig.sshd import SshServer, session_processes


class FakeRig(RemoteRig):
    """Device behind ``FakeDevice``; its root is its folder, and its processes have the mark of the fake."""

    transport = "fake"

    def __init__(self, folder: Path, *, small_disk: bool = False) -> None:
        super().__init__(folder, small_disk=small_disk)
        self.base.rmdir()
        self.base = self.root / "files"
        self.base.mkdir()
        self.programs.mkdir()
        self.boot = self.root / "boot_id"
        self.mark = f"EDGENAS_FAKE={self.root}"

    def way(self, name: str = "") -> Way:
        return Way("fake", name or self.name, {"folder": str(self.root)})

    @property
    def link(self) -> FakeLink:
        device = self.open()
        assert isinstance(device, FakeDevice)
        return device.link

    def pull(self) -> None:
        self.link.faults.unplugged = True

    def plug(self) -> None:
        self.link.faults.unplugged = False

    def power_cut(self) -> None:
        super().power_cut()
        self.link.drop()

    def cut(self, after_bytes: int) -> None:
        self.link.faults.drop_after_bytes = after_bytes

    def slow(self, delay_s: float) -> None:
        self.link.faults.latency_s = delay_s

    def has_governors(self) -> bool:
        return True


@cache
def private_mounts() -> str | None:
    """Return the reason why this process cannot mount files over others for a child process; None where it can."""
    if os.geteuid() != 0:
        return "needs root: a boot id and governors are mounted over the real ones"
    done = subprocess.run(["unshare", "--mount", "sh", "-c", f"mount --bind /dev/null {BOOT_ID}"], capture_output=True)
    return None if done.returncode == 0 else "this kernel allows no private mounts"


class _Sshd(SshServer):
    """An sshd that sees its own boot id and governors, where private mounts are possible."""

    covers: tuple[tuple[Path, str], ...] = ()

    def argv(self) -> list[str]:
        if not self.covers:
            return super().argv()
        mounts = "".join(f"mount --bind '{path}' {target} && " for path, target in self.covers)
        return ["unshare", "--mount", "sh", "-c", f'{mounts}exec "$@"', "sh", *super().argv()]


class SshRig(RemoteRig):
    """A real sshd behind a ``Cable``."""

    transport = "ssh"

    def start(self) -> None:
        programs = f"{self.root}/bin:{os.environ.get('PATH', os.defpath)}"
        # a home of its own: what a person's .bashrc runs is not to be killed in the middle
        name, _, value = self.mark.partition("=")
        variables = {name: value, "PATH": programs, "HOME": str(self.root)}
        self._server = _Sshd(self.folder / "sshd", environment=variables)
        self.boot = self.root / "boot_id"
        self.boot.write_text(f"{uuid.uuid4()}\n")
        if not private_mounts():
            self._server.covers = ((self.boot, BOOT_ID), (self.cpu, CPU_ROOT))
        key = self._server.new_key()
        self._server.start()
        self.stack.callback(self._server.stop)
        self.cable = Cable(lambda: self._server.port)
        self.stack.callback(self.cable.close)
        known = self.folder / "known"
        known.write_text(self._server.known_hosts_line().replace(f":{self._server.port} ", f":{self.cable.port} "))
        self._where = {"known": known, "user": self._server.user, "port": self.cable.port, "key": key}

    def way(self, name: str = "") -> Way:
        return Way("ssh", name or self.name, {**self._where, "base": str(self.base)})

    def pull(self) -> None:
        self.cable.pull()

    def plug(self) -> None:
        self.cable.plug()

    def cut(self, after_bytes: int) -> None:
        self.cable.drop_after_bytes = after_bytes

    def slow(self, delay_s: float) -> None:
        self.cable.delay_s = delay_s

    def kill_server(self) -> None:
        """Kill sshd and its sessions with SIGKILL; the commands in them continue."""
        running = self._server._process
        assert running is not None
        process.kill([running.pid, *session_processes(running.pid)])
        running.wait()

    def start_server(self) -> None:
        """Start sshd again, as the init of a board does."""
        self._server.start()

    def power_cut(self) -> None:
        self.kill_server()
        super().power_cut()
        self.cable.cut()
        self.start_server()

    def has_governors(self) -> bool:
        return bool(self._server.covers)


class _Adbd(Adbd):
    """An adbd with its own boot id."""

    def argv(self, command: str) -> list[str]:
        argv = super().argv(command)
        cover = f'mount --bind "$root/boot_id" "$root{BOOT_ID}" || exit 126\nexec chroot'
        argv[argv.index(ENTER)] = ENTER.replace("exec chroot", cover)
        return argv


class AdbRig(RemoteRig):
    """A real adb and its server, with an adbd in Python; the device has its own file system."""

    transport = "adb"

    def __init__(self, folder: Path, *, small_disk: bool = False) -> None:
        super().__init__(folder, small_disk=small_disk)
        self.base.rmdir()
        self.base = self.root / "data" / "local" / "tmp" / self.name  # the name tells processes apart
        self.base.mkdir(parents=True)
        self.cpu = self.root / CPU_ROOT.lstrip("/")
        self.programs = self.root / "system" / "bin"

    def start(self) -> None:
        self.boot = self.root / "boot_id"
        self.boot.write_text(f"{uuid.uuid4()}\n")
        self._adbd = self.stack.enter_context(_Adbd(self.root))
        self._adb = self.stack.enter_context(Adb(self.folder / "adb"))

    @property
    def there(self) -> str:
        return ""

    def way(self, name: str = "") -> Way:
        where = {"port": self._adb.port, "environment": self._adb.environment, "serial": self._adbd.serial}
        return Way("adb", name or self.name, {**where, "base": f"/data/local/tmp/{self.name}"})

    def pull(self) -> None:
        self._adbd.faults.mute = True
        self._adbd.drop()

    def plug(self) -> None:
        self._adbd.faults.mute = False
        self._adbd.drop()

    def cut(self, after_bytes: int) -> None:
        self._adbd.faults.drop_after_bytes = after_bytes

    def slow(self, delay_s: float) -> None:
        self._adbd.faults.latency_s = delay_s

    def cut_output(self, after_bytes: int | None) -> None:
        """End the output of commands after ``after_bytes``, without an exit code, as if they were complete."""
        self._adbd.faults.cut_output_bytes = after_bytes

    def kill_server(self) -> None:
        """Kill the adb server of the trial with SIGKILL."""
        mark = f"ANDROID_ADB_SERVER_PORT={self._adb.port}".encode()
        for pid in process.parents():
            if process.name(pid) == "adb":
                with contextlib.suppress(OSError):
                    if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                        os.kill(pid, signal.SIGKILL)

    def start_server(self) -> None:
        """Do nothing: the next request starts the adb server."""

    def kill_all(self) -> None:
        if hasattr(self, "_adbd"):
            process.kill(self._adbd.processes())

    def has_governors(self) -> bool:
        return True


RIGS: dict[str, type[Rig]] = {"fake": FakeRig, "ssh": SshRig, "adb": AdbRig, "local": Rig}


def absent(transport: str) -> str | None:
    """Return the reason why this machine has no such device; None where it has one."""
    if transport == "adb":
        return available.adb()
    return available.sshd() if transport == "ssh" else None
