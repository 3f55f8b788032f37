"""The emulated Arm board is one, and comes back from whatever it suffers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgenas.blocks.spec import BlockSpec
from edgenas.blocks.weights import random_weights
from edgenas.profiler.export.onnx import write_onnx
from edgenas.profiler.export.tflite import write_tflite
from tests.support.rig_helpers import BOOT_ID, call
from tools.rig import process
from tools.rig.board import Board
from tools.rig.network import Veth
from tools.rig.process import wait_for
from tools.rig.wire import Wire

pytest_plugins = ["tools.rig.fixtures"]


def on(board: Board, command: str, user: str = "pi", timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command over ssh; its key is made at the first call."""
    key = board.server.folder / "id"
    return call([*board.server.client(key if key.exists() else board.server.new_key(), user), command], timeout_s)


@pytest.mark.slow
def test_board_is_a_raspberry_pi(board: Board) -> None:
    said = on(board, "uname -m; hostname; id -un; cat /sys/firmware/devicetree/base/model; echo; vcgencmd measure_temp")
    assert said.stdout.replace("\0", "") == "aarch64\nraspberrypi\npi\nRaspberry Pi 4 Model B Rev 1.4\ntemp=48.6'C\n"
    assert "Debian GNU/Linux 12" in on(board, "cat /etc/os-release").stdout
    assert on(board, "grep -c 0xd08 /proc/cpuinfo").stdout == "4\n"
    board.set_throttled(0x50005)
    board.set_temperature_c(82.5)
    board.set_load(3.2)
    said = on(board, "vcgencmd get_throttled; vcgencmd measure_temp; vcgencmd measure_clock arm; cat /proc/loadavg")
    assert said.stdout.splitlines()[:3] == ["throttled=0x50005", "temp=82.5'C", "frequency(48)=1500000000"]
    assert said.stdout.splitlines()[3].startswith("3.20 ")
    governor = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
    assert "Permission denied" in on(board, f"echo performance >{governor}").stderr
    assert on(board, f"echo performance >{governor}", user="root").returncode == 0
    assert board.read(governor) == "performance\n"


INFER = """
import json, sys, numpy
if sys.argv[1] == "onnxruntime":
    import onnxruntime
    session = onnxruntime.InferenceSession("m.onnx", onnxruntime.SessionOptions(), ["CPUExecutionProvider"])
    (entry,) = session.get_inputs()
    (out,) = session.run(None, {entry.name: numpy.ones(entry.shape, numpy.float32)})
else:
    if sys.argv[1] == "litert":
        from ai_edge_litert.interpreter import Interpreter
    else:
        from tflite_runtime.interpreter import Interpreter
    interpreter = Interpreter("m.tflite", num_threads=1)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], numpy.ones(entry["shape"], numpy.float32))
    interpreter.invoke()
    out = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
print(json.dumps(numpy.sort(out, axis=None).tolist()))
"""


