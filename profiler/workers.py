"""Workers and conditions of a campaign, made from the devices of the inventory."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import Listener
from edgenas.base.naming import there_are
from edgenas.devices.inventory import Entry, find
from edgenas.devices.session.readiness import Limits
from edgenas.devices.session.session import Conditions

if TYPE_CHECKING:
    from edgenas.profiler.device_session import Worker
    from edgenas.profiler.runtimes.base import Runtime

LOCAL_LIMITS = Limits(busy_per_core=math.inf, start_c=80.0)  #: of this machine: a high load is marked, never refused


def runtime_named(name: str) -> Runtime:
    """Return the runtime called ``name``, or one of the user's own: see ``edgenas.profiler.runtimes.find_runtime``."""
    from edgenas.profiler.runtimes import find_runtime

    return find_runtime(name)


def file_label(runtime: str) -> str:
    """Return a runtime's name for use in the name of a file: for 'my_runtime.py:reference' the part behind the
    colon."""
    return runtime.rpartition(":")[2]


def default_runtime(entry: Entry) -> str:
    """Return the runtime that measures TFLite files on a device: LiteRT where it has a Python, else benchmark_model."""
    return "litert" if entry.python else "benchmark_model"


def open_worker(entry: Entry, runtime: str, requested: str = "") -> Worker:
    """Return the device and the program that drives ``runtime`` on it; a tool that is missing there is pushed, and so
    are the libraries of the delegate that is ``requested``.

    InputError where the inventory names no such program. Raises DeviceError.
    """
    from edgenas.devices.libraries import place_libraries
    from edgenas.devices.sections import TOOLS
    from edgenas.devices.tools import place
    from edgenas.profiler.device_session import Worker
    from edgenas.profiler.tool_libraries import check_libraries, launched

    if runtime in TOOLS:
        if runtime not in entry.tools:
            if entry.python:
                raise InputError(f"{runtime} is for phones; {entry.name} has a Python: use litert or onnxruntime")
            raise InputError(
                f'{entry.name} has no {runtime}: name it in devices.toml: {runtime} = "/path/to/{runtime}" and '
                f'{runtime}_sha256 = "..."'
            )
        check_libraries(entry, runtime, requested)
        device = entry.open()
        return Worker(device, launched(entry, runtime, requested, device, place(device, entry.tools[runtime])))
    if not entry.python:
        has = ", ".join(entry.tools) or "no tool; name benchmark_model and its sha256 in devices.toml"
        raise InputError(f"{entry.name} has no Python to run {runtime}; it has {has}")
    name, device = requested.partition(":")[0], entry.open()
    folder = place_libraries(device, name, entry.libraries[name]) if name in entry.libraries else ""
    return Worker(device, entry.pythons.get(name, entry.python), folder)


def conditions(
    entries: Sequence[Entry], force: bool, listener: Listener, sleep: Callable[[float], None] = time.sleep
) -> Conditions:
    """Return the conditions under which these devices, all of one kind, may be measured."""
    limits = LOCAL_LIMITS if all(entry.is_local for entry in entries) else Limits()
    return Conditions(limits, force, listener=listener, sleep=sleep)


def grouped(entries: Mapping[str, Entry], names: Sequence[str], pools: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the devices that fill each table, by its label: one for each of ``names``, all of a pool for each of
    ``pools``. InputError where a device is requested twice, or a pool has no device."""
    groups = {name: [find(entries, name)] for name in dict.fromkeys(names)}
    for pool in dict.fromkeys(pools):
        members = [entry for entry in entries.values() if entry.pool == pool]
        if not members:
            known = there_are(pool, sorted({e.pool for e in entries.values() if e.pool}), "pools in the inventory:")
            raise InputError(f'no device has pool = "{pool}"; {known}')
        if pool in groups:
            raise InputError(f"{pool!r} names both a device and a pool; rename one of them in devices.toml")
        groups[pool] = members
    taken: dict[str, str] = {}
    for label, members in groups.items():
        for entry in members:
            if entry.name in taken:
                raise InputError(f"{entry.name} is requested twice: for {taken[entry.name]} and {label}; name it once")
            taken[entry.name] = label
    return groups
