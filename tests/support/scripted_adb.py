"""A server with the answers of an adb server, for what no emulated phone does: pairing, and mDNS."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from edgenas.devices.transports.adb_server import AdbServer

Scripted = Callable[[dict[str, bytes]], AdbServer]


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """``scripted({request: answer})``: a server with the answers of an adb server."""
    with ExitStack() as stack:

        def make(answers: dict[str, bytes]) -> AdbServer:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            thread = threading.Thread(target=_serve, args=(listener, answers))
            thread.start()
            stack.callback(thread.join)
            stack.callback(lambda: listener.shutdown(socket.SHUT_RDWR))
            return AdbServer(port=listener.getsockname()[1])

        yield make


def _serve(listener: socket.socket, answers: dict[str, bytes]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            size = connection.recv(4)
            if size:
                connection.sendall(answers.get(connection.recv(int(size, 16)).decode(), b"FAIL0002no"))


def block(text: str) -> bytes:
    return f"{len(text):04x}{text}".encode()
