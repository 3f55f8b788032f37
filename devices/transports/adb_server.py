"""The adb server on this machine: started with an adb that is new enough, and used through its own protocol.

An adb before 31 ends a command without an error when the phone is disconnected, and never notices a lost Wi-Fi. It is
refused, also when it runs already. Source of the requests: Android's packages/modules/adb, SERVICES.TXT.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import DeviceError, DeviceInputError, LostError
from edgenas.base.text import printable
from edgenas.devices.transports.link import STALL_S

if TYPE_CHECKING:
    from adbutils import AdbConnection

PORT = 5037
OLDEST = 31
NEW_FEATURE = "sendrecv_v2_zstd"  #: feature of servers from version 31 on
SERVICE = "._adb-tls-connect._tcp"  #: mDNS type of phones with wireless debugging, the end of their serials
_START_S = 30
_PAIR_S = 30.0
_LAUNCHES = 3


class AdbRefusedError(DeviceError):
    """Error where the server answered FAIL; the message is the server's."""


@dataclass(frozen=True, slots=True)
class AdbServer:
    """The adb server on ``port`` of this machine. ``program`` is the adb that starts it, None for the adb of adbutils;
    ``environment`` is the program's environment, None for that of this process."""

    port: int = PORT
    program: Path | None = None
    environment: Mapping[str, str] | None = None

    def start(self) -> None:
        """Start the server unless it runs; DeviceInputError where it is too old or cannot be started."""
        try:
            self._touch(1)
        except OSError:
            self._launch()
        if NEW_FEATURE not in self.ask("host:host-features").split(","):
            raise DeviceInputError(
                f"the adb server that runs on port {self.port} is older than {OLDEST} and loses devices in silence; "
                "type: adb kill-server; edgenas then starts the one it brings"
            )

    def _touch(self, timeout_s: float) -> None:
        """Open and close a connection; OSError where no server listens."""
        socket.create_connection(("127.0.0.1", self.port), timeout=timeout_s).close()

    def _launch(self) -> None:
        program = find_program(self.program)
        environment = dict(self.environment) if self.environment is not None else {**os.environ}
        environment.setdefault("ADB_MDNS_AUTO_CONNECT", "0")
        output = ""
        for _ in range(_LAUNCHES):  # on a busy machine adb may misread the first output of its own server
            done = subprocess.run(
                [str(program), "-P", str(self.port), "start-server"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                timeout=_START_S,
            )
            if done.returncode == 0:
                return
            output = done.stderr.strip()[-300:]
        raise DeviceInputError(f"{program} did not start its server: {output}")

    def connection(self, timeout_s: float = STALL_S) -> AdbConnection:
        """Open a connection to the server. Raises LostError."""
        from adbutils import AdbClient, AdbError

        try:
            # where no server listens, adbutils would start another adb, on the default port, and leak a socket
            self._touch(timeout_s)
            return AdbClient("127.0.0.1", self.port).make_connection(timeout_s)
        except (AdbError, OSError) as error:
            raise LostError(f"the adb server on port {self.port} does not answer") from error

    def ask(self, request: str, timeout_s: float = STALL_S) -> str:
        """Send a request that has an answer, and return the answer. Raises LostError, AdbRefusedError."""
        from adbutils import AdbError

        connection = self.connection(timeout_s)
        try:
            send_request(connection, request)
            return str(connection.read_string_block())
        except (AdbError, OSError, ValueError) as error:
            raise LostError(f"the adb server on port {self.port} does not answer to {request.split(':')[1]}") from error
        finally:
            connection.close()

    def pair(self, address: str, code: str) -> str:
        """Pair with a phone that shows 'Pair device with pairing code' and return its serial, which stays the same when
        its port changes. Raises DeviceInputError, LostError.
        """
        from adbutils import AdbError

        connection = self.connection(_PAIR_S)
        try:
            send_request(connection, f"host:pair:{code}:{address}")
            first = connection.read_exact(4)  # FAIL, OKAY, or the length of the answer
            size = connection.read_exact(4) if first in (b"FAIL", b"OKAY") else first
            answer = connection.read_exact(int(size, 16)).decode("utf-8", "replace")
        except AdbRefusedError as error:
            answer = str(error)
        except (AdbError, EOFError, OSError, ValueError) as error:
            raise LostError(f"the adb server on port {self.port} does not answer to pair") from error
        finally:
            connection.close()
        found = re.search(r"\[guid=(adb-[A-Za-z0-9_-]+)\]", answer)
        if not answer.startswith("Successfully") or not found:
            raise DeviceInputError(
                f"{address} was not paired: adb answered: {printable(answer)}; give the address and the six digits "
                "that the phone shows now under Wireless debugging, Pair device with pairing code"
            )
        return found[1] + SERVICE

    def services(self) -> tuple[str, ...]:
        """Return the serials of phones with wireless debugging that mDNS sees on this network; a phone must be paired
        before it can be used."""
        try:
            lines = [line.split("\t") for line in self.ask("host:mdns:services").splitlines()]
        except AdbRefusedError:  # this server has no mDNS
            return ()
        return tuple(
            dict.fromkeys(f"{fields[0]}{SERVICE}" for fields in lines if len(fields) > 1 and _is_wireless(fields))
        )

    def states(self) -> dict[str, str]:
        """Return the state of every phone: serial -> 'device', 'unauthorized', 'offline', 'no permissions ...', ..."""
        lines = (line.split("\t", 1) for line in self.ask("host:devices").splitlines())
        return {fields[0].strip(): fields[1].strip() for fields in lines if len(fields) == 2}


def user_server(program: str = "") -> AdbServer:
    """Return the server of this user, on the port that adb itself would use; ``program`` '' is the adb of edgenas."""
    port = os.environ.get("ANDROID_ADB_SERVER_PORT", "")
    return AdbServer(int(port) if re.fullmatch("[0-9]{1,5}", port) else PORT, Path(program) if program else None)


def _is_wireless(fields: Sequence[str]) -> bool:
    return fields[1].rstrip(".") == SERVICE.removeprefix(".")


def send_request(connection: AdbConnection, request: str) -> None:
    """Send a request and read its OKAY. AdbRefusedError for FAIL, OSError and AdbError for a broken connection."""
    from adbutils import AdbError

    data = request.encode()
    connection.conn.sendall(f"{len(data):04x}".encode() + data)
    status = connection.read(4)
    if status == b"FAIL":
        raise AdbRefusedError(connection.read_string_block())
    if status != b"OKAY":
        raise AdbError("the connection closed")


def find_program(program: Path | None = None) -> Path:
    """Return the adb to start: ``program`` if given, else that of adbutils, else that on PATH; DeviceInputError where
    none is new enough."""
    import adbutils

    bundled = Path(adbutils.__file__).parent / "binaries" / "adb"
    on_path = shutil.which("adb")
    candidates = [program] if program else [bundled, *([Path(on_path)] if on_path else [])]
    reasons = []
    for candidate in candidates:
        version = _version(candidate)
        if version and version >= OLDEST:
            return candidate
        reasons.append(f"{candidate} is {f'version {version}' if version else 'not an adb that runs here'}")
    raise DeviceInputError(
        f"{'; '.join(reasons)}; at least {OLDEST} is needed: get platform-tools from developer.android.com and name "
        "its adb in devices.toml"
    )


def _version(program: Path) -> int | None:
    try:
        done = subprocess.run(
            [str(program), "version"], capture_output=True, encoding="utf-8", errors="replace", timeout=_START_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"^Version (\d{1,4})\.", done.stdout, re.MULTILINE)
    return int(found[1]) if found else None
