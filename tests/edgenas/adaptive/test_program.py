"""``adaptive.py``, the program on the device: one file that switches, keeps caches, and goes on without what is broken.

The tests run the file as it is shipped. Its files of weights are packed by the real runtime.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from edgenas.adaptive.program import PROGRAM, program
from edgenas.profiler.export.run import run_model
from tests.support.menu_toys import INPUT, write_toy_menu

pytest.importorskip("ai_edge_litert")
PIXELS = np.random.default_rng(0).standard_normal(INPUT, dtype=np.float32)


@pytest.fixture
def menu(tmp_path: Path) -> Path:
    write_toy_menu(tmp_path / "menu")
    return tmp_path / "menu"


@pytest.fixture(scope="module")
def adaptive(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The shipped file, imported as a module of its own."""
    path = tmp_path_factory.mktemp("program") / PROGRAM
    path.write_text(program(), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("adaptive_as_shipped", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_processor_without_lse_atomics_gets_the_interpreter(adaptive: ModuleType) -> None:
    pi4, pi5 = "Features\t: fp asimd evtstrm crc32 cpuid\n", "Features\t: fp asimd evtstrm aes crc32 atomics fphp\n"
    assert adaptive.lacks_atomics("aarch64", pi4) and adaptive.lacks_atomics("aarch64", "")
    assert not adaptive.lacks_atomics("aarch64", pi5) and not adaptive.lacks_atomics("x86_64", pi4)


class Chosen:
    """A policy that runs the network it is told to."""

    slowdown = 1.0

    def __init__(self, now: int = 2) -> None:
        self.now = now

    def frame(self, ms: float) -> int:
        return self.now

    def remove(self, network: int) -> None:
        self.now = max(0, min(self.now, network - 1))


def texts(model: Any) -> str:
    return "\n".join(f"{event.network} {event.text}" for event in model.events)


def right(menu: Path, name: str) -> Any:
    return run_model((menu / f"{name}.tflite").read_bytes(), PIXELS)


def test_it_imports_nothing_of_edgenas_and_is_plain_python_3_9() -> None:
    tree = ast.parse(program(), feature_version=(3, 9))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        )
    }  # fmt: skip
    assert imported - set(sys.stdlib_module_names) == {"numpy", "ai_edge_litert", "tflite_runtime", "onnxruntime"}


def test_it_answers_as_the_network_in_use(menu: Path, adaptive: ModuleType, tmp_path: Path) -> None:
    policy = Chosen()
    model = adaptive.AdaptiveModel(menu, cache=tmp_path / "cache", policy=policy)
    for number in (3, 1, 2, 1, 3):
        policy.now = number - 1
        model(PIXELS)
        assert model.now == f"net-{number}"
        np.testing.assert_allclose(model(PIXELS), right(menu, model.now), rtol=1e-4, atol=1e-5)
    assert model.frames == 10 and "in use after" in texts(model) and "removed" not in texts(model)
    with pytest.raises(ValueError, match="pixels have shape"):
        model(PIXELS[:, :8])
    assert model.now == "net-3"


def test_a_slow_device_gets_a_smaller_network_and_its_first_one_back(menu: Path, adaptive: ModuleType) -> None:
    model = adaptive.AdaptiveModel(menu, cache=False)
    ran = model._run
    assert model.now == "net-3"
    for _ in range(3):
        model.policy.frame(7.0)  # 2.3 times slower
    model(PIXELS)
    assert model.now == "net-1" and model._run is not ran
    for _ in range(1500):
        model.policy.frame(model.policy.ms[model.policy.now])
    model(PIXELS)
    assert model.now == "net-3" or model.policy.ratios[-1] > 1.3


