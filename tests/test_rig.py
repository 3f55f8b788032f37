"""The test hosts keep their promises. Those that need the lab are marked ``rig``; see tools/rig/README.md."""

from __future__ import annotations

import hashlib
import json
import os
import re
import select
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from blocks.spec import BlockSpec
from blocks.weights import random_weights
from profiler.export.onnx import write_onnx
from profiler.export.tflite import write_tflite
from tests.conftest import ROOT
from tools.rig import available, process
from tools.rig.adb import Adb
from tools.rig.adb_services import Faults
from tools.rig.adbd import Adbd
from tools.rig.board import Board
from tools.rig.network import Veth
from tools.rig.phone import Phone
from tools.rig.phone_files import TWO_CORES
from tools.rig.process import RigError, wait_for
from tools.rig.sshd import SshServer
from tools.rig.wire import Wire

pytest_plugins = ["tools.rig.fixtures"]

RIG = ROOT / "tools" / "rig"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def call(argv: list[str], timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout_s, stdin=subprocess.DEVNULL)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# -- processes


def test_waiting_ends() -> None:
    with pytest.raises(RigError, match=r"pigs fly: not within 0\.05 s"):
        wait_for(lambda: False, "pigs fly", timeout_s=0.05)


def test_a_tree_of_processes_is_found_and_killed() -> None:
    shell = subprocess.Popen(["sh", "-c", "sleep 60 & sleep 60 & wait"])

    def lines() -> list[str]:
        return [process.command_line(pid) for pid in process.descendants(shell.pid)]

    wait_for(lambda: lines() == ["sleep 60"] * 2, "two sleepers")
    sleepers = process.descendants(shell.pid)
    process.kill([shell.pid, *sleepers])
    assert shell.wait() == -9
    wait_for(lambda: not any(map(process.command_line, sleepers)), "the sleepers end")


# -- sshd


def test_sshd_runs_a_command(ssh_server: SshServer) -> None:
    ssh = ssh_server.client(ssh_server.new_key())
    done = call([*ssh, "echo out; echo err >&2; exit 7"])
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_sshd_lets_only_known_keys_in(ssh_server: SshServer, tmp_path: Path) -> None:
    call(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "stranger")])
    done = call([*ssh_server.client(tmp_path / "stranger"), "true"])
    assert done.returncode == 255
    assert "Permission denied" in done.stderr


