"""Trials: a menu on its device under a real load, and what came of every frame."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.json_text import parse_line
from edgenas.base.listener import SILENT, Listener
from edgenas.base.reading import read_bytes
from edgenas.base.text import printable

if TYPE_CHECKING:
    from edgenas.devices.inventory import Entry
    from edgenas.runs.menu import SavedMenu

FORMAT = "edgenas trial"
VERSION = 1  #: of the format of trials
LEAST_S, MOST_S = 3.0, 3600.0
START_S = 120.0  #: a device has so long to start, beside the seconds of the trial


@dataclass(frozen=True, slots=True)
class TrialFrame:
    """A frame: seconds since the start, its network, its time in ms, and whether the load ran."""

    t: float
    network: str
    ms: float
    loaded: bool


@dataclass(frozen=True)
class AdaptiveTrial:
    """A trial: ``load`` and its priority as the device gave them, its frames, and the events of the program."""

    device: str
    runtime: str
    load: str
    load_priority: str
    budget_ms: float
    seconds: float
    frames: tuple[TrialFrame, ...]
    events: tuple[tuple[int, str, str], ...]

    def late(self, loaded: bool | None = None) -> float:
        """Return the frames over the budget in percent; of those under load, or of the others, where ``loaded`` says
        so. nan without frames."""
        found = [frame.ms > self.budget_ms for frame in self.frames if loaded in (None, frame.loaded)]
        return 100 * sum(found) / len(found) if found else float("nan")

    @property
    def back_after_s(self) -> float | None:
        """Seconds from the end of the load to the first network again; None where it did not come back."""
        ended = max((frame.t for frame in self.frames if frame.loaded), default=None)
        if ended is None:
            return None
        first = self.frames[0].network
        return next((frame.t - ended for frame in self.frames if frame.t > ended and frame.network == first), None)


def parse_load(text: str) -> float:
    """Return the share 0 .. 1 of a load such as 'cpu:50'; InputError for any other text."""
    found = re.fullmatch(r"cpu:([0-9]{1,3})", text)
    percent = int(found[1]) if found else 0
    if text == "none":
        return 0.0
    if not 1 <= percent <= 100:
        raise InputError(f"--load {text!r} is not cpu:PERCENT from 1 to 100, such as cpu:50, nor none")
    return percent / 100


def run_trial(
    menu: Path,
    saved: SavedMenu,
    entry: Entry,
    *,
    load: str,
    seconds: float,
    budget_ms: float | None = None,
    listener: Listener = SILENT,
) -> AdaptiveTrial:
    """Run a menu on a device for ``seconds``, under ``load`` in the middle third. The device is locked meanwhile.

    InputError where the device has no Python; OutcomeError where the program fails there; DeviceError.
    """
    from edgenas.devices.session.session import Conditions, held
    from edgenas.devices.transports.remote_device import RemoteDevice
    from edgenas.profiler.workers import open_worker

    share = parse_load(load)
    if not LEAST_S <= seconds <= MOST_S:
        raise InputError(f"--seconds {seconds:g} is not from {LEAST_S:g} to {MOST_S:g}")
    if not entry.python:
        raise InputError(f"{entry.name} has no Python, which runs adaptive.py; choose a device with Python: --device")
    worker = open_worker(entry, saved.runtime)
    device = worker.device
    listener.step(f"running {menu} on {entry.name} for {seconds:g} s, {load} from {seconds / 3:.3g} s on")
    try:
        with held(device, Conditions()), device.workdir() as work, tempfile.TemporaryDirectory() as here:
            task = {
                "menu": f"{work}/menu",
                "cache": f"{work}/cache",
                "seconds": seconds,
                "share": share,
                "load": load,
                "budget_ms": budget_ms,
            }
            (Path(here) / "task.json").write_text(json.dumps(task), encoding="utf-8")
            runner = (files("edgenas.adaptive") / "trial_runner.py").read_bytes()
            (Path(here) / "trial_runner.py").write_bytes(runner)
            device.push(menu.resolve(), f"{work}/menu")
            for name in ("task.json", "trial_runner.py"):
                device.push(Path(here) / name, f"{work}/{name}")
            argv = [worker.program, "-B", f"{work}/trial_runner.py", f"{work}/task.json", f"{work}/trial.jsonl"]
            done = device.run(argv, timeout_s=seconds + START_S)
            if done.returncode:
                said = next((line for line in reversed(done.stderr.split("\n")) if line.strip()), "")
                raise OutcomeError(f"{entry.name}: the trial ended with exit code {done.returncode}: {printable(said)}")
            device.pull(f"{work}/trial.jsonl", Path(here) / "trial.jsonl")
            lines = read_bytes(Path(here) / "trial.jsonl").decode("utf-8").split("\n")[:-1]
    finally:
        if isinstance(device, RemoteDevice):
            device.close()
    return parsed(lines, entry.name)


def parsed(lines: Sequence[str], device: str, where: str = "the trial") -> AdaptiveTrial:
    """Return the trial in the lines that the runner wrote; InputError for others."""
    try:
        header = parse_line(lines[0])
        last = parse_line(lines[-1])
        frames = tuple(TrialFrame(**parse_line(line)) for line in lines[1:-1])
        if header["format"] != FORMAT or header["version"] != VERSION or not frames:
            raise ValueError("no frames")
        return AdaptiveTrial(
            header.get("device", device),
            header["runtime"],
            header["load"],
            header["load_priority"],
            header["budget_ms"],
            header["seconds"],
            frames,
            tuple((int(frame), str(name), str(text)) for frame, name, text in last["events"]),
        )
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"{where} is no trial of version {VERSION} ({error}); try again: edgenas adapt try") from error


def trial_text(trial: AdaptiveTrial) -> str:
    """Return the lines of a trial, which ``parsed`` and ``edgenas.adaptive.traces`` read."""
    header = {
        "format": FORMAT, "version": VERSION, "device": trial.device, "runtime": trial.runtime, "load": trial.load,
        "load_priority": trial.load_priority, "budget_ms": trial.budget_ms, "seconds": trial.seconds,
    }  # fmt: skip
    rows = [{"t": f.t, "network": f.network, "ms": f.ms, "loaded": f.loaded} for f in trial.frames]
    last = {"format": "edgenas trial events", "events": [list(event) for event in trial.events]}
    return "".join(json.dumps(row) + "\n" for row in (header, *rows, last))
