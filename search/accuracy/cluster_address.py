"""Cluster: which Ray cluster, and how much of a node one task takes."""

from __future__ import annotations

import math
import os
import socket
from dataclasses import dataclass

from edgenas.base.errors import InputError, OutcomeError

REACH_S = 10.0  #: for the first answer; Ray itself tries for minutes


@dataclass(frozen=True, slots=True)
class RayAddress:
    """Where tasks run.

    address  'host:port' of the head, as ``ray start --head`` prints it, or 'auto': what RAY_ADDRESS names, as in a job
    cpus     of a node, a task: what Ray counts, nothing is pinned; trainings use one thread
    gpus     likewise; a share below 1 is one GPU with others on it. Only for judges that use them
    """

    address: str
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if self.address != "auto":
            if self.address.startswith("ray://"):
                raise InputError(
                    f"{self.address!r} is Ray Client's, which cannot be relied on to end tasks; run this on a node of "
                    f"the cluster with host:port, or through ray job submit with auto"
                )
            split_address(self.address)
        for name, value in (("cpus", self.cpus), ("gpus", self.gpus)):
            if not (math.isfinite(value) and value >= 0 and (value < 1 or value == int(value))):
                raise InputError(f"{name}={value} must be a whole number, or a share within 0..1")
        if self.cpus == self.gpus == 0:
            raise InputError("a task of 0 CPUs and 0 GPUs: Ray would run all of them at once; give it one of either")


def split_address(text: str) -> tuple[str, int]:
    """('10.0.0.1', 6379) of '10.0.0.1:6379'."""
    host, colon, port = text.rpartition(":")
    if not (colon and host and port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(f"{text!r} is neither host:port of a Ray cluster, such as 10.0.0.1:6379, nor auto")
    return host.strip("[]"), int(port)


def answering(address: str) -> str:
    """``address`` with 'auto' replaced; OutcomeError unless something answers there."""
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS", "")
        if not address:
            raise InputError(
                "auto is what RAY_ADDRESS names, and that is not set; give host:port of the cluster's head"
            )
    try:
        socket.create_connection(split_address(address), timeout=REACH_S).close()
    except OSError as error:
        raise OutcomeError(
            f"no Ray cluster answers at {address}: {error.strerror or error}; ray start --head prints the address"
        ) from error
    return address
