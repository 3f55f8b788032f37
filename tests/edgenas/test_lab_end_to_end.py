"""Boards and phones from the first command to the last: the pages that need them, read on emulated devices."""

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

from edgenas.latency_tables.store.journal import read_table
from edgenas.search.spaces import space
from tests.support.docs_pages import blocks_of, shell_blocks
from tests.support.docs_reader import Reader, file_of
from tests.support.menu_toys import write_toy_menu
from tests.support.tool_helpers import program
from tools.rig import available
from tools.rig.adb import Adb
from tools.rig.board import Board
from tools.rig.phone import Phone

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]  # everything there is emulated
pytest_plugins = ["tools.rig.fixtures"]

SPACE, SIZE = "nas_bench_macro", 16  #: in place of larger ones: 18 blocks
QUICK = ["--processes", "1", "--most-processes", "1", "--rounds", "2", "--force"]  # emulated: no measurement
#: onnxruntime_perf_test's output for so many runs ($9) of 2 ms
PERF_TEST = """\
[ -s "${14}" ] || exit 1
ms=$(($9 * 2)); s=$((ms / 1000)).$(printf %03d $((ms % 1000)))
while [ "${s%0}" != "$s" ]; do s=${s%0}; done  # as %g prints it
echo "Session creation time cost: 0.1 s"
echo "Total inference time cost: $s s"
echo "Total inference requests: $9"
echo "Average inference time cost: 2 ms"
echo "Total inference run time: $s s"
"""


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


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    (tmp_path / "story" / "home").mkdir(parents=True)
    (tmp_path / "story" / "my_judge.py").write_text(file_of("docs/start.md", "my_judge.py"))
    return Reader(tmp_path / "story", monkeypatch, lab=True)


def test_a_pi(new_board: Callable[..., Board], reader: Reader) -> None:
    """A board as Debian installs it, without runtimes, pip and venv."""
    if reason := available.board_wheels():
        pytest.skip(reason)
    board = new_board(runtimes=False, venv=False)
    key = board.server.new_key("root")
    reader.more = {
        "devices add": f"--ssh root@{board.ip} --key {key} --pool pi4",
        "devices enroll": f"--fingerprint {board.server.fingerprint()}",
        "devices prepare": f"--wheels {available.BOARD_WHEELS}",
    }
    block = ["edgenas", "profile", "--block", "conv-8x3-o4-k3-s1-relu6", "--device", "pi4"]

    def nothing_can_measure_yet() -> None:
        del reader.first["devices prepare"]
        with pytest.raises(AssertionError, match="devices prepare pi4 --runtime litert --write"):
            reader.types([block], (), "before")

    reader.first["devices prepare"] = nothing_can_measure_yet
    for there in ("etc/sudoers.d", "usr/local/sbin"):  # sudo itself cannot be there: root logs in
        (board.root / there).mkdir(parents=True)
    reader.words = {"pi@pi4.local": "", "sudo": ""}
    reader.programs["ssh"] = lambda words, given: reader.runs([*board.server.client(key, "root"), *words], given=given)
    governor = board.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    assert len(reader.reads("docs/profile-a-pi.md")) >= 15
    assert 'python = "/root/.edgenas/' in (reader.folder / "devices.toml").read_text()
    assert "scaling_governor" in (board.root / "usr" / "local" / "sbin" / "edgenas-governor").read_text()
    assert board.read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") == governor
    for runtime in ("litert", "onnxruntime"):
        table = read_table(reader.folder / f"pi4-{runtime}.jsonl")
        assert len(table.blocks) >= 12 and not table.missing(space(SPACE, in_size=SIZE).blocks())
        device = dict(table.setting.device)
        assert str(device["model"]).startswith("Raspberry Pi 4 Model B")
        assert device["governor"] == "performance"
    left = sorted(path.name for path in board.root.glob("tmp/*") if not path.name.startswith("edgenas-"))
    assert left == [], "nothing is left there but our folder"


def test_a_phone(phone: Phone, adb: Adb, benchmark_model: Path, reader: Reader) -> None:
    for name in adb.environment:
        if name.startswith("A"):
            reader.monkeypatch.setenv(name, adb.environment[name])
    phone.set_battery(80, 31.0)
    phone.set_thermal(0)
    home = reader.folder / "home"
    (home / "benchmark_model").write_bytes(benchmark_model.read_bytes())
    program(home / "onnxruntime_perf_test", PERF_TEST)
    reader.more = {"devices add": f"--adb {phone.serial}"}
    assert len(reader.reads("docs/profile-a-phone.md")) >= 8
    written = (reader.folder / "devices.toml").read_text()
    assert hashlib.sha256(benchmark_model.read_bytes()).hexdigest() in written
    for runtime in ("benchmark_model", "onnxruntime_perf_test"):
        table = read_table(reader.folder / f"pixel-{runtime}.jsonl")
        assert not table.missing(space(SPACE, in_size=SIZE).blocks())
        device = dict(table.setting.device)
        assert (device["model"], device["governor"]) == ("Google Pixel 6", "fixed-performance")
    assert not phone.fixed_performance()


def test_the_gpu_of_a_phone(phone: Phone, adb: Adb, benchmark_model: Path, reader: Reader) -> None:
    """The commands of docs/accelerators.md for a phone, whose program says that its GPU takes everything."""
    for name in adb.environment:
        if name.startswith("A"):
            reader.monkeypatch.setenv(name, adb.environment[name])
    phone.write("/rig/delegates", "gpu complete\n")
    (reader.folder / "home" / "benchmark_model").write_bytes(benchmark_model.read_bytes())
    add = ["edgenas", "devices", "add", "pixel", "--adb", phone.serial, "--benchmark-model", "~/benchmark_model"]
    reader.types([add], (), "docs/profile-a-phone.md")
    for block in blocks_of("docs/accelerators.md"):
        for pipeline in block.pipelines() if block.lab else ():
            reader.types(pipeline, block.options, str(block))
    table = read_table(reader.folder / "pixel-benchmark_model-gpu.jsonl")
    assert not table.missing(space(SPACE, in_size=SIZE).blocks())
    assert (table.setting.delegate, table.setting.accelerator) == ("gpu", "TfLiteGpuDelegateV2, OpenCL")


def test_no_page_is_left_out() -> None:
    pages = {"docs/accelerators.md", "docs/profile-a-phone.md", "docs/profile-a-pi.md"}
    assert {block.page for block in shell_blocks() if block.lab} == pages


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


def test_a_menu_is_tried_on_a_board(board: Board, tmp_path: Path) -> None:
    """Pushed over ssh, run by the board's own Python and LiteRT under a real load, and its frames brought back."""
    write_toy_menu(tmp_path / "menu", budget_ms=1000.0)
    person = Person(tmp_path, {})
    person.types("devices", "add", "pi4", "--ssh", f"pi@{board.ip}", "--key", str(board.server.new_key("pi")))
    person.types("devices", "enroll", "pi4", "--fingerprint", board.server.fingerprint())
    told = person.types("adapt", "try", "menu", "--device", "pi4", "--load", "cpu:30", "--seconds", "12")
    assert told["device"] == "pi4" and told["frames"] > 3 and told["late"]["loaded"] is not None
    assert told["events"][0]["network"] == "net-3" and told["load_priority"]
    replayed = person.types("adapt", "replay", "menu", "trial.jsonl")
    assert replayed["frames"] == told["frames"]
