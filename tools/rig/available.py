"""Requirements of test hosts: each function returns None, or what this machine lacks and the command to type."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

#: images and programs that tools/rig/install.sh builds
RIG = Path(os.environ.get("EDGENAS_RIG", "/var/lib/edgenas-rig"))
BOARD_IMAGE = RIG / "board"  # Debian bookworm arm64: a board's root file system
RUNTIMES_LAYER = RIG / "runtimes"  # /opt/site with LiteRT and ONNX Runtime, laid over the board
BOARD_WHEELS = RIG / "wheels"  # both runtimes and what they need, for a board like this one
PHONE_IMAGE = RIG / "phone"  # adbd, mksh and toybox, arm64
PROPERTIES_SHIM = RIG / "adbd_props.so"  # optional: adbd tells the phone's name
BENCHMARK_MODEL = RIG / "benchmark_model"  # static arm64 program
BINFMT = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")

INSTALL = "type: tools/rig/install.sh (as root)"
ENTER = "type: tools/rig/lab.sh .venv/bin/python -m pytest -m rig (as root)"


def program(name: str) -> str | None:
    """Return the path of a program, also of one that only root has on its path; None where there is none."""
    return shutil.which(name, path=os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin")


def programs(*names: str) -> str | None:
    lacking = [name for name in names if program(name) is None]
    return f"not installed: {', '.join(lacking)}; {INSTALL}" if lacking else None


def sshd() -> str | None:
    """Check for OpenSSH's programs, which need neither root nor the lab."""
    return programs("sshd", "ssh", "ssh-keygen")


def nss_wrapper() -> Path | None:
    """Return the path of the library that gives one process its own user accounts, without root; None where there is
    none.
    """
    return next(iter(sorted(Path("/usr/lib").glob("*/libnss_wrapper.so"))), None)


def login_shell(*names: str) -> str | None:
    """Check that sshd can serve an account with another login shell. Needs neither root nor the lab."""
    lacking = None if nss_wrapper() else f"not installed: libnss-wrapper; {INSTALL}"
    return sshd() or lacking or programs(*names)


def dropbear() -> str | None:
    return login_shell("dropbear", "dropbearconvert")


def adb() -> str | None:
    """Check for adb, which needs neither root nor the lab."""
    return programs("adb")


def has_default_route() -> bool:
    """Return whether a packet to any address would leave this network namespace."""
    ipv4 = [line.split() for line in Path("/proc/net/route").read_text().splitlines()[1:]]
    if any(fields[1] == fields[7] == "00000000" for fields in ipv4):
        return True
    ipv6 = Path("/proc/net/ipv6_route")
    lines = [line.split() for line in ipv6.read_text().splitlines()] if ipv6.exists() else []
    return any(fields[0] == "0" * 32 and fields[1] == "00" and fields[9] != "lo" for fields in lines)


def lab() -> str | None:
    """Check that this process runs inside tools/rig/lab.sh, where no packet can leave the machine."""
    if os.geteuid() != 0:
        return f"boards and phones need root; {ENTER}"
    if os.environ.get("EDGENAS_LAB") != "1" or has_default_route():
        return f"boards and phones run only inside the lab's own namespaces; {ENTER}"
    return programs("ip", "tc", "unshare")


def emulator() -> str | None:
    """Check that this kernel runs arm64 programs with qemu, also inside a chroot (flag F)."""
    if not BINFMT.exists():
        return f"arm64 programs do not run here ({BINFMT} is missing); {INSTALL}"
    flags = [line for line in BINFMT.read_text().splitlines() if line.startswith("flags:")]
    if not flags or "F" not in flags[0]:
        return f"{BINFMT} lacks flag F, so arm64 programs cannot run in a chroot; {INSTALL}"
    return None


def board() -> str | None:
    return lab() or sshd() or emulator() or _built(BOARD_IMAGE, RUNTIMES_LAYER)


def board_wheels() -> str | None:
    return _built(BOARD_WHEELS)


def phone() -> str | None:
    return lab() or emulator() or _built(PHONE_IMAGE)


def benchmark_model() -> str | None:
    return _built(BENCHMARK_MODEL)


def properties_shim() -> str | None:
    return _built(PROPERTIES_SHIM)


def _built(*paths: Path) -> str | None:
    lacking = [str(path) for path in paths if not path.exists()]
    return f"not built: {', '.join(lacking)}; {INSTALL}" if lacking else None
