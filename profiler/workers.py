"""From devices as written in the inventory to what a campaign needs: a worker, and when it may measure."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.naming import there_are
from edgenas.devices.inventory import Entry, find
from edgenas.devices.session.readiness import Limits
from edgenas.devices.session.session import Conditions

if TYPE_CHECKING:
    from edgenas.profiler.device_session import Worker
    from edgenas.profiler.runtimes.base import Runtime

LOCAL_LIMITS = Limits(busy_per_core=math.inf, start_c=80.0)  #: this machine is told about its load, never refused


def runtime_named(name: str) -> Runtime:
    """Return a runtime by name, or one of the user's own: see ``edgenas.profiler.runtimes.find_runtime``."""
    from edgenas.profiler.runtimes import find_runtime

    return find_runtime(name)


def file_label(runtime: str) -> str:
    """Return a runtime's name as part of a file's: of 'my_runtime.py:reference' the last word."""
    return runtime.rpartition(":")[2]


def default_runtime(entry: Entry) -> str:
    """What measures TFLite files on a device: LiteRT where it has a Python, benchmark_model where it has none."""
    return "litert" if entry.python else "benchmark_model"


def open_worker(entry: Entry, runtime: str) -> Worker:
    """The device and what drives ``runtime`` there; a tool is carried there where it is not yet. InputError where the
    inventory names none; DeviceError."""
    from edgenas.devices.sections import TOOLS
    from edgenas.devices.tools import place
    from edgenas.profiler.device_session import Worker

    if runtime in TOOLS:
        if runtime not in entry.tools:
            if entry.python:
                raise InputError(f"{runtime} is for phones; {entry.name} has a Python: take litert or onnxruntime")
            raise InputError(
                f'{entry.name} has no {runtime}: name it in devices.toml: {runtime} = "/path/to/{runtime}" and '
                f'{runtime}_sha256 = "..."'
            )
        device = entry.open()
        return Worker(device, place(device, entry.tools[runtime]))
    if not entry.python:
        has = ", ".join(entry.tools) or "no tool; name benchmark_model and its sha256 in devices.toml"
        raise InputError(f"{entry.name} has no Python to run {runtime}; it has {has}")
    return Worker(entry.open(), entry.python)


def conditions(
    entries: Sequence[Entry], force: bool, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> Conditions:
    """When these devices, all of one kind, may be measured."""
    limits = LOCAL_LIMITS if all(entry.is_local for entry in entries) else Limits()
    return Conditions(limits, force, say=say, sleep=sleep)


def grouped(entries: Mapping[str, Entry], names: Sequence[str], pools: Sequence[str]) -> dict[str, list[Entry]]:
    """Table's label -> the devices that fill it: one for each of ``names``, all of a pool for each of ``pools``.
    InputError where a device is asked for twice, or a pool has none."""
    groups = {name: [find(entries, name)] for name in dict.fromkeys(names)}
    for pool in dict.fromkeys(pools):
        members = [entry for entry in entries.values() if entry.pool == pool]
        if not members:
            known = there_are(pool, sorted({e.pool for e in entries.values() if e.pool}), "pools in the inventory:")
            raise InputError(f'no device has pool = "{pool}"; {known}')
        if pool in groups:
            raise InputError(f"{pool!r} is both a device and a pool asked for; rename one in devices.toml")
        groups[pool] = members
    taken: dict[str, str] = {}
    for label, members in groups.items():
        for entry in members:
            if entry.name in taken:
                raise InputError(f"{entry.name} is asked for twice, as {taken[entry.name]} and as {label}; ask once")
            taken[entry.name] = label
    return groups
