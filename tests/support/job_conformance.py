"""What a job on a remote device must survive, whichever transport reaches the device."""

from __future__ import annotations

import threading
from collections.abc import Callable

from edgenas.devices.base import Device
from edgenas.devices.transports import jobs


def outlives_its_connections(device: Device, drop: Callable[[], object]) -> None:
    """Run a job of three seconds while ``drop`` ends the device's connections five times: the job runs once, and its
    output is complete."""
    with device.workdir() as folder:
        argv = ["sh", "-c", f"echo ran >> {folder}/count; echo out; sleep 3; echo end; exit 3"]
        timers = [threading.Timer(s, drop) for s in (0.3, 0.8, 1.3, 1.9, 2.6)]
        for timer in timers:
            timer.start()
        result = jobs.run_job(device, argv, f"{folder}/job", timeout_s=60, wait=jobs.Wait(poll_s=0.1))
        for timer in timers:
            timer.join()
        assert (result.returncode, result.stdout) == (3, "out\nend\n")
        assert device.run(["cat", f"{folder}/count"], timeout_s=9).stdout == "ran\n"
