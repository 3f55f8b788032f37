"""Owner of a folder or a lock on a device: one process on one computer; it can be checked whether it still runs."""

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
    """Identity of a process: ``host`` is a hash of the computer and its process namespace, ``boot`` a hash of the boot
    id, ``start`` the start time of the process in clock ticks since boot."""

    host: str
    boot: str
    pid: int
    start: int

    def __str__(self) -> str:
        return f"{self.host}-{self.boot}-{self.pid}-{self.start}"

    @staticmethod
    def parse(text: str) -> Owner | None:
        """Return the owner that ``str`` wrote, None for any other text."""
        found = _TEXT.fullmatch(text)
        return Owner(found[1], found[2], int(found[3]), int(found[4])) if found else None

    def is_dead(self, me: Owner) -> bool:
        """Return True if this process is known not to run any more; False where ``me`` is on another computer, which
        cannot know it."""
        if self.host != me.host:
            return False
        return self.boot != me.boot or _start(self.pid) != self.start


def this_process() -> Owner:
    """Return the identity of this process."""
    pid = os.getpid()
    parts = [_read("/etc/machine-id"), socket.gethostname(), str(Path("/proc/self/ns/pid").stat().st_ino)]
    host = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    boot = hashlib.sha256(_read("/proc/sys/kernel/random/boot_id").encode()).hexdigest()[:8]
    return Owner(host, boot, pid, _start(pid) or 0)


def _start(pid: int) -> int | None:
    """Return the start time of a process, field 22 of /proc/PID/stat; None where there is none or it has ended."""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return int(fields[19]) if len(fields) > 19 and fields[0] not in "ZX" else None


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
