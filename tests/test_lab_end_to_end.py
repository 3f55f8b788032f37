"""The commands of docs/profile-a-pi.md and docs/profile-a-phone.md, in order, on emulated devices."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from latency_tables.journal import read_table
from search.spaces import space
from tests.conftest import ROOT
from tools.rig import available
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.phone import Phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # everything there is emulated
pytest_plugins = ["tools.rig.fixtures"]

SPACE, SIZE = "nas_bench_macro", "16"  # 18 blocks
ANY = "1e12"  #: ms; two rounds of one process may have an interval of any width
QUICK = [
    "--processes",
    "1",
    "--most-processes",
    "1",
    "--rounds",
    "2",
    "--force",
]  # a busy machine emulates: nothing here is a measurement
TOY_JUDGE = "def judge(network):\n    return sum(block.macs for block in network.blocks) ** 0.3 / 10\n"


class Person:
    """Somebody who types commands in a folder of their own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self._environment = {**os.environ, **environment, "XDG_CONFIG_HOME": str(folder), "PYTHONPATH": str(folder)}

    def types(self, *arguments: str, code: int = 0) -> Any:
        """``edgenas ARGUMENTS --json``, which ends with ``code``; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "edgenas", *arguments, "--json"], cwd=self.folder, env=self._environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900,
        )  # fmt: skip
        assert done.returncode == code, f"edgenas {' '.join(arguments)}: {done.returncode}\n{done.stderr}{done.stdout}"
        return json.loads(done.stdout) if done.stdout.strip() else None


def test_profile_a_pi(board: Board, tmp_path: Path) -> None:
    person = Person(tmp_path, {})
    (tmp_path / "my_judge.py").write_text(TOY_JUDGE)
    key = board.server.new_key("root")
    person.types("devices", "add", "pi4", "--ssh", f"root@{board.ip}", "--key", str(key))
    person.types("profile", SPACE, "--in-size", SIZE, "--device", "pi4", *QUICK, code=1)  # not enrolled
    person.types("devices", "enroll", "pi4", "--fingerprint", board.server.fingerprint())
    rows = person.types("devices", "check", "pi4")
    assert rows
    governor = board.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    for runtime in ("litert", "onnxruntime"):
        told = person.types("profile", SPACE, "--in-size", SIZE, "--device", "pi4", "--runtime", runtime, *QUICK)
        assert (told["missing"], told["failed"]) == (0, 0)
        table = read_table(tmp_path / f"pi4-{runtime}.jsonl")
        assert len(table.blocks) >= 12
        assert not table.missing(space(SPACE, in_size=int(SIZE)).blocks())
        device = dict(table.setting.device)
        assert str(device["model"]).startswith("Raspberry Pi 4 Model B")
        assert device["governor"] == "performance"
    assert board.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == governor
    costs = sorted(table.ms(block) for block in table.blocks)
    budget_ms = f"{sum(costs):.4g}"  # more than any member of the space: what counts here is that it is held against it
    proof = ("--networks", "8", "--processes", "1", "--rounds", "1", "--no-chains", "--force")
    told = person.types("table", "validate", "pi4-litert.jsonl", "--device", "pi4", *proof)
    assert (told["space"], len(told["networks"]), told["way"]) == (SPACE, 8, "alone")
    person.types("search", SPACE, "--in-size", SIZE, "--table", "pi4-litert.jsonl", "--budget-ms", budget_ms,
                 "--accuracy", "my_judge:judge", "--algorithm", "layernas")  # fmt: skip
    person.types("export", "search.json", "-o", "model")
    (verdict,) = person.types(
        "verify", "model/model.tflite", "--device", "pi4", "--budget-ms", ANY, "--network", "search.json",
        "--table", "pi4-litert.jsonl", *QUICK,
    )  # fmt: skip
    assert (verdict["within_budget"], verdict["device"], verdict["runtime"]) == (True, "pi4", "litert")
    assert verdict["predicted_ms"] > 0
    left = sorted(path.name for path in board.root.glob("tmp/*") if not path.name.startswith("edgenas-"))
    assert left == [], "nothing is left there but our folder"


def test_profile_a_phone(phone: Phone, adb: Adb, benchmark_model: Path, tmp_path: Path) -> None:
    person = Person(tmp_path, {name: adb.environment[name] for name in adb.environment if "A" in name[:2]})
    phone.set_battery(80, 31.0)
    phone.set_thermal(0)
    person.types("devices", "add", "pixel", "--adb", phone.serial, "--benchmark-model", str(benchmark_model))
    written = (tmp_path / "devices.toml").read_text()
    assert hashlib.sha256(benchmark_model.read_bytes()).hexdigest() in written
    person.types("devices", "check", "pixel")
    told = person.types("profile", SPACE, "--in-size", SIZE, "--device", "pixel", *QUICK)
    assert (told["missing"], told["failed"]) == (0, 0)
    table = read_table(tmp_path / "pixel-benchmark_model.jsonl")
    assert len(table.blocks) >= 12
    device = dict(table.setting.device)
    assert (device["model"], device["governor"]) == ("Google Pixel 6", "fixed-performance")
    assert not phone.fixed_performance()
    proof = ("--networks", "8", "--processes", "1", "--rounds", "1", "--no-chains", "--force")
    told = person.types("table", "validate", "pixel-benchmark_model.jsonl", "--device", "pixel", *proof)
    assert (told["space"], len(told["networks"]), told["way"]) == (SPACE, 8, "alone")
    person.types("export", "mobilenet_v3_small", "--in-size", "64", "-o", "model")
    (verdict,) = person.types("verify", "model/model.tflite", "--device", "pixel", "--budget-ms", ANY, *QUICK)
    assert (verdict["within_budget"], verdict["runtime"]) == (True, "benchmark_model")


def test_prepare_puts_a_runtime_on_a_board_without_internet(new_board: Callable[..., Board], tmp_path: Path) -> None:
    if reason := available.board_wheels():
        pytest.skip(reason)
    board = new_board(runtimes=False, venv=False)  # as Debian installs it, without python3-venv
    person = Person(tmp_path, {})
    key = board.server.new_key("pi")
    person.types("devices", "add", "pi4", "--ssh", f"pi@{board.ip}", "--key", str(key))
    person.types("devices", "enroll", "pi4", "--fingerprint", board.server.fingerprint())
    block = ("--block", "conv-8x3-o4-k3-s1-relu6")
    person.types("profile", *block, "--device", "pi4", *QUICK, code=1)  # nothing there to run it
    wheels = str(available.BOARD_WHEELS)
    told = person.types("devices", "prepare", "pi4", "--wheels", wheels, "--write")
    assert f'python = "{told["python"]}"' in (tmp_path / "devices.toml").read_text()
    assert person.types("profile", *block, "--device", "pi4", *QUICK)["missing"] == 0
    assert person.types("devices", "prepare", "pi4", "--wheels", wheels)["python"] == told["python"], "nothing to do"


def test_the_same_runner_under_tflite_runtime(new_board: Callable[..., Board], tmp_path: Path) -> None:
    """Version 2.14 with numpy 1, which is what boards of 32 bits get."""
    if not (available.RUNTIMES_LAYER / "opt/site-tflite/tflite_runtime").is_dir():
        pytest.skip(f"no tflite-runtime in {available.RUNTIMES_LAYER}; {available.INSTALL}")
    board = new_board(environment={"PYTHONPATH": "/opt/site-tflite"})
    person = Person(tmp_path, {})
    person.types("devices", "add", "old", "--ssh", f"pi@{board.ip}", "--key", str(board.server.new_key("pi")))
    person.types("devices", "enroll", "old", "--fingerprint", board.server.fingerprint())
    blocks = ("--block", "conv-8x3-o4-k3-s1-relu6", "--block", "ir-8x4-m8-o4-k3-s1-se4-hswish-res")
    assert person.types("profile", *blocks, "--device", "old", *QUICK)["missing"] == 0
    table = read_table(tmp_path / "old-litert.jsonl")
    assert table.setting.version == "tflite_runtime 2.14.0"
    assert {m.piece[0].kind for m in table.measurements} == {"conv", "ir"}


def test_the_pages_name_the_commands_typed_here() -> None:
    for page, verbs in {
        "profile-a-pi.md": ("devices add", "devices enroll", "devices prepare", "devices check", "profile", "search",
                            "export", "verify"),
        "profile-a-phone.md": ("devices add", "devices check", "profile", "export", "verify"),
    }.items():  # fmt: skip
        text = (ROOT / "docs" / page).read_text()
        for verb in verbs:
            assert f"edgenas {verb} " in text, f"{page} does not say: edgenas {verb}"
