"""What the log of a benchmark tool says about an accelerator: complete only where this is proved, never by silence."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.profiler.runtimes.delegation import classify
from tests.profiler.test_benchmark_model_mutated import MUTATION, mutate

XNNPACK = "TfLiteXNNPackDelegate"
TAKES = "VERBOSE: Replacing {} out of {} node(s) with delegate ({}) node, yielding {} partitions"
APPLIED = "INFO: Explicitly applied {} delegate, and the model graph will be {} executed by the delegate"
SELECTED = (
    "INFO: [compiler_plugin.cc:742] Partitioned subgraph<0>, selected {} ops, from a total of {} ops. "
    "resulted in {} partitions."
)
#: minimal logs, in the words of TensorFlow's tool and its delegates
TENSORFLOW = {
    "complete": f"""INFO: Loaded model 0.tflite
INFO: GPU delegate created.
INFO: Initialized OpenCL-based API.
INFO: Created 1 GPU delegate kernels.
{TAKES.format(5, 5, "TfLiteGpuDelegateV2", 1)} for the whole graph.
{APPLIED.format("GPU", "completely")}.
INFO: Initialized session in 871.5ms.
""",
    "partial": f"""INFO: Loaded model 0.tflite
ERROR: Following operations are not supported by GPU delegate:
UNPACK: Operation is not supported.
GATHER: Only 1D indices, 2 given.
3 operations will run on the GPU, and the remaining 2 operations will run on the CPU.
{TAKES.format(3, 5, "TfLiteGpuDelegateV2", 4)} for the whole graph.
{APPLIED.format("GPU", "partially")} w/ 2 delegate kernels.
INFO: Initialized session in 90ms.
""",
    "none": """INFO: NNAPI accelerators available: [npu-x,nnapi-reference]
INFO: Loaded model 0.tflite
INFO: NNAPI delegate created.
INFO: Though NNAPI delegate is explicitly applied, the model graph will not be executed by the delegate.
""",
    "failed": """INFO: Loaded model 0.tflite
INFO: TfLiteHexagonDelegate delegate: 5 nodes delegated out of 5 nodes with 1 partitions.

ERROR: Node number 5 (TfLiteHexagonDelegate) failed to prepare.
ERROR: Restored original execution plan after delegate application failure.
ERROR: Failed to apply Hexagon delegate.
ERROR: Benchmarking failed.
""",
}
#: the same for LiteRT 2's tool: an NPU, whose compiler and whose dispatch both have to take everything
LITERT = {
    "complete": f"""INFO: [benchmark_litert_model.cc:201] Loading model from: 0.tflite
{SELECTED.format(5, 5, 1)}
INFO: [compiled_model.cc:1397] 1 compiler plugins were applied successfully: Some compiler plugin (ver 0.1.0)
{TAKES.format(1, 1, "DispatchDelegate", 1)} for subgraph 0 (main).
INFO: [benchmark_litert_model.h:94] Model initialization: 1744.73 ms
""",
    "partial": f"""INFO: [benchmark_litert_model.cc:201] Loading model from: 0.tflite
{SELECTED.format(4, 5, 2)}
INFO: [compiled_model.cc:1397] 1 compiler plugins were applied successfully: Some compiler plugin (ver 0.1.0)
{TAKES.format(2, 3, "DispatchDelegate", 3)} for subgraph 0 (main).
""",
    "none": f"""INFO: [benchmark_litert_model.cc:201] Loading model from: 0.tflite
{SELECTED.format(5, 5, 1)}
INFO: [compiled_model.cc:1397] 0 compiler plugins were applied successfully:
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
{TAKES.format(5, 5, XNNPACK, 1)} for subgraph 0 (main).
""",
    "failed": """INFO: [benchmark_litert_model.cc:201] Loading model from: 0.tflite
