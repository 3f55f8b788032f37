"""Checks of this machine: its Python, the folders that edgenas writes, and its readiness for measuring."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

from edgenas.cli.doctor.rows import DoctorRow, State

_FREE_MIB = 200.0  # the limit of ``edgenas.devices.session.readiness.Limits`` for devices
_STATES: dict[str, State] = {"ok": "ok", "mark": "mark", "wait": "mark", "refuse": "broken"}


def python_rows() -> Iterator[DoctorRow]:
    """Yield rows of Python and of edgenas itself."""
    from packaging.specifiers import SpecifierSet

    about = metadata.metadata("edgenas")
    required, found = str(about["Requires-Python"]), platform.python_version()
    if SpecifierSet(required).contains(found, prereleases=True):
        yield DoctorRow("python", "ok", f"{found} {sys.executable}", needed=True)
    else:
        yield DoctorRow("python", "broken", f"{found}, required is {required}", "install a newer Python", needed=True)
    yield DoctorRow("edgenas", "ok", f"{about['Version']} {Path(__file__).resolve().parents[2]}")


def folder_rows() -> Iterator[DoctorRow]:
    """Yield rows of the folders that edgenas writes on this machine. Missing folders are not created: the folder that
    would hold them must be writable."""
    config, cache = os.environ.get("XDG_CONFIG_HOME", ""), os.environ.get("XDG_CACHE_HOME", "")
    places = {
        "temporary folder": (_temporary(), "set TMPDIR to another", True),
        "cache folder": (Path(cache) if cache else Path.home() / ".cache", "set XDG_CACHE_HOME to another", True),
        "settings folder": (
            Path(config) if config.startswith("/") else Path.home() / ".config",
            "set XDG_CONFIG_HOME to another",
            False,
        ),
        "this folder": (Path.cwd(), "tables are written where edgenas is called: cd elsewhere", True),
    }
    for what, (path, remedy, needed) in places.items():
        there = path / "edgenas" if what in ("cache folder", "settings folder") else path
        while not there.exists() and there != there.parent:
            there = there.parent
        if not (there.is_dir() and os.access(there, os.W_OK | os.X_OK)):
            yield DoctorRow(what, "broken", f"{there} cannot be written", remedy, needed)
            continue
        free_mib = shutil.disk_usage(there).free / 2**20
        finding = f"{path}, {free_mib / 1024:.1f} GiB free"
        if free_mib < _FREE_MIB:
            yield DoctorRow(what, "broken", finding, f"free at least {_FREE_MIB:.0f} MiB, or {remedy}", needed)
        else:
            yield DoctorRow(what, "ok", finding)


def _temporary() -> Path:
    """Return the temporary folder that Python chooses; where none can be written, $TMPDIR or /tmp."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return Path(os.environ.get("TMPDIR", "/tmp"))


def condition_rows(schedulers: Collection[str]) -> Iterator[DoctorRow]:
    """Yield rows of clock, temperature and load, by the limits of a campaign on this machine, and of real-time
    priority."""
    from edgenas.api import device_rows as rows
    from edgenas.devices.session import readiness
    from edgenas.devices.transports.local import LocalDevice
    from edgenas.profiler.workers import LOCAL_LIMITS

    reading = readiness.read(LocalDevice(), str(_temporary()))
    for row in rows.condition_rows(reading, LOCAL_LIMITS):
        if row.what != "free space":  # a row of ``folder_rows``
            yield DoctorRow(row.what, _STATES[row.state], row.reason, row.remedy, needed=row.state == "refuse")
    if schedulers:
        if "fifo" in schedulers:
            yield DoctorRow("priority", "ok", "SCHED_FIFO is allowed: nothing else runs on a core that is measured")
        else:
            finding = "SCHED_FIFO is not allowed: other programs may run on a core that is measured"
            yield DoctorRow(
                "priority", "mark", finding, "allow it: @GROUP - rtprio 10 in /etc/security/limits.conf, log in again"
            )
