"""Session on a device for measurements: locked, settings of an earlier run restored, and ready; or refused with a
remedy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from edgenas.base.errors import DeviceError
from edgenas.base.listener import SILENT, Listener
from edgenas.devices.base import Device
from edgenas.devices.session.clock import restore, state_folder
from edgenas.devices.session.lock import locked
from edgenas.devices.session.readiness import DeviceReading, Finding, Limits, cool_down, judge, read
from edgenas.devices.transports.jobs import PATIENCE_S

COOL_S = 900.0  # longest wait for a device to cool down


class NotReadyError(DeviceError):
    """Error where the device does not meet the conditions for a measurement."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions for a measurement on a device.

    limits               limits of readiness; None checks nothing
    force                True measures also a device that is not ready, and reports each finding to ``listener``
    expected             identity that the device must have
    cool_s               longest wait for a device to cool down, s
    patience_s, poll_s   see ``jobs.Wait``
    listener             gets messages and progress for the user
    """

    limits: Limits | None = None
    force: bool = False
    expected: Mapping[str, str | int] | None = None
    cool_s: float = COOL_S
    patience_s: float = PATIENCE_S
    poll_s: float = 1.0
    listener: Listener = SILENT
    sleep: Callable[[float], None] = time.sleep


@contextmanager
def held(device: Device, conditions: Conditions) -> Iterator[str]:
    """Hold the device for the block and yield the path of the folder of edgenas there. Raises LockedError,
    NotReadyError.
    """
    state = state_folder(device)
    home = state.rpartition("/")[0]
    with locked(device):
        if restore(device, folder=state):
            conditions.listener.message(f"{device.name}: put its clock back, which an earlier run had left held")
        if conditions.limits is not None:
            _admit(device, home, conditions, conditions.limits)
        yield home


def calm(device: Device, home: str, conditions: Conditions) -> DeviceReading:
    """Wait until a held device is cool, and return its reading; NotReadyError when it does not cool down in time."""
    if conditions.limits is None:
        return read(device, home)
    reading, waiting = cool_down(
        lambda: read(device, home),
        conditions.limits,
        limit_s=0 if conditions.force else conditions.cool_s,
        listener=conditions.listener,
        name=device.name,
        sleep=conditions.sleep,
    )
    if waiting and not conditions.force:
        raise _refused(device, waiting[0])
    return reading


def _admit(device: Device, home: str, conditions: Conditions, limits: Limits) -> None:
    reading = calm(device, home, conditions)
    for finding in judge(reading, limits, conditions.expected):
        if finding.level == "refuse" and not conditions.force:
            raise _refused(device, finding)
        if finding.what != "governor":  # clock.steady reports whether the clock could be fixed
            conditions.listener.warning(f"{device.name}: {finding}", f"{device.name}: {finding.what}")


def _refused(device: Device, finding: Finding) -> NotReadyError:
    return NotReadyError(f"{device.name} is not ready: {finding}; --force measures it anyway")
