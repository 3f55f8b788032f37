"""Replay of a policy against a trace: which network each frame runs, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgenas.adaptive.policies import FramePolicy, policies
from edgenas.adaptive.traces import NOISE, Floats

SWITCH_MS = 5.0  #: of a switch to a network, on an undisturbed device
UNEQUAL = 0.02  #: deviation (logarithm) of a network's own slowdown from that of the device, in drawn traces
ORACLE = "oracle, same menu"
_NOISE_P90 = float(np.exp(NOISE * 1.2816))  # the oracle knows the slowdown of a frame, and not its noise


@dataclass(frozen=True, eq=False, slots=True)
class Replay:
    """A policy's frames: the ``network`` of each, and its time in ``ms``.

    menu_ms, accuracies   of each network of the menu
    """

    policy: str
    network: NDArray[np.int64]
    ms: Floats
    menu_ms: Sequence[float]
    accuracies: Sequence[float]
    budget_ms: float

    @property
    def late(self) -> float:
        """Frames over the budget, in percent."""
        return float((self.ms > self.budget_ms).mean() * 100)

    @property
    def accuracy(self) -> float:
        """Mean accuracy of the frames' networks, in percent."""
        return float(np.asarray(self.accuracies)[self.network].mean())

    @property
    def switches(self) -> int:
        """Number of frames whose network is another one than that of the frame before."""
        return int((np.diff(self.network) != 0).sum())

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"policy": self.policy, "late": self.late, "accuracy": self.accuracy, "switches": self.switches}


@dataclass(frozen=True, slots=True)
class ReplayedDevice:
    """The device of a replay: ``ms`` and ``accuracies`` of the menu's networks, ascending, and its budget in ms."""

    ms: Sequence[float]
    accuracies: Sequence[float]
    budget_ms: float
    switch_ms: float = SWITCH_MS

    def run(self, name: str, policy: FramePolicy, slowdowns: Floats, noise: Floats, unequal: Floats) -> Replay:
        """Return the frames of a policy. ``unequal`` is the factor of each network where the device is slower."""
        networks, times = np.zeros(len(slowdowns), np.int64), np.zeros(len(slowdowns))
        last = policy.now
        for i, slowdown in enumerate(slowdowns):
            now = policy.now
            ms = self.ms[now] * slowdown * noise[i] * (unequal[now] if slowdown > 1.02 else 1.0)
            policy.frame(ms)
            times[i] = ms + (self.switch_ms * slowdown if now != last else 0.0)  # a frame waits for its network
            networks[i] = last = now
        return Replay(name, networks, times, self.ms, self.accuracies, self.budget_ms)

    def oracle(self, slowdowns: Floats, noise: Floats, name: str = ORACLE) -> Replay:
        """Return the frames of the policy that knows the slowdown of each frame before it runs."""
        wanted = self.budget_ms / slowdowns / _NOISE_P90
        networks = np.maximum(np.searchsorted(np.asarray(self.ms), wanted, side="right") - 1, 0)
        times = np.asarray(self.ms)[networks] * slowdowns * noise
        return Replay(name, networks, times, self.ms, self.accuracies, self.budget_ms)

    def compare(
        self, own: Mapping[str, Any], slowdowns: Floats, noise: Floats | None = None, seed: int | None = None
    ) -> list[Replay]:
        """Return the replay of each policy on the same frames, and of the oracle.

        own     settings of the menu's policy
        noise   factor of each frame's time; None: the times of the trace have their noise
        seed    draws a factor for each network where the device is slower; None: all networks are slowed alike
        """
        factors = np.ones(len(slowdowns)) if noise is None else noise
        unequal = np.ones(len(self.ms))
        if seed is not None:
            unequal = np.exp(np.random.default_rng(1000 + seed).normal(0, UNEQUAL, len(self.ms)))
        made = policies(self.ms, self.budget_ms, dict(own))
        found = [self.run(name, make(), slowdowns, factors, unequal) for name, make in made.items()]
        return [*found, self.oracle(slowdowns, factors)]
