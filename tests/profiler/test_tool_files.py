"""Files that benchmark_model writes: nodes by delegate, and results; whole, cut and of any bytes."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.runtimes.benchmark_stat import parse_stat
from edgenas.profiler.runtimes.tool_files import files_in, parse_result, parse_runtime_info, without_files


def runtime_info(delegate: str, taken: int, types: list[str]) -> bytes:
    """A file as LiteRT writes it: ``delegate`` replaces the first nodes."""
    from ai_edge_litert import model_runtime_info_pb2

    details = model_runtime_info_pb2.ModelRuntimeDetails(model_name="m")
    subgraph = details.subgraphs.add(subgraph_id=0, subgraph_type=1, name="main")
    for number, kind in enumerate(types):
        node = subgraph.nodes.add(id=number, name=f"n{number}", type=kind, inputs=[number], outputs=[number + 1])
        if number < taken:
            node.delegated_to_node_id = len(types)
    if taken:
        made = subgraph.nodes.add(id=len(types), name="Delegate", type="DELEGATE").delegate_node_details
        made.delegate_name = delegate
        made.tflite_node_ids_replaced.extend(range(taken))
    details.subgraphs.add(subgraph_id=1, subgraph_type=2).nodes.add(id=0, name="inner")
    return details.SerializeToString()


def field(number: int, value: float | int | bytes) -> bytes:
    if isinstance(value, float):
        return bytes([number << 3 | 5]) + struct.pack("<f", value)
    if isinstance(value, int):
        return bytes([number << 3, value])
    return bytes([number << 3 | 2, len(value)]) + value


RESULT = field(1, b"run") + field(
    2, b"".join(field(n, v) for n, v in {1: 2.5, 2: 2.0, 3: 3.0, 4: 0.1, 8: 90.5, 9: 7.0}.items())
)
RESULT += field(4, field(1, 0.1) + field(2, 50) + field(3, 2))
WARMUP = parse_stat("count=2 first=7000 curr=3000 min=3000 max=7000 avg=5000 std=2000")
RUNS = parse_stat("count=50 first=2500 curr=2500 min=2000 max=3000 avg=2500 std=100")


def test_nodes_by_delegate() -> None:
    whole = parse_runtime_info(runtime_info("TfLiteGpuDelegateV2", 3, ["CONV_2D", "ADD", "RESHAPE"]))
    assert (whole.taken, whole.total, whole.left) == ({"TfLiteGpuDelegateV2": 3}, 3, ())
    part = parse_runtime_info(runtime_info("LITERT_CL", 1, ["CONV_2D", "NEG", "RESHAPE"]))
    assert (part.taken, part.total, part.left) == ({"LITERT_CL": 1}, 3, ("NEG", "RESHAPE"))
    assert parse_runtime_info(runtime_info("", 0, ["ADD"])).taken == {}
    with pytest.raises(ValueError, match="no node"):
        parse_runtime_info(b"")


def test_results_agree_with_the_log() -> None:
    found = parse_result(RESULT)
    assert (found.avg_ms, found.init_ms, found.first_ms, found.runs, found.warmup_runs) == (2.5, 90.5, 7.0, 50, 2)
    assert found.contradicts(90.5, WARMUP, RUNS) == ""
    assert "the initialisation is 90.5" in found.contradicts(91.5, WARMUP, RUNS)
    assert "the mean is 2.5" in found.contradicts(90.5, WARMUP, replace(RUNS, avg_text="250"))
    with pytest.raises(ValueError, match="lacks field 1"):
        parse_result(field(2, field(2, 2.0)))


def test_files_are_appended_to_stderr() -> None:
    text = base64.b64encode(RESULT).decode()
    stderr = f"INFO: one\nedgenas result {text}\nINFO: two"
    assert files_in(stderr) == {"result": RESULT}
    assert without_files(stderr) == "INFO: one\nINFO: two"
    for bad in (f"edgenas result {text}\nedgenas result {text}", "edgenas result ?", "edgenas result abc", "edgenas x"):
        with pytest.raises(ValueError, match="garbled"):
            files_in(bad)


@given(st.binary(max_size=200), st.integers(0, 300), st.booleans())
def test_any_bytes_are_read_or_refused(raw: bytes, cut: int, real: bool) -> None:
    for parse, good in ((parse_runtime_info, runtime_info("G", 1, ["ADD", "MUL"])), (parse_result, RESULT)):
        try:
            found = parse(good[:cut] + raw if real else raw)
        except ValueError as error:
            assert str(error)
        else:
            assert found
