"""Parts of ``tools.bench.adaptive``: a menu of large networks, switches, memory, packing; files and their judge."""

from __future__ import annotations

import hashlib
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgenas.adaptive.device.model import AdaptiveModel, probe_input
from edgenas.adaptive.device.pack import unpacked
from edgenas.adaptive.device.runtimes import find_runtime
from edgenas.adaptive.members import Member
from edgenas.adaptive.packing import RECIPES, STORE, packed
from edgenas.adaptive.policies import Fixed
from edgenas.blocks.size import axes
from edgenas.runs.menu import MENU, MENU_FILE, MenuFile, MenuNetwork, SavedMenu
from tools.bench.command import Bar

SWITCHES = 400
MIB = 1024

#: memory of one network in a process of its own: prints KiB of anonymous memory before and after
MEMORY = """
import sys, numpy as np
from pathlib import Path
sys.path.insert(0, sys.argv[4])
from edgenas.adaptive.device.runtimes import _interpreter, find_runtime
from edgenas.adaptive.device.model import probe_input
def kib(): return int(next(l.split()[1] for l in open("/proc/self/status") if l.startswith("RssAnon:")))
path, cache, side = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
runtime = find_runtime(1, ["tflite"], path.parent) if cache else _interpreter(1, path.parent)
pixels = probe_input((1, side, side, 3))
before = kib()
run = runtime.build(path, cache if cache != "-" else "")
run(pixels); run(pixels)
print(before, kib())
"""


@dataclass(frozen=True)
class BigMenu:
    """A menu in ``folder`` with the ``members`` of a supernet of ``space``, and the folder of its caches."""

    folder: Path
    space: Any
    members: list[Member]
    names: list[str]
    caches: Path


def big_menu(folder: Path, nets: int, in_size: int) -> BigMenu:
    """Write a menu of members of OFA-MobileNetV3's space: random shared weights, statistics of noise, times by this
    machine. Accuracies are stand-ins that grow with MACs."""
    import torch

    from edgenas.blocks.torch_modules import network_folded_weights
    from edgenas.profiler.export.run import run_model
    from edgenas.profiler.export.tflite import write_tflite
    from edgenas.search.accuracy.shared_weights import SharedNetwork
    from edgenas.search.accuracy.supernet_torch import extreme
    from edgenas.search.spaces import space

    known = space("ofa_mobilenet_v3", in_size=in_size)
    rng, torch_rng = random.Random(0), torch.Generator().manual_seed(0)
    drawn = sorted({known.sample(rng) for _ in range(60)}, key=lambda choice: known.architecture(choice).macs)
    between = [drawn[round(i * (len(drawn) - 1) / (nets - 1))] for i in range(1, nets - 1)]
    choices = [extreme(known, min), *between, extreme(known, max)]
    network, images = SharedNetwork(known, 0), torch.randn((4, 3, in_size, in_size), generator=torch_rng)
    menu, members, contents = folder / "menu", [], []
    menu.mkdir()
    shape = (1, *axes(known.architecture(choices[0]).in_size), 3)
    for choice in choices:
        module = network.member(choice)
        for layer in module.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
        with torch.inference_mode():
            module.train()(images)
        members.append(Member(choice, module.eval(), 0.0))
        contents.append(write_tflite(known.architecture(choice).blocks, network_folded_weights(module)))
    names = [f"net-{number}" for number in range(1, len(choices) + 1)]
    for name, content in zip(names, contents, strict=True):
        (menu / f"{name}.tflite").write_bytes(content)
    times = _times(menu, names, shape)
    networks = []
    for i, name in enumerate(names):
        architecture, content = known.architecture(choices[i]), contents[i]
        probe: Any = run_model(content, probe_input(shape)).ravel()
        file = MenuFile(
            name=f"{name}.tflite", sha256=hashlib.sha256(content).hexdigest(), bytes=len(content),
            probe=tuple(map(float, probe)), tolerance=1e-3 * float(abs(probe).max()), accuracy=0.0,
        )  # fmt: skip
        ms, accuracy = max(times[: i + 1]), 70 + 5 * i / (nets - 1)
        networks.append(
            MenuNetwork(
                name=name, key=known.key(choices[i]), macs=architecture.macs, params=architecture.params, ms=ms,
                low_ms=ms, high_ms=ms, p90_ms=ms, predicted_ms=ms, accuracy=accuracy, judged=accuracy,
                files={"tflite": file},
            )
        )  # fmt: skip
    saved = SavedMenu(
        space=known.name, data="noise", weights="supernet", input=shape, classes=1000, precision="fp32", threads=1,
        budget_ms=networks[-1].ms * 1.15, slowdown=3.0, device="local", runtime="litert", statistic="median",
        policy={"quantile": 0.9, "fast": 2, "slow": 30, "margin": 0.05}, front="judged", front_networks=nets,
        networks=tuple(networks),
    )  # fmt: skip
    MENU.write(menu / MENU_FILE, saved)
    return BigMenu(menu, known, members, names, folder / "caches")


