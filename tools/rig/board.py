"""An emulated Arm board: Debian bookworm arm64 with Python 3.11, a real sshd, users root and pi. Runs only in the lab.

    with Board() as board:                      # powered on, in about 0.3 s
        key = board.server.new_key()
        subprocess.run([*board.server.client(key, "pi"), "vcgencmd", "get_throttled"], check=True)
        board.set_throttled(0x50005)

sshd is this machine's, so cryptography and transfers run at full speed; whatever it executes is arm64 under qemu. Times
measured there are real executions and meaningless numbers. Programs can be pinned to this machine's cores only.
"""

from __future__ import annotations

import os
import shlex
import shutil
import socket
from collections.abc import Mapping

from tools.rig import available, board_files, process
from tools.rig.board_files import PERSONALITIES, Personality
from tools.rig.machine import Machine
from tools.rig.network import Cable
from tools.rig.process import RigError
from tools.rig.sshd import SshServer, session_processes

PI_UID = 1000


class Board(Machine):
    """A board that answers on ``ip`` port 22; ``server`` has keys, fingerprint and the known_hosts line.

    Args:
        name: host name.
        personality: a name in ``board_files.PERSONALITIES``, or one's own.
        cable: see ``tools.rig.network``; a plain one if None.
        runtimes: whether LiteRT and ONNX Runtime are on the Python path of its sessions (/opt/site).
        venv: whether ``python3 -m venv`` can make an environment with pip, as on Raspberry Pi OS.
        disk_mb: room for what is written, in MB of memory at most.
        environment: further variables of its sessions.
    """

    def __init__(
        self,
        name: str = "raspberrypi",
        *,
        personality: str | Personality = "pi4",
        cable: Cable | None = None,
        runtimes: bool = True,
        venv: bool = True,
        disk_mb: int = 512,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        if reason := available.board():
            raise RigError(reason)
        self.personality = PERSONALITIES[personality] if isinstance(personality, str) else personality
        layers = [*([available.RUNTIMES_LAYER] if runtimes else []), available.BOARD_IMAGE]
        proc = {
            "cpuinfo": self.personality.cpuinfo(),
            "meminfo": self.personality.meminfo(),
            "loadavg": board_files.LOAD_IDLE,
        }
        super().__init__(name, layers, cable=cable, disk_mb=disk_mb, proc=proc)
        self._furnish(venv)
        variables = {"QEMU_CPU": self.personality.qemu_cpu, "QEMU_UNAME": "6.6.31+rpt-rpi-v8"}
        if runtimes:
            variables["PYTHONPATH"] = "/opt/site"
        self.server = SshServer(
            self.folder / "sshd",
            host=self.ip,
            port=22,
            chroot=self.root,
            environment={**variables, **(environment or {})},
        )

    def _furnish(self, venv: bool) -> None:
        for path, text in self.personality.files().items():
            self.write(path, text)
        self.write("/usr/bin/vcgencmd", board_files.VCGENCMD, mode=0o755)
        self.write("/etc/hostname", f"{self.name}\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {self.name}\n")
        self.path("/tmp").chmod(0o1777)
        home = self.path("/home/pi")
        home.mkdir(parents=True, exist_ok=True)
        os.chown(home, PI_UID, PI_UID)
        if not venv:
            shutil.rmtree(self.path("/usr/lib/python3.11/ensurepip"))
            shutil.rmtree(self.path("/usr/share/python-wheels"))

    def before_service(self) -> str:
        # sshd is outside the chroot and looks users up in its own /etc: cover it with the board's, in these
        # namespaces only.
        covers = [f"mount --bind {shlex.quote(str(self.path(file)))} {file}" for file in ("/etc/passwd", "/etc/group")]
        return "\n".join([*covers, "mkdir -p /run/sshd"])

    def service(self) -> list[str]:
        return self.server.argv()

    def ready(self) -> bool:
        try:
            with socket.create_connection((self.ip, 22), timeout=0.5):
                return True
        except OSError:
            return False

    def log(self) -> str:
        path = self.server.folder / "sshd.log"
        return super().log() + (path.read_text(errors="replace") if path.exists() else "")

    def listener(self) -> int:
        """Return the process number, in the lab, of the sshd that accepts connections."""
        for pid in process.children(process.children(self._init.pid)[0]) if self._init else []:
            if process.name(pid) == "sshd":
                return pid
        raise RigError(f"no sshd runs on {self.name}")

    def kill_sessions(self) -> int:
        """Break every ssh connection; the commands in them continue. Return the number of killed processes."""
        pids = session_processes(self.listener())
        process.kill(pids)
        return len(pids)

    def kill_sshd(self) -> None:
        """Kill the listener and all connections with SIGKILL; the listener is started again, as by systemd."""
        listener = self.listener()
        process.kill([listener, *session_processes(listener)])

    def set_temperature_c(self, degrees_c: float) -> None:
        self.write(board_files.TEMPERATURE, f"{round(degrees_c * 1000)}\n")

    def set_throttled(self, bits: int) -> None:
        """Set the throttling bits. Bits 0–3: under-voltage, frequency capped, throttled, soft limit now; 16–19: since
        boot.
        """
        self.write(board_files.THROTTLED, f"{bits:#x}\n")

    def set_load(self, one_minute: float) -> None:
        self.write_proc("loadavg", f"{one_minute:.2f} 0.03 0.01 1/137 1843\n")
