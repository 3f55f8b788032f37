"""Address of a Ray cluster, and the resources of one task on a node."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass

from edgenas.base.errors import InputError, OutcomeError

REACH_S = 10.0  #: seconds to wait for a connection; Ray itself tries for minutes


@dataclass(frozen=True, slots=True)
class RayAddress:
    """Address of a Ray cluster, and the resources of one task.

    address  'host:port' of the head, as ``ray start --head`` prints it, or 'auto' for the address in RAY_ADDRESS, as in
             a Ray job
    cpus     CPUs of one task, in Ray's count; tasks are not pinned to CPUs, and a training uses one thread
    gpus     GPUs of one task; with a share below 1, several tasks use one GPU. Only for judges that use GPUs
    """

    address: str
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.address != "auto":
            if self.address.startswith("ray://"):
                raise InputError(
                    f"{self.address!r} is an address of Ray Client, which does not reliably end tasks; run this on a "
                    f"node of the cluster with host:port, or through ray job submit with auto"
                )
            split_address(self.address)
        for name, value in (("cpus", self.cpus), ("gpus", self.gpus)):
            if not (math.isfinite(value) and value >= 0 and (value < 1 or value == int(value))):
                raise InputError(f"{name}={value} must be a whole number, or a share within 0..1")
        if self.cpus == self.gpus == 0:
            raise InputError("a task of 0 CPUs and 0 GPUs: Ray would run all tasks at once; give it a CPU or a GPU")


def split_address(text: str) -> tuple[str, int]:
    """Return host and port of 'host:port', such as ('10.0.0.1', 6379); InputError for text of another form."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(f"{text!r} is neither host:port of a Ray cluster, such as 10.0.0.1:6379, nor auto")
    return host.strip("[]"), int(port)


def answering(address: str) -> str:
    """Return ``address`` with 'auto' replaced by RAY_ADDRESS; InputError where that is not set, OutcomeError when no
    connection to the address is possible."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "")
        if not address:
            raise InputError(
                "auto means the address in RAY_ADDRESS, which is not set; give host:port of the cluster's head"
            )
    try:
        socket.create_connection(split_address(address), timeout=REACH_S).close()
    except OSError as error:
        raise OutcomeError(
            f"no Ray cluster answers at {address}: {error.strerror or error}; ray start --head prints the address"
        ) from error
    return address