def _times(menu: Path, names: list[str], shape: tuple[int, ...]) -> list[float]:
    """Return the median time of each network in ms, over interleaved runs."""
    runtime, pixels = find_runtime(1, ["tflite"], menu), probe_input(shape)
    runs = [runtime.build(menu / f"{name}.tflite", "") for name in names]
    found: list[list[float]] = [[] for _ in runs]
    for number in range(17):
        for times, one in zip(found, runs, strict=True):
            began = time.perf_counter()
            one(pixels)
            if number > 1:
                times.append((time.perf_counter() - began) * 1e3)
    return [statistics.median(times) for times in found]


def switches(menu: BigMenu) -> tuple[dict[str, Any], list[Bar]]:
    """Switch between the networks: ms with and without caches, and what SWITCHES switches leave behind."""
    (cached, cached_cpu), (plain, plain_cpu) = _switched(menu, menu.caches, 40), _switched(menu, False, 20)
    policy = Fixed(0)
    model = AdaptiveModel(menu.folder, cache=menu.caches, policy=policy)
    for _ in range(2):
        _cycle(model, policy, 2 * len(menu.names))
    before, files = _anonymous_kib(), _descriptors()
    _cycle(model, policy, SWITCHES)
    left_mib, left_files = (_anonymous_kib() - before) / MIB, _descriptors() - files
    numbers = {
        "cached_ms": cached,
        "cached_cpu_ms": cached_cpu,
        "uncached_ms": plain,
        "uncached_cpu_ms": plain_cpu,
        "left_mib": left_mib,
        "left_files": left_files,
    }
    return numbers, [
        Bar("switch, cached, ms (median)", statistics.median(cached), 5.0),
        Bar("switch, not cached, ms (median)", statistics.median(plain), 30.0),
        Bar("switch, cached, ms of processor time", statistics.median(cached_cpu), 5.0),
        Bar("switch, not cached, ms of processor time", statistics.median(plain_cpu), 30.0),
        Bar(f"{SWITCHES} switches: MiB more", left_mib, 1.0),
        Bar(f"{SWITCHES} switches: descriptors left", left_files, 0),
    ]


def _switched(menu: BigMenu, cache: Any, count: int) -> tuple[list[float], list[float]]:
    """Return ms, and ms of this thread's processor time, of switches to the largest network, after each network was
    used once."""
    policy = Fixed(0)
    model = AdaptiveModel(menu.folder, cache=cache, policy=policy)
    _cycle(model, policy, len(menu.names))
    found, processor = [], []
    for _ in range(count):
        for number in (0, len(menu.names) - 1):
            policy.now = number
            began, computed = time.perf_counter(), time.thread_time()
            model._follow()
            ms, cpu_ms = (time.perf_counter() - began) * 1e3, (time.thread_time() - computed) * 1e3
        found.append(ms)
        processor.append(cpu_ms)
    return found, processor


def _cycle(model: AdaptiveModel, policy: Fixed, count: int) -> None:
    for number in range(count):
        policy.now = number % len(model.networks)
        model._follow()


