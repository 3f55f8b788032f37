"""Run a menu on this device, under a load in the middle third of the time, and write every frame. Python 3.9 and numpy.

    python3 trial_runner.py task.json OUT

``adaptive.py`` lies in the folder of the menu, which task.json names. OUT gets JSON lines: a header with "format", one
line for each frame {"t", "network", "ms", "loaded"}, and a last line with "format" and the events.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MOST_FRAMES = 300_000
PERIOD_S = 0.1  #: of a load: busy for its share, then asleep

#: busy for a share of each period, until the parent ends; prints its priority
LOAD = """
import os, sys, time
share, period, parent = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
try:
    os.nice(-10)
except OSError:
    pass
print(os.nice(0), flush=True)
while os.getppid() == parent:
    began = time.perf_counter()
    while time.perf_counter() - began < share * period:
        pass
    time.sleep((1 - share) * period)
"""


def cpus() -> int:
    """Return the number of CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def start_load(share: float) -> list[subprocess.Popen[str]]:
    """Start one process for each CPU that is busy for ``share`` of the time, of higher priority where that is
    allowed."""
    argv = [sys.executable, "-c", LOAD, str(share), str(PERIOD_S), str(os.getpid())]
    return [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, encoding="utf-8") for _ in range(cpus())]


def end_load(load: list[subprocess.Popen[str]]) -> None:
    """End the processes of a load."""
    for process in load:
        process.kill()
    for process in load:
        process.communicate()


def main(task: dict[str, Any], out: Path) -> None:
    """Run the trial; frames are written at the end, so that writing takes no time from them."""
    sys.path.insert(0, task["menu"])
    from adaptive import AdaptiveModel, probe_input  # type: ignore[import-not-found]

    model = AdaptiveModel(task["menu"], budget_ms=task["budget_ms"], cache=task["cache"])
    pixels = probe_input(model.menu["input"])
    frames: list[tuple[float, str, float, bool]] = []
    load: list[subprocess.Popen[str]] = []
    seconds = task["seconds"]
    began = time.perf_counter()
    priority = ""
    try:
        while len(frames) < MOST_FRAMES:
            now = time.perf_counter() - began
            if now >= seconds:
                break
            if not load and task["share"] and seconds / 3 <= now < 2 * seconds / 3:
                load = start_load(task["share"])
                streams = [process.stdout for process in load if process.stdout]
                priority = " ".join(stream.readline().strip() for stream in streams)
            elif load and now >= 2 * seconds / 3:
                end_load(load)
                load = []
            before = time.perf_counter()
            name = model.now
            model(pixels)
            frames.append((now, name, (time.perf_counter() - before) * 1e3, bool(load)))
    finally:
        end_load(load)
    header = {
        "format": "edgenas trial",
        "version": 1,
        "runtime": model.runtime.name,
        "load": task["load"],
        "load_priority": priority,
        "budget_ms": task["budget_ms"] or model.menu["budget_ms"],
        "seconds": seconds,
    }
    with out.open("w", encoding="utf-8") as file:
        file.write(json.dumps(header) + "\n")
        for at, name, ms, loaded in frames:
            row = {"t": round(at, 4), "network": name, "ms": round(ms, 4), "loaded": loaded}
            file.write(json.dumps(row) + "\n")
        events = [list(event) for event in model.events]
        file.write(json.dumps({"format": "edgenas trial events", "events": events}) + "\n")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2]))
