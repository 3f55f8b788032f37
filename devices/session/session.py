"""A device held for measuring: locked, what an earlier run left put back, and ready; or refused with what to do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from edgenas.base.errors import DeviceError
from edgenas.devices.base import Device
from edgenas.devices.session.clock import restore, state_folder
from edgenas.devices.session.lock import locked
from edgenas.devices.session.readiness import DeviceReading, Finding, Limits, cool_down, judge, read
from edgenas.devices.transports.jobs import PATIENCE_S

COOL_S = 900.0  # longest wait for a device to cool down


class NotReadyError(DeviceError):
    """The device is not as it must be to be measured."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a device may be measured: ``limits`` None asks for nothing; ``force`` measures all the same, and says so.
    ``expected`` is the identity it must have; ``patience_s`` and ``poll_s`` are those of ``jobs.Wait``."""

    limits: Limits | None = None
    force: bool = False
    expected: Mapping[str, str | int] | None = None
    cool_s: float = COOL_S
    patience_s: float = PATIENCE_S
    poll_s: float = 1.0
    say: Callable[[str], None] = lambda text: None
    sleep: Callable[[float], None] = time.sleep


@contextmanager
def held(device: Device, conditions: Conditions) -> Iterator[str]:
    """Hold the device for the block, which gets the path of our folder there. LockedError, NotReadyError."""
    state = state_folder(device)
    home = state.rpartition("/")[0]
    with locked(device, folder=home):
        if restore(device, folder=state):
            conditions.say(f"{device.name}: put its clock back, which an earlier run had left held")
        if conditions.limits is not None:
            _admit(device, home, conditions, conditions.limits)
        yield home


def calm(device: Device, home: str, conditions: Conditions) -> DeviceReading:
    """Wait for a device that is held until it is cool, and read it. NotReadyError when it does not become so."""
    if conditions.limits is None:
        return read(device, home)
    reading, waiting = cool_down(
        lambda: read(device, home),
        conditions.limits,
        limit_s=0 if conditions.force else conditions.cool_s,
        say=lambda text: conditions.say(f"{device.name}: {text}"),
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
        if finding.what != "governor":  # whoever holds the clock says whether it could
            conditions.say(f"{device.name}: {finding}")


def _refused(device: Device, finding: Finding) -> NotReadyError:
    return NotReadyError(f"{device.name} is not ready: {finding}; --force measures all the same")
