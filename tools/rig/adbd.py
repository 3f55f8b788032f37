"""An adbd with faults that a real one cannot have on request. Needs neither root nor the lab.

    with Adbd(tmp_path / "phone", Faults(auth="deny")) as device, Adb(tmp_path / "adb") as adb:
        adb.connect(device.serial, state="unauthorized")

Commands really run, by this machine's programs, in a mount namespace where the device's folder is /, so that
/data/local/tmp means the same to shell and push. For a phone that is like a phone, see tools.rig.phone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from tools.rig import process
from tools.rig.adb_protocol import (
    AUTH,
    AUTH_PUBLIC_KEY,
    AUTH_SIGNATURE,
    AUTH_TOKEN,
    CLSE,
    CNXN,
    MAX_PAYLOAD_BYTES,
    OKAY,
    OPEN,
    VERSION,
    WRTE,
    Packet,
    ProtocolError,
    PublicKey,
    Stream,
    read_packet,
)
from tools.rig.adb_services import Faults, shell, sync
from tools.rig.process import RigError

#: run as `unshare ... sh -c ENTER sh ROOT COMMAND`: the machine's programs below ROOT, then COMMAND in there
ENTER = """root=$1
for folder in usr etc proc dev; do mount --rbind /$folder "$root/$folder" || exit 126; done
for folder in usr etc; do mount -o remount,bind,ro "$root/$folder" || exit 126; done
exec chroot "$root" /usr/bin/env -i PATH=/system/bin:/usr/bin:/bin HOME=/ ANDROID_DATA=/data TMPDIR=/data/local/tmp \
    sh -c "cd /data/local/tmp; $2"
