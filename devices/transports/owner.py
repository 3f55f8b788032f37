"""Who made a folder or a lock on a device: one process on one computer, recognisable when it is gone."""

from __future__ import annotations

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path

_TEXT = re.compile(r"([0-9a-f]{12})-([0-9a-f]{8})-(\d{1,10})-(\d{1,20})")


@dataclass(frozen=True, slots=True)
class Owner:
    """``host`` names the computer and its process namespace, ``boot`` its boot, ``start`` when the process began in
    clock ticks of that boot."""

    host: str
    boot: str
    pid: int
    start: int

    def __str__(self) -> str:
        return f"{self.host}-{self.boot}-{self.pid}-{self.start}"

    @staticmethod
    def parse(text: str) -> Owner | None:
        """What ``str`` wrote, None for anything else."""
        found = _TEXT.fullmatch(text)
        return Owner(found[1], found[2], int(found[3]), int(found[4])) if found else None

    def is_dead(self, me: Owner) -> bool:
        """Whether it is known, from ``me``'s computer, to run no longer; False where that cannot be known."""
        if self.host != me.host:
            return False
        return self.boot != me.boot or _start(self.pid) != self.start


def this_process() -> Owner:
    """The owner of what this process makes."""
    pid = os.getpid()
    parts = [_read("/etc/machine-id"), socket.gethostname(), str(Path("/proc/self/ns/pid").stat().st_ino)]
    host = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    boot = hashlib.sha256(_read("/proc/sys/kernel/random/boot_id").encode()).hexdigest()[:8]
    return Owner(host, boot, pid, _start(pid) or 0)


def _start(pid: int) -> int | None:
    """Field 22 of /proc/PID/stat, None when there is no such process or it has ended."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
