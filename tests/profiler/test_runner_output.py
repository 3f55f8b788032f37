"""The parser of what the program on the device prints, under anything."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.runtimes.output import OutputError, parse_batch, parse_description

# captured from bench_runner.py, shortened to two samples a round
REAL = """\
{"kind": "header", "runtime": "litert", "package": "ai_edge_litert", "version": "2.3.0", "python": "3.11.7", \
"notes": "delegates as by default, inputs set before timing", "cores": [1], "scheduler": "fifo", "threads": 1, \
"cold_kib": 0}
{"kind": "error", "name": "broken", "stage": "load", "message": "ValueError: Model provided has model identifier"}
{"kind": "model", "name": "conv-8x3-o4-k3-s1-relu6", "loops": 1, "warmup": 7, \
"samples_ns": [[2714, 2250], [2196, 2170]], "sum": 223.10714, "abs_sum": 223.10714, \
"delegate": "xnnpack", "partitions": 1}
{"kind": "model", "name": "skipless", "loops": 23, "warmup": 7, "samples_ns": [[50500], [50411]], "sum": -1.5, \
"abs_sum": 2.5, "delegate": "xnnpack", "partitions": 1}
{"kind": "end", "models": 2, "errors": 1}
"""


def test_real_output_is_read() -> None:
    output = parse_batch(REAL)
    assert output is not None
    assert output.complete
    assert output.header.cores == (1,)
    assert [r.name for r in output.results] == ["conv-8x3-o4-k3-s1-relu6", "skipless"]
    assert output.results[0].samples_ns == ((2714, 2250), (2196, 2170))
    assert output.errors[0].stage == "load"


@given(st.integers(0, len(REAL)))
def test_output_cut_anywhere_keeps_whole_models(end: int) -> None:
    whole, cut = parse_batch(REAL), parse_batch(REAL[:end])
    assert whole is not None
    lines = REAL[:end].count("\n")
    if lines == 0:
        assert cut is None
    else:
        assert cut is not None
        assert cut.complete == (lines == 5)
        assert (cut.errors, cut.results) == (whole.errors[: max(0, lines - 1)], whole.results[: max(0, lines - 2)])


@given(st.integers(0, len(REAL) - 1), st.characters())
def test_output_changed_anywhere_is_refused_or_understood(position: int, character: str) -> None:
    try:
        parse_batch(REAL[:position] + character + REAL[position + 1 :])
    except OutputError as error:
        assert "not understood" in str(error)


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with contextlib.suppress(OutputError):
        assert parse_batch(text) is None
    with pytest.raises(OutputError):
        parse_description(text)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("2714", "-2714"), "line 3 .*samples_ns is -2714"),
        (("2714", "0"), "samples_ns is 0"),
        (("2714", "2.5"), "not a whole number"),
        (("[[2714, 2250], [2196, 2170]]", "[[2714], []]"), "rounds"),
        (('"skipless"', '"conv-8x3-o4-k3-s1-relu6"'), "line 4 .*reported twice"),
        (('"models": 2', '"models": 3'), "counts at the end differ"),
        (("-1.5", "NaN"), "NaN is not a JSON number"),
        (("-1.5", "1e999"), "beyond the range of a float"),
        (('"loops": 23', '"loops": 23, "extra": 1'), "unknown field 'extra'"),
        (('"loops": 23, ', ""), "no loops"),
        (('"loops": 23', '"loops": true'), "true or false"),
        (('"kind": "error"', '"kind": "header"'), "second header"),
        (('"kind": "error"', '"kind": "secret"'), "unknown kind 'secret'"),
        (("Model provided", "Model\\u001b[2J"), "control characters"),
    ],
)
def test_output_that_no_runner_writes_is_refused_with_the_reason(change: tuple[str, str], says: str) -> None:
    assert change[0] in REAL
    with pytest.raises(OutputError, match=says):
        parse_batch(REAL.replace(*change))
    with pytest.raises(OutputError, match="follows the end"):
        parse_batch(REAL + '{"kind": "end", "models": 2, "errors": 1}\n')