"""

_END_S = 5.0  # for commands to end when their device goes


class Adbd:
    """Server on 127.0.0.1 from ``start`` to ``close``; ``serial`` is its address for ``adb connect``.

    Args:
        root: folder that is / on the device; made if absent.
        faults: what goes wrong.
        properties: what `adb devices -l` shows: ro.product.name, .model and .device.
    """

    def __init__(self, root: Path, faults: Faults | None = None, properties: Mapping[str, str] | None = None) -> None:
        self.root, self.faults = root, faults or Faults()
        self.properties = dict(properties or {"ro.product.name": "oriole", "ro.product.model": "Pixel 6"})
        self.keys: list[PublicKey] = []
        self.serial = ""
        (root / "data/local/tmp").mkdir(parents=True, exist_ok=True)
        for folder in ("usr", "etc", "proc", "dev"):
            (root / folder).mkdir(exist_ok=True)
        for folder in ("bin", "sbin", "lib", "lib64"):
            if not (root / folder).exists() and Path("/", folder).exists():
                (root / folder).symlink_to(f"usr/{folder}")
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="adbd", daemon=True)

    def argv(self, command: str) -> list[str]:
        """Return the command line that runs a command of the device."""
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        return ["unshare", *user, "--mount", "sh", "-c", ENTER, "sh", str(self.root), command]

    def start(self) -> None:
        """Start the server. RigError where this user cannot make namespaces."""
        trial = subprocess.run(self.argv("true"), capture_output=True, text=True)
        if trial.returncode:
            raise RigError(f"cannot make a mount namespace for the device: {trial.stderr.strip()}")
        self._thread.start()
        self._started.wait()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.serial = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if left := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.wait(left, timeout=_END_S)
        await asyncio.sleep(0)  # for pipes that were closed to be gone

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await Connection(self, reader, writer).run()
        except (asyncio.IncompleteReadError, ConnectionError, ProtocolError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._connections.discard(task)

    def drop(self) -> None:
        """Break every connection now."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it is closed already, and so are they
                self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in list(self._connections)])

    def processes(self) -> list[int]:
        """Return the processes of the device: those whose root folder is the device's."""
        root = self.root.stat()
        found = []
        for pid in process.parents():
            try:
                status = Path(f"/proc/{pid}/root").stat()
            except OSError:  # gone, or somebody else's
                continue
            if (status.st_dev, status.st_ino) == (root.st_dev, root.st_ino):
                found.append(pid)
        return found

    def close(self) -> None:
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
        process.kill(self.processes())

    def __enter__(self) -> Adbd:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Connection:
    """Connection of one client, which is an adb server."""

    def __init__(self, device: Adbd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.payload_bytes = 4096  # until CNXN says more
        self._device, self._reader, self._writer = device, reader, writer
        self._streams: dict[int, Stream] = {}
        self._services: set[asyncio.Task[None]] = set()
        self._lock = asyncio.Lock()
        self._next = 1
        self._token = os.urandom(20)

    async def send(self, packet: Packet) -> None:
        async with self._lock:
            if self._device.faults.latency_s:
                await asyncio.sleep(self._device.faults.latency_s)
            self._writer.write(packet.to_bytes())
            await self._writer.drain()

    async def run(self) -> None:
        try:
            while True:
                packet = await read_packet(self._reader)
                if self._device.faults.drops(len(packet.payload)):
                    raise ConnectionAbortedError("asked to drop")
                await self._handle(packet)
        finally:
            for stream in self._streams.values():
                stream.hang_up()
            for task in self._services:
                task.cancel()
            await asyncio.gather(*self._services, return_exceptions=True)
            self._writer.close()

    async def _handle(self, packet: Packet) -> None:
        stream = self._streams.get(packet.second)
        if self._device.faults.mute:
            return
        if packet.command == CNXN:
            self.payload_bytes = min(packet.second, MAX_PAYLOAD_BYTES)
            await (self._greet() if self._device.faults.auth == "none" else self._challenge())
        elif packet.command == AUTH:
            await self._authenticate(packet)
        elif packet.command == OPEN:
            stream = self._streams[self._next] = Stream(self, self._next, packet.first)
            self._next += 1
            task = asyncio.create_task(self._serve(stream, packet.payload.rstrip(b"\0").decode()))
            self._services.add(task)
            task.add_done_callback(self._services.discard)
        elif stream is not None and packet.command == WRTE:
            stream.received(packet.payload)
            await self.send(Packet(OKAY, stream.local, stream.remote))
        elif stream is not None and packet.command == OKAY:
            stream.acknowledged()
        elif stream is not None and packet.command == CLSE:
            stream.hang_up()
            del self._streams[stream.local]

    async def _greet(self) -> None:
        names = ";".join(f"{name}={value}" for name, value in self._device.properties.items())
        await self.send(Packet(CNXN, VERSION, MAX_PAYLOAD_BYTES, f"device::{names};features=shell_v2,cmd".encode()))

    async def _challenge(self) -> None:
        self._token = os.urandom(20)
        await self.send(Packet(AUTH, AUTH_TOKEN, 0, self._token))

    async def _authenticate(self, packet: Packet) -> None:
        if packet.first == AUTH_SIGNATURE:
            known = any(key.signed(self._token, packet.payload) for key in self._device.keys)
            await (self._greet() if known else self._challenge())
        elif packet.first == AUTH_PUBLIC_KEY and self._device.faults.auth == "accept":
            self._device.keys.append(PublicKey.parse(packet.payload.rstrip(b"\0").decode()))
            await self._greet()

    async def _serve(self, stream: Stream, request: str) -> None:
        """Serve one request, KIND[,OPTION...]:ARGUMENT."""
        kind, _, argument = request.partition(":")
        name, *options = kind.split(",")
        try:
            if name in ("shell", "exec"):
                await stream.accept()
                await shell(stream, self._device.argv(argument or "sh"), "v2" in options, self._device.faults)
            elif name == "sync":
                await stream.accept()
                await sync(stream, self._device.root, self._device.faults)
            else:
                print(f"adbd: no service {shlex.quote(request)}", file=sys.stderr)
        except EOFError:  # the client left in the middle
            pass
        await stream.close()