def _anonymous_kib() -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").split("\n")
    return int(next(line.split()[1] for line in lines if line.startswith("RssAnon:")))


def _descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def switch_memory(menu: BigMenu) -> tuple[dict[str, Any], list[Bar]]:
    """Measure the anonymous memory of the largest network in fresh processes: by a cache, and by the Interpreter."""
    path = menu.folder / f"{menu.names[-1]}.tflite"
    side = MENU.read(menu.folder / MENU_FILE).input[1]
    model = AdaptiveModel(menu.folder, cache=menu.caches, policy=Fixed(len(menu.names) - 1))
    cache = model._caches.known(model._file(model.networks[-1])["sha256"])
    found = {}
    for name, where in (("cached_mib", cache), ("interpreter_mib", "")):
        argv = [sys.executable, "-c", MEMORY, str(path), where, str(side), str(Path.cwd())]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        before, after = map(int, done.stdout.split())
        found[name] = (after - before) / MIB
    share = found["cached_mib"] / found["interpreter_mib"]
    return found, [Bar("memory of one network, cached / Interpreter", share, 0.5)]


def pack_share(menu: BigMenu) -> tuple[dict[str, Any], list[Bar]]:
    """Pack the menu; its size against the largest file, and the largest difference of outputs."""
    from edgenas.profiler.export.run import run_model

    files = [f"{name}.tflite" for name in menu.names]
    contents = [(menu.folder / file).read_bytes() for file in files]
    store = packed(menu.space, menu.members, files, contents)
    folder = menu.folder.parent / "packed"
    folder.mkdir()
    for name, content in store.items():
        (folder / name).write_bytes(content)
    share = sum(map(len, store.values())) / max(map(len, contents))
    apart, pixels = 0.0, probe_input(MENU.read(menu.folder / MENU_FILE).input)
    began = time.perf_counter()
    made = [unpacked(folder, {"store": STORE, "recipes": RECIPES}, file) for file in files]
    ms = (time.perf_counter() - began) * 1e3 / len(files)
    for one, content in zip(made, contents, strict=True):
        ours, theirs = run_model(one, pixels), run_model(content, pixels)
        apart = max(apart, float(np.abs(ours - theirs).max() / np.abs(theirs).max()))
    numbers = {"share": share, "outputs_apart": apart, "unpack_ms": ms, "networks": len(files)}
    return numbers, [Bar(f"pack: disk of {len(files)} networks / the largest file", share, 1.15)]


def files_and_judge(folder: Path) -> tuple[dict[str, Any], list[Bar]]:
    """Train a small supernet on scikit-learn's digits, and compare the accuracy of the files of some members with that
    of their judge."""
    from edgenas.blocks.torch_modules import network_folded_weights
    from edgenas.profiler.export.run import run_model
    from edgenas.profiler.export.tflite import write_tflite
    from edgenas.search.accuracy.supernet import SupernetAccuracy
    from edgenas.search.accuracy.supernet_torch import extreme
    from edgenas.search.spaces import space
    from edgenas.training.data import SupernetRecipe, TrainRecipe
    from edgenas.training.digits import digits

    known, data = space("digits", in_size=16), digits(16)
    recipe = SupernetRecipe(TrainRecipe(epochs=3, batch=64))
    judge = SupernetAccuracy(known, data, recipe, checkpoint=folder / "supernet.npz").full_size()
    rng = random.Random(0)
    choices = [extreme(known, min), *(known.sample(rng) for _ in range(4)), extreme(known, max)]
    images = data.normalised(data.validation_images)
    apart = []
    for choice in choices:
        module, judged = judge.member(choice), judge.accuracy(choice)
        blocks = known.architecture(choice).blocks
        scores = run_model(write_tflite(blocks, network_folded_weights(module)), images)
        apart.append(abs(float((scores.argmax(1) == data.validation_labels).mean() * 100) - judged))
    numbers = {"apart": apart}
    return numbers, [Bar("file against its judge, points", max(apart), 0.1)]
