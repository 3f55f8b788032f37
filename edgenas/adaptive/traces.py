"""Traces: how much slower than measured the device is, frame by frame. Four that are drawn, and recorded ones.

A recorded trace is a file of JSON lines, one for each frame: {"network": "net-3", "ms": 14.2}, or {"slowdown": 1.3}. A
first line may be a header with "format". Other fields are ignored; ``edgenas adapt try`` writes such a file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_json
from edgenas.base.naming import there_are
from edgenas.base.reading import read_bytes

FRAMES = 12_000  #: of a drawn trace
NOISE = 0.03  #: standard deviation of the logarithm of a frame's time
Floats = NDArray[np.float64]


def step(rng: np.random.Generator, frames: int) -> Floats:
    """Thermal throttling: 1.4 times slower in the second quarter, then 5 % of the frames to recover."""
    made, recovery = np.ones(frames), frames // 20
    made[frames // 4 : frames // 2] = 1.4
    made[frames // 2 : frames // 2 + recovery] = np.linspace(1.4, 1, recovery)
    return made


def stairs(rng: np.random.Generator, frames: int) -> Floats:
    """A phone that gets warmer for ten minutes, from 19 to 15, 12 and 9 frames a second (opendatacam-mobile#6)."""
    at = [0, 0.15, 0.16, 0.4, 0.41, 0.7, 0.71, 1]
    return np.interp(np.arange(frames), np.multiply(at, frames), [1, 1, 1.25, 1.25, 1.55, 1.55, 2.1, 2.1])


def bursts(rng: np.random.Generator, frames: int) -> Floats:
    """Another process that starts every 300 frames on average, for about 60 frames: 1.3 to 2.2 times slower."""
    made, at = np.ones(frames), 0
    while at < frames:
        at += int(rng.exponential(300))
        length = int(rng.exponential(60)) + 5
        made[at : at + length] = rng.uniform(1.3, 2.2)
        at += length
    return made


def step_and_bursts(rng: np.random.Generator, frames: int) -> Floats:
    """Both: the step, and bursts of 0.7 times their height on it."""
    return step(rng, frames) * (1 + (bursts(rng, frames) - 1) * 0.7)


DRAWN = {"step": step, "stairs": stairs, "bursts": bursts, "step-and-bursts": step_and_bursts}


def drawn(name: str, seed: int, frames: int = FRAMES) -> tuple[Floats, Floats]:
    """Return (slowdown, noise) of each frame of a drawn trace. A frame's time is that of the menu times both.

    Noise is log-normal; one frame in a hundred takes 1.3 to 3 times as long.
    """
    rng = np.random.default_rng(seed)
    slowdowns = DRAWN[name](rng, frames)
    noise = np.exp(rng.normal(0, NOISE, frames))
    noise *= np.where(rng.random(frames) < 0.01, rng.uniform(1.3, 3, frames), 1)
    return slowdowns, noise


def recorded(path: Path, ms: Mapping[str, float]) -> Floats:
    """Return the slowdown of each frame of a recorded trace; ``ms`` are the times of the menu's networks by name.

    InputError names the line that is no frame of this menu.
    """
    found: list[float] = []
    for number, line in enumerate(read_bytes(path, "file").decode("utf-8", "replace").split("\n"), 1):
        where = f"{path}, line {number}"
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except ValueError as error:
            raise InputError(f"{where} is no JSON: {line[:60]!r}; write one object for each frame") from error
        if not isinstance(row, dict):
            raise InputError(f'{where} is {line[:60]!r}, not an object such as {{"slowdown": 1.3}}')
        if "format" in row:
            continue
        found.append(_slowdown(row, ms, where))
    if not found:
        raise InputError(f'{path} holds no frame; write lines such as {{"slowdown": 1.3}}')
    return np.array(found)


def _slowdown(row: Mapping[str, object], ms: Mapping[str, float], where: str) -> float:
    value, of = row.get("slowdown"), 1.0
    if value is None:
        name, value = row.get("network"), row.get("ms")
        if not isinstance(name, str) or name not in ms:
            raise InputError(f"{where}: network {name!r} is not in the menu; {there_are(str(name), list(ms))}")
        of = ms[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value > 0):
        raise InputError(f"{where}: {value!r} is no time above 0 in ms, nor a slowdown")
    return value / of
