"""A network cable with delay, jitter, loss, a rate limit and a switch, for kernels without netem.

Two TUN devices, one in the lab and one in a new network namespace, and a thread of this process that carries packets
between them. The thread shares Python's lock with the test, so a busy test makes the wire slower, never faster.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import threading
import time
from pathlib import Path

from tools.rig.network import FAR, claim
from tools.rig.process import RigError, run

#: from linux/if_tun.h and linux/sched.h
TUNSETIFF, IFF_TUN, IFF_NO_PI, CLONE_NEWNET = 0x400454CA, 0x0001, 0x1000, 0x40000000
#: packets that would wait longer than this at the rate limit are dropped
BUFFER_S = 0.2


class Wire:
    """Cable whose settings may change while packets pass; they apply to both directions.

    ``delay_s`` one way, ``jitter_s`` uniform ±, ``loss`` as a share of packets. ``carried`` and ``dropped`` count them.
    """

    def __init__(self, seed: int = 0) -> None:
        number = claim()
        self.namespace = f"rig{number}"
        self.near_ip, self.far_ip = f"10.199.{number}.1", f"10.199.{number}.2"
        self.delay_s = self.jitter_s = self.loss = 0.0
        self.carried = self.dropped = 0
        self._cut = self._stop = False
        self._bit_per_s: float | None = None
        self._random = random.Random(seed)
        near = f"cable{number}"
        self._ends = (_open_tun(near, None), _open_tun(FAR, self.namespace))
        for ip, device, own, peer in (
            (["ip"], near, self.near_ip, self.far_ip),
            (["ip", "-n", self.namespace], FAR, self.far_ip, self.near_ip),
        ):
            run(*ip, "addr", "add", own, "peer", peer, "dev", device)
            run(*ip, "link", "set", device, "up", "txqueuelen", "1000")
        self._waiting: list[tuple[float, int, int, bytes]] = []  # due, order, end to write to, packet
        self._order = 0
        self._free_s = [0.0, 0.0]  # when the limited rate lets the next packet from each end start
        self._thread = threading.Thread(target=self._carry, name=f"wire {self.namespace}", daemon=True)
        self._thread.start()

    def unplug(self) -> None:
        self._cut = True

    def plug(self) -> None:
        self._cut = False

    def limit(self, mbit_per_s: float | None) -> None:
        self._bit_per_s = mbit_per_s * 1e6 if mbit_per_s else None

    def close(self) -> None:
        self._stop = True
        self._thread.join()
        for end in self._ends:
            os.close(end)  # removes the TUN device
        run("ip", "netns", "del", self.namespace)

    def _carry(self) -> None:
        while not self._stop:
            self._deliver()
            wait_s = min(0.05, max(0.0, self._waiting[0][0] - time.monotonic())) if self._waiting else 0.05
            readable, _, _ = select.select(self._ends, [], [], wait_s)
            for end in readable:
                self._collect(self._ends.index(end))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(self._waiting)
            try:
                os.write(self._ends[end], packet)
                self.carried += 1
            except OSError:  # the device is down or its queue is full: a cable drops the packet too
                self.dropped += 1

    def _collect(self, source: int) -> None:
        for _ in range(64):
            try:
                packet = os.read(self._ends[source], 65535)
            except BlockingIOError:
                return
            due = self._due_s(source, len(packet))
            if due is None:
                self.dropped += 1
            else:
                self._order += 1
                heapq.heappush(self._waiting, (due, self._order, 1 - source, packet))

    def _due_s(self, source: int, size_bytes: int) -> float | None:
        """Return the time when a packet that is read now arrives at the other end; None where it is lost."""
        due = now = time.monotonic()
        if self._cut or self._random.random() < self.loss:
            return None
        if self._bit_per_s:
            due = max(now, self._free_s[source]) + size_bytes * 8 / self._bit_per_s
            if due - now > BUFFER_S:
                return None
            self._free_s[source] = due
        return due + max(0.0, self.delay_s + self._random.uniform(-self.jitter_s, self.jitter_s))


def _open_tun(device: str, namespace: str | None) -> int:
    """Return the descriptor of a new TUN device, made in a network namespace of ``ip netns``, or here where that is
    None.
    """
    descriptors: list[int] = []
    errors: list[OSError] = []

    def make() -> None:
        try:
            if namespace:
                _enter(namespace)
            descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", device.encode(), IFF_TUN | IFF_NO_PI))
            descriptors.append(descriptor)
        except OSError as error:
            errors.append(error)

    # setns() moves only the calling thread; what that thread opened can be used by all.
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    if errors:
        raise RigError(f"no TUN device {device}: {errors[0]}; load the kernel module tun")
    return descriptors[0]


def _enter(namespace: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/run/netns/{namespace}").open("rb") as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")
