"""Run the most accurate network of a menu that keeps its budget on this device, as fast as the device is now.

    model = AdaptiveModel("adaptive")         the folder of menu.json
    scores = model(pixels)                    float32 (1, height, width, channels), normalised
    model.now, model.slowdown, model.events   network in use; time of a frame / time in the menu; what happened

Needs Python 3.9, numpy, and one of ai-edge-litert, tflite-runtime, onnxruntime. One object serves one thread.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgenas.adaptive.device.caches import Caches, state_of
from edgenas.adaptive.device.pack import unpacked
from edgenas.adaptive.device.policy import Policy
from edgenas.adaptive.device.runtimes import Run, find_runtime, in_float

VERSION = 1  #: of menu.json


class Event(NamedTuple):
    """What happened to a ``network`` after ``frame`` frames."""

    frame: int
    network: str
    text: str


def probe_input(shape: Sequence[int]) -> Any:
    """Return the input of the probe, float32 in -1 .. 1: element i is (i * 2654435761 mod 2^32) / 2^31 - 1."""
    levels = np.arange(int(np.prod(shape)), dtype=np.uint64) * np.uint64(2654435761) % np.uint64(1 << 32)
    return (levels.astype(np.float64) / (1 << 31) - 1).astype(np.float32).reshape(tuple(shape))


class AdaptiveModel:
    """The networks of the menu in ``folder`` as one function from pixels to scores.

    budget_ms   budget in ms (default: that of the menu)
    threads     threads of the runtime (default: those with which the menu was timed)
    cache       folder of packed weights; True: $XDG_CACHE_HOME/edgenas or ~/.cache/edgenas; False: none
    probe       False: the answers of networks are not checked
    policy      another policy: an object with ``now``, ``slowdown``, ``frame(ms)`` and ``remove(network)``

    RuntimeError where no network can be used; its text has the events.
    """

    def __init__(
        self,
        folder: Any,
        budget_ms: float | None = None,
        threads: int | None = None,
        cache: Any = True,
        probe: bool = True,
        policy: Any = None,
    ) -> None:
        self.folder = Path(folder)
        self.menu = json.loads((self.folder / "menu.json").read_text(encoding="utf-8"))
        if self.menu.get("format") != "edgenas menu" or self.menu["version"] > VERSION:
            raise RuntimeError(f"{folder}/menu.json is no menu of version {VERSION}: use the adaptive.py beside it")
        self.networks: list[dict[str, Any]] = list(self.menu["networks"])
        self.events: deque[Event] = deque(maxlen=1000)
        self.frames, self.ms = 0, 0.0
        self.runtime = find_runtime(threads or self.menu["threads"], self.networks[0]["files"], self.folder)
        self._caches = Caches(cache if self.runtime.caches else False, self.runtime.name)
        self._probe = probe
        self._known: dict[str, tuple[int, int, int]] = {}  # sha256 of files that were checked -> their state then
        self._answered: set[str] = set()  # sha256 of networks that answered the probe
        self._uncached: set[str] = set()  # sha256 of networks whose cache could not be written
        self._shape = tuple(self.menu["input"])
        self._run: Run | None = None
        self._used: dict[str, Any] = {}
        times = [network["ms"] for network in self.networks]
        self.policy = policy or Policy(times, budget_ms or self.menu["budget_ms"], **self.menu["policy"])
        self._follow()

    @property
    def now(self) -> str:
        """Name of the network in use."""
        return str(self._used["name"])

    @property
    def slowdown(self) -> float:
        """Median of the ratios of the last frames: time of a frame / time of its network in the menu."""
        return float(self.policy.slowdown)

    def __call__(self, pixels: Any) -> Any:
        """Return the scores (1, classes), float32, of one image."""
        pixels = np.asarray(pixels, np.float32)
        if pixels.shape != self._shape:
            raise ValueError(f"pixels have shape {pixels.shape}, but the networks take {self._shape}")
        while True:
            began = time.perf_counter()
            try:
                assert self._run is not None
                scores = self._run(pixels)
                break
            except Exception as error:
                self._remove(error)
                self._follow()
        self.ms = (time.perf_counter() - began) * 1e3
        self.frames += 1
        self.policy.frame(self.ms)
        self._follow()
        return scores

    def _follow(self) -> None:
        """Take the network that the policy chose; a network that cannot be used is removed, and the next one taken."""
        while self._used is not self.networks[self.policy.now]:
            network, began = self.networks[self.policy.now], time.perf_counter()
            try:
                if memory_is_short(self._file(network).get("bytes", 0)):
                    self._run, self._used = None, {}
                self._run, self._used = self._prepared(network), network
            except Exception as error:
                self._remove(error)
            else:
                self._say(network, f"in use after {(time.perf_counter() - began) * 1e3:.1f} ms")

    def _remove(self, error: Exception) -> None:
        network = self.networks.pop(self.policy.now)
        self._say(network, f"removed: {error}")
        if not self.networks:
            told = "; ".join(f"{event.network} {event.text}" for event in self.events)
            raise RuntimeError(f"no network of {self.folder} can be run: {told}")
        self.policy.remove(self.policy.now)

    def _say(self, network: dict[str, Any], text: str) -> None:
        self.events.append(Event(self.frames, network["name"], text))

    def _file(self, network: dict[str, Any]) -> dict[str, Any]:
        file: dict[str, Any] = network["files"][self.runtime.format]
        return file

    def _prepared(self, network: dict[str, Any]) -> Run:
        """Return a network ready to run, with its cache where that is right, else with a new one, else without."""
        file = self._file(network)
        model, digest = self._model(file), file["sha256"]
        believed = self._caches.believed(digest)
        if known := self._caches.known(digest):
            try:
                return self._checked(model, known, network, check=not believed)
            except Exception as error:
                self._say(network, f"its cache was wrong and is written again: {error}")
        if digest not in self._uncached and (made := self._caches.new(digest)):
            try:
                run = self._checked(model, made, network, check=True)
                self._caches.keep(digest, made)
                return run
            except Exception as error:
                self._uncached.add(digest)
                self._say(network, f"it runs without a cache: {error}")
        return self._checked(model, "", network, check=digest not in self._answered)

    def _model(self, file: dict[str, Any]) -> Any:
        """Return the path of a file whose sha256 is that of the menu, or the content of one that is packed."""
        digest = file["sha256"]
        if self.menu.get("pack"):
            content = unpacked(self.folder, self.menu["pack"], file["name"])
            if digest not in self._answered and hashlib.sha256(content).hexdigest() != digest:
                raise ValueError(f"the sha256 of {file['name']} is not that of the menu")
            return content
        path = self.folder / file["name"]
        state = state_of(path)
        if self._known.get(digest) != state:
            if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                raise ValueError(f"the sha256 of {path.name} is not that of the menu")
            self._known[digest] = state
        return path

    def _checked(self, model: Any, cache: str, network: dict[str, Any], check: bool) -> Run:
        """Build a network; ValueError unless it answers the probe as in the menu."""
        file = self._file(network)
        run = in_float(self.runtime.build(model, cache), file.get("stored"))
        if check and self._probe:
            wanted = np.array(file["probe"], np.float32)
            apart = float(np.abs(run(probe_input(self._shape)).ravel() - wanted).max())
            limit = file["tolerance"]
            if not apart <= limit:
                raise ValueError(f"its answer to the probe is wrong by {apart:.3g}, more than {limit:.3g}")
        self._answered.add(file["sha256"])
        return run


def memory_is_short(model_bytes: int) -> bool:
    """Return whether the memory that is available is less than four times the size of a model."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").split("\n")
        (kib,) = (int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError):
        return False
    return kib * 1024 < 4 * model_bytes