def caches(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.cache"))


def broken(kind: str, cache: Path, other: Path) -> None:
    """Break a cache; its checksum then fits, as where a disk or a program did it before the checksum was made."""
    import zlib

    whole = cache.read_bytes()
    content = {
        "another model's": other.read_bytes(),
        "half": whole[: len(whole) // 2],
        "zeros": bytes(4096),
        "zeros inside": whole[:3000] + bytes(2000) + whole[5000:],
    }[kind]
    cache.write_bytes(content)
    cache.with_suffix(".json").write_text(json.dumps([len(content), zlib.crc32(content)]))


@pytest.mark.parametrize("kind", ["another model's", "half", "zeros", "zeros inside"])
def test_a_wrong_cache_is_found_by_the_probe_and_written_again(
    menu: Path, adaptive: ModuleType, tmp_path: Path, kind: str
) -> None:
    folder, policy = tmp_path / "cache", Chosen()
    first = adaptive.AdaptiveModel(menu, cache=folder, policy=policy)
    if not first.runtime.caches:
        pytest.skip("this LiteRT has no cache of packed weights")
    policy.now = 0
    first(PIXELS)
    big, small = (folder / f"{first.networks[i]['files']['tflite']['sha256'][:32]}-{first.runtime.name}.cache"
                  for i in (2, 0))  # fmt: skip
    assert set(caches(folder)) == {big, small}
    broken(kind, big, small)
    if kind == "another model's":
        wrong = adaptive.AdaptiveModel(menu, cache=folder, policy=Chosen(), probe=False)
        np.testing.assert_allclose(wrong(PIXELS), right(menu, "net-1"), rtol=1e-4, atol=1e-5)  # not net-3
    model = adaptive.AdaptiveModel(menu, cache=folder, policy=Chosen())
    np.testing.assert_allclose(model(PIXELS), right(menu, "net-3"), rtol=1e-4, atol=1e-5)
    if kind in ("another model's", "zeros inside"):
        assert "its cache was wrong and is written again" in texts(model)
    again = adaptive.AdaptiveModel(menu, cache=folder, policy=Chosen())
    np.testing.assert_allclose(again(PIXELS), right(menu, "net-3"), rtol=1e-4, atol=1e-5)


def test_a_cache_without_its_checksum_is_never_read(menu: Path, adaptive: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "cache"
    model = adaptive.AdaptiveModel(menu, cache=folder, policy=Chosen())
    if not model.runtime.caches:
        pytest.skip("this LiteRT has no cache of packed weights")
    (cache,) = caches(folder)
    cache.write_bytes(cache.read_bytes()[:-100])  # its checksum is that of the whole
    model = adaptive.AdaptiveModel(menu, cache=folder, policy=Chosen())
    np.testing.assert_allclose(model(PIXELS), right(menu, "net-3"), rtol=1e-4, atol=1e-5)
    assert "removed" not in texts(model) and json.loads(cache.with_suffix(".json").read_text())[0] == len(
        cache.read_bytes()
    )


def test_missing_and_damaged_files_leave_the_others(menu: Path, adaptive: ModuleType) -> None:
    (menu / "net-3.tflite").unlink()
    content = (menu / "net-2.tflite").read_bytes()
    (menu / "net-2.tflite").write_bytes(content[:-40] + bytes(40))
    model = adaptive.AdaptiveModel(menu, cache=False)
    assert model.now == "net-1" and len(model.networks) == 1
    assert "net-3 removed: [Errno 2]" in texts(model)
    assert "net-2 removed: the sha256 of net-2.tflite is not that of the menu" in texts(model)
    model(PIXELS)
    (menu / "net-1.tflite").unlink()
    with pytest.raises(RuntimeError, match=r"no network of .* can be run: net-3 removed"):
        adaptive.AdaptiveModel(menu, cache=False)


def test_a_file_that_goes_missing_later_is_left_out_and_the_service_goes_on(menu: Path, adaptive: ModuleType) -> None:
    policy = Chosen(2)
    model = adaptive.AdaptiveModel(menu, cache=False, policy=policy)
    (menu / "net-2.tflite").unlink()
    policy.now = 1
    model(PIXELS)
    assert model.now == "net-1" and "net-2 removed" in texts(model)
    np.testing.assert_allclose(model(PIXELS), right(menu, "net-1"), rtol=1e-4, atol=1e-5)


def test_a_folder_that_cannot_be_written_means_no_caches(menu: Path, adaptive: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    model = adaptive.AdaptiveModel(menu, cache=tmp_path / "file" / "cache", policy=Chosen())
    np.testing.assert_allclose(model(PIXELS), right(menu, "net-3"), rtol=1e-4, atol=1e-5)
    assert "removed" not in texts(model)


def test_where_memory_is_short_only_one_network_is_held(
    menu: Path, adaptive: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy, held = Chosen(2), []
    model = adaptive.AdaptiveModel(menu, cache=False, policy=policy)
    build = model.runtime.build

    def watched(path: Any, cache: str) -> Any:
        held.append(model._run)
        return build(path, cache)

    model.runtime = model.runtime._replace(build=watched)
    for short in (False, True):
        monkeypatch.setattr(adaptive, "memory_is_short", lambda size, short=short: short)
        policy.now = 1 - policy.now % 2
        model(PIXELS)
    assert held[0] is not None and held[1] is None


@pytest.mark.slow
def test_kill_in_the_middle_of_writing_a_cache_leaves_nothing_that_is_believed(menu: Path, tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); from adaptive import AdaptiveModel\n"
        "model = AdaptiveModel(sys.argv[1], cache=sys.argv[2])\n"
        "print('ready', flush=True)\n"
        "i = 0\n"
        "while True:\n"
        "    i += 1; model._caches.new(model.networks[-1]['files']['tflite']['sha256'])\n"
        "    model._used = {}; model._follow()\n"
    )
    argv = [sys.executable, "-I", "-c", code, str(menu), str(tmp_path / "cache")]
    for wait_s in (0.0, 0.004, 0.011):
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
            assert child.stdout is not None and child.stdout.readline() == "ready\n"
            time.sleep(wait_s)
            os.kill(child.pid, signal.SIGKILL)
        check = (
            "import sys, numpy as np; sys.path.insert(0, sys.argv[1]); from adaptive import AdaptiveModel\n"
            "m = AdaptiveModel(sys.argv[1], cache=sys.argv[2]); x = np.load(sys.argv[3])\n"
            "print(m.now, *m(x).ravel().tolist())"
        )
        np.save(tmp_path / "x.npy", PIXELS)
        done = subprocess.run(
            [sys.executable, "-I", "-c", check, str(menu), str(tmp_path / "cache"), str(tmp_path / "x.npy")],
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        name, *scores = done.stdout.split()
        assert name == "net-3"
        np.testing.assert_allclose([list(map(float, scores))], right(menu, "net-3"), rtol=1e-4, atol=1e-5)
        assert list((tmp_path / "cache").glob("*.partial")) == []


@pytest.mark.slow
def test_switches_leave_no_memory_and_no_descriptor(menu: Path, adaptive: ModuleType, tmp_path: Path) -> None:
    policy = Chosen()
    model = adaptive.AdaptiveModel(menu, cache=tmp_path / "cache", policy=policy)

    def resident_kib() -> int:
        lines = Path("/proc/self/status").read_text(encoding="ascii").split("\n")
        return int(next(line.split()[1] for line in lines if line.startswith("RssAnon:")))

    def switches(count: int) -> None:
        for i in range(count):
            policy.now = i % 3
            model(PIXELS)

    switches(60)
    before, files = resident_kib(), len(list(Path("/proc/self/fd").iterdir()))
    switches(200)
    assert resident_kib() - before < 1024 and len(list(Path("/proc/self/fd").iterdir())) == files