def test_killed_sessions_cut_the_client_and_spare_the_command(ssh_server: SshServer, tmp_path: Path) -> None:
    ssh = ssh_server.client(ssh_server.new_key())
    left = tmp_path / "left"
    with subprocess.Popen([*ssh, f"echo up; sleep 1; touch {left}"], stdout=-1, stderr=-1, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        assert ssh_server.kill_sessions() > 0
        client.communicate(timeout=20)
    assert client.returncode == 255
    assert call([*ssh, "true"]).returncode == 0
    wait_for(left.exists, "the command goes on")


def test_a_changed_host_key_is_refused(ssh_server: SshServer) -> None:
    before = ssh_server.known_hosts_line(), ssh_server.fingerprint()
    ssh = ssh_server.client(ssh_server.new_key())
    ssh_server.stop()
    ssh_server.change_host_key()
    ssh_server.start()
    assert before != (ssh_server.known_hosts_line(), ssh_server.fingerprint())
    done = call([*ssh, "true"])
    assert done.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in done.stderr


# -- the adbd that misbehaves


def test_adbd_shell_and_files(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    done = adb.run("shell", "pwd; cat; echo err >&2; exit 7", serial=device.serial)
    assert (done.returncode, done.stdout, done.stderr) == (7, "/data/local/tmp\n", "err\n")
    (tmp_path / "sent").write_bytes(os.urandom(3_000_000))
    assert adb.run("push", str(tmp_path / "sent"), "/data/local/tmp/d/f", serial=device.serial).returncode == 0
    assert sha256(tmp_path / "sent") in adb.run("shell", "sha256sum d/f", serial=device.serial).stdout
    assert adb.run("pull", "/data/local/tmp/d/f", str(tmp_path / "back"), serial=device.serial).returncode == 0
    assert sha256(tmp_path / "back") == sha256(tmp_path / "sent")
    assert "model:Pixel_6" in adb.run("devices", "-l").stdout


def test_adbd_ends_what_it_started(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    adb.run("shell", "setsid sleep 60 >/dev/null 2>&1 </dev/null &", serial=device.serial)
    wait_for(lambda: len(device.processes()) == 1, "a detached job runs")
    device.close()
    wait_for(lambda: not device.processes(), "the job ends with the device")


def test_adbd_keeps_the_machine_from_harm(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    done = adb.run("shell", "touch /usr/harm || touch /etc/harm", serial=device.serial)
    assert done.returncode == 1
    assert "Read-only" in done.stderr


def test_adbd_unauthorized_then_accepted(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd(Faults(auth="deny"))
    adb.connect(device.serial, state="unauthorized")
    assert "unauthorized" in adb.run("shell", "true", serial=device.serial).stderr
    device.faults.auth = "accept"
    adb.connect(device.serial)
    device.faults.auth = "deny"  # the key is known by now
    adb.connect(device.serial)
    assert len(device.keys) == 1


@pytest.mark.slow  # adb connect itself waits 10 s
def test_adbd_mute_is_offline(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd(Faults(mute=True))
    adb.connect(device.serial, state="offline")


def test_adbd_drops_in_the_middle_of_a_push_once(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    (tmp_path / "sent").write_bytes(bytes(8_000_000))
    device.faults.drop_after_bytes = 4_000_000
    push = ["push", str(tmp_path / "sent"), "/data/local/tmp/f"]
    assert adb.run(*push, serial=device.serial).returncode != 0
    assert 0 < (device.root / "data/local/tmp/f").stat().st_size < 8_000_000
    adb.connect(device.serial)
    assert adb.run(*push, serial=device.serial).returncode == 0


def test_adbd_spoils_output_and_files(new_adbd: Callable[..., Adbd], adb: Adb, tmp_path: Path) -> None:
    device = new_adbd(Faults(lose_exit=True))
    adb.connect(device.serial)
    assert adb.run("shell", "echo all; exit 7", serial=device.serial).returncode != 7
    device.faults.lose_exit, device.faults.cut_output_bytes = False, 4
    assert adb.run("shell", "seq 9", serial=device.serial).stdout == "1\n2\n"
    device.faults.cut_output_bytes, device.faults.corrupt_push = None, True
    (tmp_path / "sent").write_bytes(b"model")
    adb.run("push", str(tmp_path / "sent"), "/data/local/tmp/f", serial=device.serial)
    assert (device.root / "data/local/tmp/f").read_bytes() == b"modem"
    device.faults.latency_s = 0.02
    assert adb.run("shell", "exit 3", serial=device.serial).returncode == 3


def test_a_dropped_device_is_gone(new_adbd: Callable[..., Adbd], adb: Adb) -> None:
    device = new_adbd()
    adb.connect(device.serial)
    with subprocess.Popen(
        [str(adb.program), "-s", device.serial, "shell", "echo up; sleep 60"],
        env=adb.environment, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True,
    ) as client:  # fmt: skip
        assert client.stdout is not None
        assert client.stdout.readline() == "up\n"
        device.drop()
        client.communicate(timeout=20)
    wait_for(lambda: not device.processes(), "the command is hung up")


# -- the stand-in for benchmark_model


@pytest.fixture(scope="session")
def native_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("benchmark") / "benchmark_model"
    flags = ["-O2", "-pthread", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", program, RIG / "benchmark_model.c", "-lm"], check=True)
    return program


def model_file(path: Path, size_bytes: int) -> Path:
    """Not a network, but what the first look at a TFLite file sees: root offset and identifier."""
    path.write_bytes((b"\x1c\0\0\0TFL3" + bytes(range(256)) * (size_bytes // 256 + 1))[:size_bytes])
    return path


def quick(model: Path | str) -> list[str]:
    return [f"--graph={model}", "--num_runs=5", "--min_secs=0", "--warmup_runs=2", "--warmup_min_secs=0"]


def test_benchmark_model_speaks_the_real_format(native_benchmark: Path, tmp_path: Path, shared_data: Path) -> None:
    """Every line, with its numbers and paths taken out, is one that a Raspberry Pi printed."""
    boards = shared_data / "traces/benchmark_model_boards/tensorflow/lite"
    termux = "benchmark_model_android_termux_p5_median_p95_outlier_and_failure__index-id-61267609444.txt"
    real = [*boards.rglob("*_v2.18.0.txt"), shared_data / "traces/excerpts" / termux]
    known = {shape(line) for path in real for line in path.read_text().splitlines()}
    known.add(shape("INFO: Min runs duration (seconds): [1]"))  # a flag that those runs did not set,
    known.add(shape("INFO: Min warmup runs duration (seconds): [1]"))  # titled in benchmark_model.cc
    # the graph of a real run was delegated in parts
    known.add(
        next(line for line in known if "partially" in line).replace("partially", "completely").split(" w/")[0] + "."
    )
    flags = ["--num_threads=2", "--use_xnnpack=true"]
    done = call([str(native_benchmark), *flags, *quick(model_file(tmp_path / "m.tflite", 300_000))])
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 15
    assert [line for line in done.stdout.splitlines() if shape(line) not in known] == []


def shape(line: str) -> str:
    line = re.sub(r"(\[|model )[^\[\]]*\.tflite", r"\1PATH", line.strip())
    return re.sub(r"\d+(\.\d+)?(e[+-]\d+)?", "N", line)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "Could not open"),
        (b"", "Mmap of"),
        (b"\x1c\0\0\0JUNKmore", "Model provided has model identifier 'JUNK', should be 'TFL3'"),
        (b"\xff\0\0\0TFL3cut", "The model is not a valid Flatbuffer buffer"),
    ],
)
def test_benchmark_model_refuses(native_benchmark: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    model = tmp_path / "m.tflite"
    if content is not None:
        model.write_bytes(content)
    done = call([str(native_benchmark), *quick(model)])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:] == [f"ERROR: Failed to load model {model}", "ERROR: Benchmarking failed."]
    assert done.stderr.startswith(f"ERROR: {said}")
    assert "Inference timings" not in done.stdout


def test_benchmark_model_reads_its_flags(native_benchmark: Path, tmp_path: Path) -> None:
    model = model_file(tmp_path / "m.tflite", 1000)
    assert "Failed to parse flag 'num_runs'" in call([str(native_benchmark), f"--graph={model}", "--num_runs=x"]).stderr
    assert "with --graph" in call([str(native_benchmark)]).stderr
    done = call([str(native_benchmark), *quick(model), "--num_runs=9", "--new_flag=1"])  # the first num_runs counts
    assert "WARN: Unconsumed cmdline flags: --num_runs=9 --new_flag=1" not in done.stdout
    assert re.findall(r"count=(\d+)", done.stdout) == ["2", "5"]
    assert "WARN: Unconsumed cmdline flags:" in done.stdout


# -- the lab


def test_installing_needs_root_and_says_so() -> None:
    if os.geteuid() == 0 and call(["unshare", "--user", "true"]).returncode:
        pytest.skip("cannot become nobody here")
    argv = [str(RIG / "install.sh")]
    done = call(["unshare", "--user", *argv] if os.geteuid() == 0 else argv)
    assert done.returncode == 0
    assert "skipped: needs root" in done.stderr


def test_boards_exist_only_inside_the_lab() -> None:
    code = "import os; os.environ.pop('EDGENAS_LAB', None)\nfrom tools.rig.network import Veth\nVeth()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "tools/rig/lab.sh" in done.stderr


def test_the_lab_passes_the_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    mark = f"6{os.getpid()}"
    done = call([str(RIG / "lab.sh"), "sh", "-c", f"setsid sleep {mark} & sleep 0.1; exit 7"])
    assert done.returncode == 7, done.stderr
    assert f"sleep {mark}" not in {process.command_line(pid) for pid in process.parents()}


def test_no_way_out_of_the_lab(lab: None) -> None:
    assert not available.has_default_route()
    with (
        pytest.raises(OSError, match="Network is unreachable"),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out,
    ):
        out.connect(("192.0.2.1", 9))


ECHO = """
import socket, sys
server = socket.socket(type=socket.SOCK_DGRAM)
server.bind((sys.argv[1], 7))
print("up", flush=True)
while True:
    server.sendto(*server.recvfrom(99))
"""


def test_a_wire_delays_loses_and_cuts(lab: None) -> None:
    wire = Wire(seed=1)
    argv = ["ip", "netns", "exec", wire.namespace, sys.executable, "-c", ECHO, wire.far_ip]
    server = subprocess.Popen(argv, stdout=subprocess.PIPE)
    near = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def answers(timeout_s: float = 10) -> bool:
        near.sendto(b"ping", (wire.far_ip, 7))
        return heard(timeout_s)

    def heard(timeout_s: float) -> bool:
        ready, _, _ = select.select([near], [], [], timeout_s)
        return bool(ready) and near.recv(99) == b"ping"

    try:
        assert server.stdout is not None
        assert server.stdout.readline() == b"up\n"
        assert answers()
        wire.delay_s = 1.0
        assert not answers(timeout_s=0.2)
        wire.delay_s = 0.0
        assert heard(10)
        wire.unplug()
        assert not answers(timeout_s=0.2)
        wire.plug()
        wire.loss = 1.0
        assert not answers(timeout_s=0.2)
        wire.loss = 0.0
        assert answers()
        lost = wire.dropped
        wire.limit(0.01)
        for _ in range(300):
            near.sendto(bytes(90), (wire.far_ip, 7))
        wait_for(lambda: wire.dropped > lost, "a full buffer drops")
    finally:
        server.kill()
        server.communicate()
        near.close()
        wire.close()


# -- the board


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


# -- the phone


@pytest.mark.slow
def test_phone_is_a_phone(phone: Phone, adb: Adb) -> None:
    adb.connect(phone.serial)

    def said(command: str) -> subprocess.CompletedProcess[str]:
        return adb.run("shell", command, serial=phone.serial)

    done = said("id -u; getprop ro.product.model; uname -m; ls -d /tmp; which python3; exit 42")
    assert (done.returncode, done.stdout) == (42, "2000\nPixel 6\naarch64\n")
    assert "No such file" in done.stderr
    assert said("cat /sys/devices/system/cpu/cpu*/cpu_capacity").stdout.split() == [
        *["160"] * 4,
        *["498"] * 2,
        *["1024"] * 2,
    ]
    assert "Permission denied" in said("echo performance >/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").stderr
    phone.set_battery(23, 41.5)
    phone.set_thermal(3)
    facts = said("dumpsys battery; dumpsys thermalservice; dumpsys nonsense").stdout
    assert "  level: 23\n" in facts
    assert "  temperature: 415\n" in facts
    assert "Thermal Status: 3\n" in facts
    assert "Can't find service: nonsense" in facts
    assert said("cmd power set-fixed-performance-mode-enabled true").returncode == 0
    assert phone.fixed_performance()


@pytest.mark.slow
def test_phone_survives_cable_power_and_adbd(phone: Phone, adb: Adb) -> None:
    adb.connect(phone.serial)
    first = adb.run("shell", f"{BOOT_ID}; echo kept >/data/local/tmp/file", serial=phone.serial)
    assert first.stdout.strip() == phone.boot_id()
    phone.unplug()
    with pytest.raises(subprocess.TimeoutExpired):
        adb.run("shell", "true", serial=phone.serial, timeout_s=1)
    phone.plug()
    adb.connect(phone.serial)
    phone.kill_adbd()
    wait_for(lambda: bool(phone.processes()), "adbd is back")
    adb.connect(phone.serial)
    phone.power_cut()
    adb.connect(phone.serial)
    second = adb.run("shell", f"{BOOT_ID}; cat /data/local/tmp/file", serial=phone.serial)
    assert second.stdout.splitlines() == [phone.boot_id(), "kept"]
    assert first.stdout.strip() != phone.boot_id()


@pytest.mark.slow
def test_phone_runs_benchmark_model_on_its_big_core(
    new_phone: Callable[..., Phone], adb: Adb, benchmark_model: Path, tmp_path: Path
) -> None:
    if not {0, 1} <= os.sched_getaffinity(0):
        pytest.skip("needs two cores")
    phone = new_phone(clusters=TWO_CORES)
    adb.connect(phone.serial)
    model = model_file(tmp_path / "m.tflite", 200_000)
    for path in (benchmark_model, model):
        assert adb.run("push", str(path), "/data/local/tmp/", serial=phone.serial).returncode == 0
    folder = "/data/local/tmp"
    hashes = adb.run("shell", f"cd {folder}; sha256sum benchmark_model m.tflite", serial=phone.serial).stdout.split()
    assert hashes[::2] == [sha256(benchmark_model), sha256(model)]
    command = " ".join(["taskset 2", f"{folder}/benchmark_model", *quick(f"{folder}/m.tflite")])
    done = adb.run("shell", command, serial=phone.serial)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^INFO: Inference timings in us: Init: \d+, First inference: \d+, Warmup", done.stdout, re.M)


@pytest.mark.slow
def test_phone_tells_its_name(phone: Phone, adb: Adb) -> None:
    if reason := available.properties_shim():
        pytest.skip(reason)
    adb.connect(phone.serial)
    assert "product:oriole model:Pixel_6 device:oriole" in adb.run("devices", "-l").stdout
    assert "PRELOAD" not in adb.run("shell", "env", serial=phone.serial).stdout
