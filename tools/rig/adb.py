"""A separate adb server for tests.

    with Adb(tmp_path) as adb:
        adb.connect(phone.serial)
        adb.run("push", "model.tflite", "/data/local/tmp/", serial=phone.serial)

It has its own port, home and key, looks at no USB socket, and never meets the user's adb.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import TracebackType

from tools.rig import available
from tools.rig.process import RigError, wait_for
from tools.rig.sshd import free_port


class Adb:
    """Separate adb server, which starts with the first command and ends with ``close``.

    Args:
        home: where its key goes; made if absent.
        program: path of adb; the one on the path if None.

    ``environment`` is what any other client needs to reach the same server; ``port`` is its port.
    """

    def __init__(self, home: Path, program: str | None = None) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.program = program or available.program("adb")
        if self.program is None:
            raise RigError(available.adb() or "adb is not installed")
        self.home, self.port = home, free_port()
        self.environment = {
            **os.environ,
            "HOME": str(home),
            "ANDROID_USER_HOME": str(home / ".android"),
            "ANDROID_ADB_SERVER_PORT": str(self.port),
            "ADB_VENDOR_KEYS": "",
            "ADB_MDNS_AUTO_CONNECT": "0",
            "ADB_LOCAL_TRANSPORT_MAX_PORT": "5553",  # look for no emulators
            "ADB_USB": "0",  # and never at phones plugged into this machine
            "ADB_LIBUSB": "0",
        }

    def run(self, *argv: str, serial: str | None = None, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run one adb command; the caller checks its exit code."""
        select = ["-s", serial] if serial else []
        return subprocess.run(
            [str(self.program), *select, *argv],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    def state(self, serial: str) -> str:
        """Return 'device', 'unauthorized', 'offline', or '' where adb does not list the device."""
        for line in self.run("devices").stdout.splitlines()[1:]:
            name, _, state = line.partition("\t")
            if name == serial:
                return state.strip()
        return ""

    def connect(self, serial: str, state: str = "device", timeout_s: float = 20) -> None:
        """Connect to a TCP device with a new connection, and wait for a state.

        Raises:
            RigError: it is not in that state within ``timeout_s``.
        """
        self.run("disconnect", serial)  # adb itself would try a lost device again only after 10 s
        said = ""

        def there() -> bool:
            nonlocal said
            now = self.state(serial)
            if not now:
                said = self.run("connect", serial).stdout.strip()  # exit code 0 also on failure
            return now == state

        try:
            wait_for(there, f"{serial} is {state!r} for adb", timeout_s, every_s=0.1)
        except RigError as error:
            raise RigError(f"{error}; it is {self.state(serial)!r}, adb said: {said}") from None

    def close(self) -> None:
        self.run("kill-server")

    def __enter__(self) -> Adb:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
