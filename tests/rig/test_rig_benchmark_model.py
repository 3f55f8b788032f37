"""The stand-in for TensorFlow Lite's benchmark_model speaks as the real one does."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.rig_helpers import RIG, call, model_file, quick


@pytest.fixture(scope="session")
def native_benchmark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("benchmark") / "benchmark_model"
    flags = ["-O2", "-pthread", "-Wall", "-Wextra", "-Werror"]
    subprocess.run([compiler, *flags, "-o", program, RIG / "benchmark_model.c", "-lm"], check=True)
    return program


def test_benchmark_model_speaks_the_real_format(native_benchmark: Path, tmp_path: Path, shared_data: Path) -> None:
    """Every line, with its numbers and paths taken out, is one that a Raspberry Pi printed."""
    boards = shared_data / "traces/benchmark_model_boards/tensorflow/lite"
    termux = "benchmark_model_android_termux_p5_median_p95_outlier_and_failure__index-id-61267609444.txt"
    real = [*boards.rglob("*_v2.18.0.txt"), shared_data / "traces/excerpts" / termux]
    known = {shape(line) for path in real for line in path.read_text().splitlines()}
    known.add(shape("INFO: Min runs duration (seconds): [1]"))  # a flag that those runs did not set,
    known.add(shape("INFO: Min warmup runs duration (seconds): [1]"))  # titled in benchmark_model.cc
    known.add(shape("INFO: count=5 curr=62(all same)"))  # of stats_calculator.h: five runs took equally long
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
