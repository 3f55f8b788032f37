"""Wire format of adb on the device side: packets, keys, and streams with flow control.

Source: Android's packages/modules/adb, protocol.txt (packets, AUTH) and OVERVIEW.TXT.
"""

from __future__ import annotations

import asyncio
import base64
import struct
from dataclasses import dataclass
from typing import Protocol

CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (
    int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
AUTH_TOKEN, AUTH_SIGNATURE, AUTH_PUBLIC_KEY = 1, 2, 3
VERSION = 0x01000001
MAX_PAYLOAD_BYTES = 256 * 1024
HEADER = struct.Struct("<6I")
#: PKCS #1 DigestInfo of SHA-1, before the 20 bytes that were signed
SHA1_INFO = bytes.fromhex("3021300906052b0e03021a05000414")


class ProtocolError(Exception):
    """Error where the peer does not speak adb."""


@dataclass(frozen=True)
class Packet:
    command: int
    first: int
    second: int
    payload: bytes = b""

    def to_bytes(self) -> bytes:
        checksum = sum(self.payload) & 0xFFFFFFFF
        magic = self.command ^ 0xFFFFFFFF
        return HEADER.pack(self.command, self.first, self.second, len(self.payload), checksum, magic) + self.payload


async def read_packet(reader: asyncio.StreamReader) -> Packet:
    """Read the next packet.

    Raises:
        asyncio.IncompleteReadError: the connection ended.
        ProtocolError: what came is no packet, or one larger than was agreed.
    """
    command, first, second, size, _, magic = HEADER.unpack(await reader.readexactly(HEADER.size))
    if magic != command ^ 0xFFFFFFFF or size > MAX_PAYLOAD_BYTES:
        raise ProtocolError(f"bad header: command {command:#x}, {size} bytes")
    return Packet(command, first, second, await reader.readexactly(size))


@dataclass(frozen=True)
class PublicKey:
    """RSA key in the form of ``adbkey.pub``: words n, -1/n0, modulus, R², exponent, all little-endian."""

    modulus: int
    exponent: int

    @classmethod
    def parse(cls, line: str) -> PublicKey:
        data = base64.b64decode(line.split()[0])
        words = int.from_bytes(data[:4], "little")
        modulus = int.from_bytes(data[8 : 8 + 4 * words], "little")
        return cls(modulus, int.from_bytes(data[8 + 8 * words : 12 + 8 * words], "little"))

    def signed(self, token: bytes, signature: bytes) -> bool:
        """Return whether ``signature`` is this key's PKCS #1 v1.5 signature of the 20 bytes ``token``."""
        size = (self.modulus.bit_length() + 7) // 8
        message = pow(int.from_bytes(signature, "big"), self.exponent, self.modulus).to_bytes(size, "big")
        padding = b"\xff" * (size - 3 - len(SHA1_INFO) - len(token))
        return message == b"\0\1" + padding + b"\0" + SHA1_INFO + token


class Link(Protocol):
    """Interface of a connection, as a stream needs it."""

    payload_bytes: int  # the peer's limit

    async def send(self, packet: Packet) -> None: ...


class Stream:
    """One open service. ``local`` and ``remote`` are its numbers on both sides."""

    def __init__(self, link: Link, local: int, remote: int) -> None:
        self.local, self.remote = local, remote
        self.closed = False
        self._link = link
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._unread = b""
        self._acknowledged = asyncio.Event()
        self._acknowledged.set()

    async def write(self, data: bytes) -> None:
        """Send data, with one packet unacknowledged at a time; discard data after the peer has closed the stream."""
        while data:
            await self._acknowledged.wait()
            if self.closed:
                return
            self._acknowledged.clear()
            part, data = data[: self._link.payload_bytes], data[self._link.payload_bytes :]
            await self._link.send(Packet(WRTE, self.local, self.remote, part))

    async def read(self, size: int) -> bytes:
        """Read exactly ``size`` bytes.

        Raises:
            EOFError: the stream closed before.
        """
        while len(self._unread) < size:
            part = await self._inbox.get()
            if part is None:
                raise EOFError
            self._unread += part
        data, self._unread = self._unread[:size], self._unread[size:]
        return data

    async def accept(self) -> None:
        await self._link.send(Packet(OKAY, self.local, self.remote))

    async def close(self) -> None:
        if not self.closed:
            self.hang_up()
            await self._link.send(Packet(CLSE, self.local, self.remote))

    def received(self, data: bytes) -> None:
        self._inbox.put_nowait(data)

    def acknowledged(self) -> None:
        self._acknowledged.set()

    def hang_up(self) -> None:
        """End the stream after the peer or the connection is lost: readers get EOFError, writers stop."""
        self.closed = True
        self._acknowledged.set()
        self._inbox.put_nowait(None)
