"""Network cables of test hosts, which can be unplugged and limited.

A cable leads from the lab's network namespace to a new one that the host lives in. ``Veth`` is a plain cable at the
machine's speed, ``tools.rig.wire.Wire`` one with delay and loss. Addresses are 10.199.N.1 here and 10.199.N.2 there.
"""

from __future__ import annotations

from typing import Protocol

from tools.rig import available
from tools.rig.process import RigError, run

#: name of the far end's interface
FAR = "eth0"


class Cable(Protocol):
    """Network connection of a board or phone."""

    namespace: str
    near_ip: str
    far_ip: str

    def unplug(self) -> None:
        """Drop all packets; neither end is notified."""

    def plug(self) -> None: ...

    def limit(self, mbit_per_s: float | None) -> None:
        """Limit the rate of both directions; None ends the limit."""

    def close(self) -> None:
        """Remove the cable and the namespace at its end."""


def claim() -> int:
    """Make the namespace ``rigN`` with the first free N, safely among other processes of the lab; return N.

    Raises:
        RigError: not inside the lab, or no number is free.
    """
    if reason := available.lab():
        raise RigError(reason)
    for number in range(1, 255):
        try:
            run("ip", "netns", "add", f"rig{number}")
        except RigError as error:
            if "File exists" not in str(error):
                raise
        else:
            run("ip", "-n", f"rig{number}", "link", "set", "lo", "up")
            return number
    raise RigError("254 test hosts are up already; close some")


class Veth:
    """Cable without delay. Unplugging sets the far end down: the near end keeps its route, and packets are lost."""

    def __init__(self) -> None:
        number = claim()
        self.namespace = f"rig{number}"
        self.near_ip, self.far_ip = f"10.199.{number}.1", f"10.199.{number}.2"
        self._near = f"cable{number}"
        run("ip", "link", "add", self._near, "type", "veth", "peer", "name", FAR, "netns", self.namespace)
        run("ip", "addr", "add", f"{self.near_ip}/30", "dev", self._near)
        run("ip", "link", "set", self._near, "up")
        run("ip", "-n", self.namespace, "addr", "add", f"{self.far_ip}/30", "dev", FAR)
        self.plug()

    def unplug(self) -> None:
        run("ip", "-n", self.namespace, "link", "set", FAR, "down")

    def plug(self) -> None:
        run("ip", "-n", self.namespace, "link", "set", FAR, "up")

    def limit(self, mbit_per_s: float | None) -> None:
        for tc, device in ((["tc"], self._near), (["tc", "-n", self.namespace], FAR)):
            if mbit_per_s is None:
                run(*tc, "qdisc", "replace", "dev", device, "root", "noqueue")
            else:
                shape = ("tbf", "rate", f"{mbit_per_s}mbit", "burst", "32kb", "latency", "100ms")
                run(*tc, "qdisc", "replace", "dev", device, "root", *shape)

    def close(self) -> None:
        run("ip", "link", "del", self._near)
        run("ip", "netns", "del", self.namespace)