@pytest.mark.slow
def test_board_runs_real_models(board: Board, tmp_path: Path) -> None:
    """A block in either format computes on the board what it computes here, in every runtime the board has."""
    block = BlockSpec.parse("ir-14x24-m72-o40-k5-s2-se24-hswish")
    weights = [random_weights(block)]
    for folder in (tmp_path, board.path("/home/pi")):
        (folder / "m.tflite").write_bytes(write_tflite([block], weights))
        (folder / "m.onnx").write_bytes(write_onnx([block], weights))
        (folder / "infer.py").write_text(INFER)
    here = subprocess.run(
        [sys.executable, "infer.py", "litert"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    expected = pytest.approx(json.loads(here.stdout), rel=1e-4, abs=1e-5)
    for start in ("python3 infer.py litert", "python3 infer.py onnxruntime"):
        assert json.loads(on(board, start, timeout_s=120).stdout) == expected
    if board.path("/opt/site-tflite").exists():
        old = on(board, "PYTHONPATH=/opt/site-tflite python3 infer.py tflite_runtime", timeout_s=120)
        assert json.loads(old.stdout) == expected


@pytest.mark.slow
def test_bare_board(new_board: Callable[..., Board]) -> None:
    board = new_board("bare", personality="pi5", runtimes=False, venv=False)
    assert on(
        board, "grep -c 0xd0b /proc/cpuinfo; cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_max_freq"
    ).stdout == ("4\n2400000\n")
    assert "No module named 'numpy'" in on(board, "python3 -c 'import numpy'").stderr
    assert "No module named ensurepip" in on(board, "python3 -m ensurepip --version").stderr
    assert on(board, "python3 -m pip --version").stdout.startswith("pip ")


@pytest.mark.slow
def test_board_survives_a_pulled_cable(board: Board) -> None:
    assert on(board, "echo up").stdout == "up\n"
    board.unplug()
    assert on(board, "true").returncode == 255
    board.plug()
    assert on(board, "echo back").stdout == "back\n"


@pytest.mark.slow
def test_board_survives_a_power_cut(board: Board) -> None:
    first = on(board, f"{BOOT_ID}; echo kept >file; sync; setsid sleep 600 >/dev/null 2>&1 </dev/null &")
    assert first.stdout.strip() == board.boot_id()
    wait_for(lambda: any("sleep 600" in line for line in board.processes().values()), "a detached job runs")
    board.power_cut()
    second = on(board, f"{BOOT_ID}; cat file; pgrep sleep")
    assert second.stdout.splitlines() == [board.boot_id(), "kept"]
    assert first.stdout.strip() != board.boot_id()


@pytest.mark.slow
def test_board_survives_the_loss_of_sessions_and_sshd(board: Board) -> None:
    key = board.server.new_key()
    for cut in (board.kill_sessions, board.kill_sshd):
        argv = [*board.server.client(key, "pi"), "echo up; sleep 3; touch left"]
        with subprocess.Popen(argv, stdout=-1, stderr=-1, text=True) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "up\n"
            cut()
            client.communicate(timeout=20)
        assert client.returncode == 255
        wait_for(board.path("/home/pi/left").exists, "the command goes on")
        board.path("/home/pi/left").unlink()
        wait_for(board.ready, "sshd is back")
    assert on(board, "true").returncode == 0


@pytest.mark.slow
def test_board_with_a_full_disk(new_board: Callable[..., Board]) -> None:
    board = new_board(disk_mb=16)
    board.fill_disk(leave_bytes=100_000)
    assert "No space left" in on(board, "head -c 1000000 /dev/zero >big").stderr
    board.empty_disk()
    assert on(board, "head -c 1000000 /dev/zero >big && wc -c <big").stdout == "1000000\n"


@pytest.mark.slow
def test_two_boards_are_two(new_board: Callable[..., Board]) -> None:
    boards = [new_board("one"), new_board("two")]
    assert [on(board, "hostname").stdout for board in boards] == ["one\n", "two\n"]
    assert boards[0].server.fingerprint() != boards[1].server.fingerprint()
    assert boards[0].kill("sshd") > 0
    assert on(boards[1], "true").returncode == 0


@pytest.mark.slow
def test_board_on_slow_cables(new_board: Callable[..., Board]) -> None:
    wire = Wire(seed=1)
    wire.delay_s, wire.jitter_s, wire.loss = 0.005, 0.002, 0.02
    board = new_board(cable=wire)
    assert on(board, "head -c 200000 /dev/zero | wc -c").stdout == "200000\n"
    cable = Veth()
    cable.limit(20)
    slow = new_board(cable=cable)
    assert on(slow, "head -c 200000 /dev/zero | wc -c").stdout == "200000\n"
    assert "rate 20Mbit" in process.run("tc", "-n", cable.namespace, "qdisc", "show", "dev", "eth0").stdout
    cable.limit(None)
    assert "rate" not in process.run("tc", "-n", cable.namespace, "qdisc", "show", "dev", "eth0").stdout


def test_a_closed_board_leaves_nothing(lab: None, new_board: Callable[..., Board]) -> None:
    board = new_board()
    other = Board("closed").power_on()
    other.close()
    assert not other.folder.exists()
    assert str(other.folder) not in Path("/proc/self/mounts").read_text()
    assert other.cable.namespace not in process.run("ip", "netns", "list").stdout.split()
    assert board.ready()