ERROR: Failed to create litert environment.
ERROR: Benchmarking failed.
""",
}
LOGS = [(verdict, text) for logs in (TENSORFLOW, LITERT) for verdict, text in logs.items()]

#: what happened in each of the public logs
REAL = {
    "complete": (1, 2, 9, 11, 13, 17, 21, 24, 25),
    "partial": (3, 4, 14, 15, 18, 19, 20, 23),
    "none": (5, 7, 12, 22),
    "failed": (6, 8, 16, 26),
    "unproven": (10, 27),  # the beginning of a run; a tool that prints nothing about its provider
}
#: of a run on the GPU alone that ended well, which the text itself does not contain
GPU_ALONE = (24,)


def test_every_public_log_is_classified_as_what_happened(shared_data: Path) -> None:
    expected = {number: verdict for verdict, numbers in REAL.items() for number in numbers}
    found = {}
    for path in sorted((shared_data / "traces" / "delegates").glob("*.txt")):
        number = int(path.name[:2])
        text = path.read_text(encoding="utf-8", errors="replace")
        found[number] = classify(text, alone=number in GPU_ALONE, finished=number in GPU_ALONE)
        assert classify(text).verdict in (found[number].verdict, "unproven")
    assert {number: said.verdict for number, said in found.items()} == expected
    assert len(found) == 27
    assert found[1].init_ms == 10115.4 and found[1].backend == "OpenCL"
    assert found[3].operators == ("UNPACK: Operation is not supported.",)
    assert found[5].available == ("ipuadaptor", "nnapi-reference")
    assert (found[7].counted, found[14].counted, found[19].counted) == ((0, 31), (75, 77), (3911, 3912))
    assert found[18].names == ("LITERT_CL", "TfLiteXNNPackDelegate")
    assert found[20].counted == (1, 5) and len(found[20].operators) == 3
    assert (found[20].software, found[20].waits) == (True, True)
    assert found[24].adapter.startswith("SwiftShader Device") and not found[24].waits


@pytest.mark.parametrize(("verdict", "text"), LOGS)
def test_minimal_logs(verdict: str, text: str) -> None:
    """Also as logcat prints them, and with lines that end as on Windows."""
    said = classify(text)
    assert said.verdict == verdict and said.reason
    logcat = "".join(f"05-30 15:16:44.857  3380  3380 I tflite  : {line}\n" for line in re.split(r"\n+", text))
    assert classify(logcat).verdict == classify(text.replace("\n", "\r\n")).verdict == verdict


def test_what_a_log_says_is_kept() -> None:
    whole = classify(TENSORFLOW["complete"])
    assert (whole.names, whole.counted, whole.backend) == (("TfLiteGpuDelegateV2",), (5, 5), "OpenCL")
    assert whole.init_ms == 871.5 and classify(LITERT["complete"]).init_ms == 1744.73
    part = classify(TENSORFLOW["partial"])
    assert part.counted == (3, 5)
    assert part.operators == ("UNPACK: Operation is not supported.", "GATHER: Only 1D indices, 2 given.")
    assert classify(TENSORFLOW["none"]).available == ("npu-x", "nnapi-reference")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", "unproven"),
        ("INFO: Created 1 GPU delegate kernels.", "unproven"),
        ("INFO: GPU delegate created.\nINFO: Initialized OpenCL-based API.", "unproven"),
        ("TfLiteHexagonDelegate delegate: 5 nodes delegated out of 5 nodes with 1 partitions.", "unproven"),
        (LITERT["complete"].replace("VERBOSE: Replacing", "VERBOSE: Note"), "unproven"),
        (LITERT["complete"].replace("selected 5 ops", "selected 5,0 ops"), "unproven"),
        (TAKES.format(5, 5, XNNPACK, 1), "none"),
        (TENSORFLOW["complete"] + TAKES.format(1, 5, XNNPACK, 2), "partial"),
        (
            "Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate.",
            "unproven",
        ),
        ("WARN: GPU acceleration is unsupported on this platform.", "none"),
        ("Though NNAPI delegate is explicitly applied, the mod", "none"),
        ("No operations will run on the GPU, and all 4 operations will run on the CPU.", "none"),
        ("Replacing 5 node(s) with delegate (TfLiteHexagonDelegate) node, yielding 1 partitions.", "complete"),
        ("Replacing 5 node(s) with delegate (TfLiteHexagonDelegate) node, yielding 3 partitions.", "partial"),
        ("Replacing 5 out of 5 node(s) with delegate (Other) node, yielding 15", "unproven"),
        ("Segmentation fault", "failed"),
    ],
)
def test_silence_is_no_proof(text: str, verdict: str) -> None:
    assert classify(text).verdict == verdict


def test_the_gpu_alone_has_to_be_asked_for_and_to_finish() -> None:
    flags = "--graph=m.tflite --use_gpu=true --use_cpu=false --require_full_delegation=true"
    results = "INFO: [benchmark_litert_model.h:100] Inference (avg):      7.20 ms (10 runs)\n"
    assert classify(f"$ ./benchmark_model {flags}\n{results}").verdict == "complete"
    assert classify(results, alone=True).verdict == "complete"
    assert classify("", alone=True, finished=True).verdict == "complete"
    for old, new in (
        ("use_cpu=false", "use_cpu=true"),
        ("--use_gpu=true ", ""),
        ("10 runs", "10 r"),
        ("(avg)", "(min)"),
    ):
        assert classify(f"$ ./benchmark_model {flags}\n{results}".replace(old, new)).verdict == "unproven"
    listed = "ERROR: Following operations are not supported by GPU delegate:\nNEG: Operation is not supported.\n"
    for text in (TENSORFLOW["partial"], LITERT["none"], LITERT["failed"], listed):
        assert classify(text + results, alone=True, finished=True).verdict != "complete"


#: sentences without which no log is complete, found by other means than those of the code
PROOFS = (
    r"Explicitly applied (?!XNNPACK)\w+ delegate, and the model graph will be completely exec",
    r"Replacing ([1-9]\d*) (?:out of \1 )?node\(s\) with delegate \((?!Disp)[^()]+\) node, yielding 1 ",
    r"(?s)selected ([1-9]\d*) ops, from a total of \1 ops.*delegate \(DispatchDelegate\)",
    r"(?s)delegate \(DispatchDelegate\).*selected ([1-9]\d*) ops, from a total of \1 ops",
)


@settings(max_examples=40)
@given(st.sampled_from(LOGS), st.lists(MUTATION, min_size=1, max_size=4))
def test_mutated_logs_are_never_complete_without_a_proof(
    log: tuple[str, str], changes: list[tuple[str, float, float, str]]
) -> None:
    text = log[1]
    for change in changes:
        text = mutate(text, *change)
    said = classify(text)
    assert said.reason
    assert said.verdict != "complete" or any(re.search(proof, text) for proof in PROOFS)


@settings(max_examples=40)
@given(st.sampled_from(LOGS), st.randoms(use_true_random=False), st.floats(0, 1), st.booleans())
def test_lines_shuffled_doubled_and_left_out(log: tuple[str, str], random: Random, keep: float, alone: bool) -> None:
    """Whatever is lost of a log that is not complete, the rest is not complete; also in a locale with commas."""
    verdict, text = log
    lines = [line for line in text.split("\n") for _ in range(random.randint(1, 2)) if random.random() <= keep]
    random.shuffle(lines)
    for cut in ("\n".join(lines), "\r\n".join(lines), "\n".join(lines).replace(".", ",")):
        found = classify(cut).verdict
        assert found in {"complete": ("complete", "unproven")}.get(verdict, ("partial", "none", "failed", "unproven"))
        assert verdict == "complete" or classify(text + cut, alone=alone, finished=True).verdict == verdict


@given(st.binary(max_size=400), st.booleans(), st.booleans())
def test_any_bytes(raw: bytes, alone: bool, finished: bool) -> None:
    said = classify(raw.decode("utf-8", "replace"), alone=alone, finished=finished)
    assert said.verdict == ("complete" if alone and finished else "unproven")
