"""Common parts of boards and phones: own root file system, namespaces, switching on and off, and a network cable.

The file system is an overlay: the image below, and above it a disk in memory of a given size that survives a power cut
and ends with the machine. Programs are arm64 and run under qemu; the kernel is this machine's. Files of /proc that
would give the host away are laid over. All of it lies in the lab's own folder, so nothing is left on the host.
"""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tools.rig import process
from tools.rig.network import Cable, Veth
from tools.rig.process import RigError, run, wait_for

#: made by lab.sh, owned by root all the way up, as a chroot of sshd must be
LAB = Path("/run/edgenas-lab")
BOOT_ID = "sys/kernel/random/boot_id"


class Machine:
    """Base class of boards and phones. Subclasses define the program that runs (``service``) and the check that it is
    up (``ready``), and fill the file system.

    Args:
        name: for messages, and the host name unless a subclass sets ``host_name``.
        layers: image folders, uppermost first.
        cable: what the machine hangs on; a plain one if None.
        disk_mb: room for what is written, in MB of memory at most.
        proc: files of /proc and their text, e.g. ``{"cpuinfo": ...}``.
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[Path],
        *,
        cable: Cable | None = None,
        disk_mb: int = 512,
        proc: Mapping[str, str] | None = None,
    ) -> None:
        self.name = self.host_name = name
        self.cable = cable or Veth()
        self.ip = self.cable.far_ip
        self.folder = LAB / self.cable.namespace
        self.root = self.folder / "root"
        self._disk = self.folder / "disk"
        self._init: subprocess.Popen[bytes] | None = None
        for path in (self.root, self._disk, self.folder / "proc"):
            path.mkdir(parents=True)
        run("mount", "-t", "tmpfs", "-o", f"size={disk_mb}m,mode=755", "tmpfs", self._disk)
        (self._disk / "upper").mkdir()
        (self._disk / "work").mkdir()
        lower = ":".join(map(str, layers))
        options = f"lowerdir={lower},upperdir={self._disk}/upper,workdir={self._disk}/work"
        run("mount", "-t", "overlay", "-o", options, "overlay", self.root)
        self._proc: list[str] = []
        for file, text in (proc or {}).items():
            self.write_proc(file, text)
        for folder in ("proc", "sys", "dev", "run"):
            (self.root / folder).mkdir(exist_ok=True)

    # -- power

    def service(self) -> list[str]:
        """Return the command line of the machine's main program, which is started again 0.2 s after it ends."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Return whether the machine answers from outside."""
        raise NotImplementedError

    def log(self) -> str:
        """Return the output since the machine was switched on."""
        path = self.folder / "console.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def power_on(self, timeout_s: float = 30) -> Self:
        """Switch the machine on with a new boot id, and wait until it answers.

        Raises:
            RigError: it ended, or did not answer in time; the message holds its log.
        """
        if self._init is not None:
            raise RigError(f"{self.name} is on already")
        self.write_proc(BOOT_ID, f"{uuid.uuid4()}\n")
        namespaces = ["unshare", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL"]
        with (self.folder / "console.log").open("wb") as console:
            self._init = subprocess.Popen(
                ["ip", "netns", "exec", self.cable.namespace, *namespaces, "sh", "-c", self._boot()],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
            )
        try:
            wait_for(self._up, f"{self.name} answers", timeout_s)
        except RigError as error:
            raise RigError(f"{error}: {self.log()[-2000:]}") from None
        return self

    def _up(self) -> bool:
        if self._init is None or self._init.poll() is not None:
            raise RigError(f"{self.name} ended while starting")
        return self.ready()

    def _boot(self) -> str:
        """Return the script of the machine's process 1, which stays: it reaps orphans, and starts the service again."""
        root, proc = shlex.quote(str(self.root)), shlex.quote(str(self.folder / "proc"))
        covers = "\n".join(f"mount --bind {proc}/{file.replace('/', '_')} {root}/proc/{file}" for file in self._proc)
        return f"""set -e
mount --make-rprivate /
hostname {shlex.quote(self.host_name)}
mount -t proc proc {root}/proc
{covers}
mount -t tmpfs -o mode=755 tmpfs {root}/dev
cd {root}/dev
for node in null zero full random urandom tty; do touch $node; mount --bind /dev/$node $node; done
mkdir pts shm
mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts pts
mount -t tmpfs -o mode=1777 tmpfs shm
ln -s pts/ptmx ptmx
ln -s /proc/self/fd fd
ln -s fd/0 stdin
ln -s fd/1 stdout
ln -s fd/2 stderr
cd /
{self.before_service()}
set +e
while :; do {shlex.join(self.service())}; sleep 0.2; done"""

    def before_service(self) -> str:
        """Return lines of shell that run in the machine's namespaces, outside its root."""
        return ""

    def power_off(self) -> None:
        """Kill every process of the machine at once. Do nothing where it is off."""
        if self._init is not None:
            # Killing process 1 makes the kernel kill its whole namespace; unshare itself is only its parent.
            process.kill(process.children(self._init.pid))
            self._init.wait()
            self._init = None

    def power_cut(self) -> None:
        """Switch the machine off and on again: all processes are lost, the disk stays, the boot id is new."""
        self.power_off()
        self.power_on()

    # -- cable

    def unplug(self) -> None:
        self.cable.unplug()

    def plug(self) -> None:
        self.cable.plug()

    # -- files, as somebody at the machine itself would see and change them

    def path(self, path: str) -> Path:
        """Return the path of a file of the machine for this process."""
        return self.root / path.lstrip("/")

    def write(self, path: str, text: str, mode: int = 0o644, owner: int = 0) -> None:
        target = self.path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)
        os.chown(target, owner, owner)

    def read(self, path: str) -> str:
        return self.path(path).read_text()

    def write_proc(self, file: str, text: str) -> None:
        """Write the text of /proc/``file``. It may change while the machine runs where it was given at the start."""
        if file not in self._proc:
            self._proc.append(file)
        (self.folder / "proc" / file.replace("/", "_")).write_text(text)

    def boot_id(self) -> str:
        return (self.folder / "proc" / BOOT_ID.replace("/", "_")).read_text().strip()

    def fill_disk(self, leave_bytes: int = 0) -> None:
        """Fill the disk except for ``leave_bytes``, until ``empty_disk``."""
        self.empty_disk()
        room = os.statvfs(self._disk)
        size = room.f_bavail * room.f_frsize - leave_bytes
        if size > 0:
            with (self._disk / "ballast").open("wb") as ballast:
                os.posix_fallocate(ballast.fileno(), 0, size)

    def empty_disk(self) -> None:
        (self._disk / "ballast").unlink(missing_ok=True)

    # -- processes

    def processes(self) -> dict[int, str]:
        """Return process number in the lab → command line, for every process of the machine."""
        if self._init is None:
            return {}
        below = process.descendants(self._init.pid)[1:]  # the first is process 1
        return {pid: line for pid in below if (line := process.command_line(pid))}

    def kill(self, text: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to every process whose command line contains ``text``; return their number."""
        pids = [pid for pid, line in self.processes().items() if text in line]
        process.kill(pids, number)
        return len(pids)

    def close(self) -> None:
        """Remove the machine and its cable."""
        self.power_off()
        run("umount", "--lazy", self.root)
        run("umount", "--lazy", self._disk)
        shutil.rmtree(self.folder)
        self.cable.close()

    def __enter__(self) -> Self:
        return self.power_on()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
