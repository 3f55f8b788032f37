"""A proxy for one TCP server that delays, holds or cuts its connections. Needs no root; ``tools.rig.wire`` does the
same to packets.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable

_SILENCE_S = 0.6  # how long ends go unanswered before their kernels give up; a real cable: 3 s
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close means reset


class Cable:
    """Proxy of connections to ``port`` on 127.0.0.1, from a port of its own. Settings apply to all connections at once.

    ``delay_s`` is waited for before every piece, either way; ``drop_after_bytes`` breaks all connections, once.
    """

    def __init__(self, port: Callable[[], int]) -> None:
        self.delay_s = 0.0
        self.drop_after_bytes: int | None = None
        self._to = port
        self._pulled_s: float | None = None
        self._ends: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, name=f"cable {self.port}", daemon=True).start()

    def pull(self) -> None:
        """Hold all data from now on."""
        self._pulled_s = time.monotonic()

    def plug(self) -> None:
        """Pass data again, first the data that was held, for connections that are still open."""
        self._pulled_s = None

    def cut(self) -> None:
        """Break every connection now."""
        with self._lock:
            ends, self._ends = self._ends, []
        for end in ends:
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self._pulled_s is not None:
                    raise OSError("pulled")
                far = socket.create_connection(("127.0.0.1", self._to()), timeout=5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            with self._lock:
                self._ends += [near, far]
            for source, target in ((near, far), (far, near)):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._carry, args=(source, target), daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 15):
                time.sleep(self.delay_s)
                self._hold()
                if self.drop_after_bytes is not None:
                    self.drop_after_bytes -= len(data)
                    if self.drop_after_bytes <= 0:
                        self.drop_after_bytes = None
                        self.cut()
                        return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _hold(self) -> None:
        """Wait while the proxy holds data; close a connection after a long silence."""
        while (since := self._pulled_s) is not None:
            if time.monotonic() > since + _SILENCE_S:
                self.cut()
                raise ConnectionResetError
            time.sleep(0.01)
