"""The test vectors of ports of the policy: what they say is what the policy does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from edgenas.adaptive.device.policy import Policy
from edgenas.adaptive.traces import DRAWN, drawn
from tests.conftest import ROOT

VECTORS = ROOT / "docs" / "adaptive-policy-vectors.json"
MENU = [6.0, 7.5, 9.0, 12.0, 15.0, 20.0]


def vectors() -> list[dict[str, Any]]:
    """Cases of 400 frames, with times as short decimals; write them to VECTORS where the policy changes."""
    found = []
    for seed, name in enumerate(DRAWN):
        policy, frames, networks = Policy(MENU, 21.2), [], []
        slowdowns, noise = drawn(name, seed, 12_000)
        first = policy.now
        for slowdown, factor in zip(slowdowns[::30], noise[::30], strict=True):
            ms = round(MENU[policy.now] * float(slowdown) * float(factor), 3)
            frames.append(ms)
            networks.append(policy.frame(ms))
        settings = {"quantile": 0.9, "fast": 2, "slow": 30, "margin": 0.05}
        case = {"name": name, "ms": MENU, "budget_ms": 21.2, **settings, "first": first}
        found.append({**case, "frames": frames, "networks": networks})
    return found


def test_the_vectors_are_what_the_policy_does() -> None:
    cases = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert cases == vectors()
    assert len({network for case in cases for network in case["networks"]}) >= 5
    assert all(np.diff(case["networks"]).any() for case in cases)


def test_the_port_is_short() -> None:
    assert len((ROOT / "docs" / "adaptive-policy.kt").read_text(encoding="utf-8").split("\n")) <= 150
