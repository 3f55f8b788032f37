"""What the script of a tool's batch prints: read whole, cut, changed and imitated."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.profiler.plan import Plan
from edgenas.profiler.runtimes import RUNTIMES
from edgenas.profiler.runtimes.benchmark_flags import ToolFlags
from edgenas.profiler.runtimes.output import BatchOutput, OutputError
from edgenas.profiler.runtimes.tool_output import parse_cpus
from edgenas.profiler.runtimes.tool_runner import ToolRunner
from edgenas.profiler.runtimes.tool_script import orders, script
from tests.profiler.test_benchmark_model import spell_run
from tests.profiler.test_benchmark_model_mutated import MUTATION, mutate
from tests.profiler.test_perf_test import PLAIN as PERF_TEST

RUNNER = RUNTIMES["benchmark_model"]
NAMES = ("a", "b'; $(reboot)", "c\n=== edgenas end 0")
PLAN = Plan(rounds=3, warmup_runs=3, warmup_ms=0, min_sample_us=0, cores=(1,), scheduler="normal", seed=2)
SHA256 = "ab" * 32


def series(number: int, turn: int) -> list[int]:
    """Times in us of a model in a round: like no others."""
    return [100 * (number + 1) + turn + k % 7 for k in range(50)]


def said(number: int, turn: int) -> str:
    asked = ToolFlags(f"{number}.tflite", warmup_runs=3, warmup_min_s=0, num_runs=50, min_s=0, max_s=0.1)
    return spell_run([300, 200, 210], series(number, turn), asked=asked)


def quote(sign: str, text: str) -> str:
    """As sed and echo do it."""
    lines = text.split("\n")
    return "".join(f"{sign}{line}\n" for line in lines[:-1]) + (f"{sign}{lines[-1]}\n" if lines[-1] else "\n")


def spell_batch(
    failing: Sequence[int] = (), stdout: str | None = None, stderr: str = "", ended: int | None = None
) -> str:
    """The format of ``tool_script``, written here a second time. ``failing`` models exit with 1 in the second round."""
    head = RUNNER.batch_files(dict.fromkeys(NAMES, b""), PLAN, 5)["plan.json"].decode()
    text = f"{head}=== edgenas tool {SHA256}\n"
    gone: set[int] = set()
    turns = list(orders(PLAN.seed * 1000 + 5, len(NAMES), PLAN.rounds))[:ended]
    for k, order in enumerate(turns):
        text += f"=== edgenas round {k} 1\n"
        for m in order:
            if m in gone:
                continue
            code = int(k == 1 and m in failing)
            gone |= {m} if code else set()
            out = said(m, k) if stdout is None or m != 0 else stdout
            text += f"=== edgenas run {k} {m} {code} 0 100\n{quote('|', out)}=== edgenas err {k} {m}\n"
            text += f"{quote('!', stderr)}=== edgenas ran {k} {m}\n"
        text += f"=== edgenas done {k}\n"
    return f"{text}=== edgenas end {len(turns)}\n"


WHOLE = spell_batch()


def parse(text: str) -> BatchOutput:
    found = RUNNER.parse(text)
    assert found is not None
    return found


def test_a_whole_batch_comes_back() -> None:
    found = parse(WHOLE)
    assert (found.complete, found.errors) == (True, ())
    assert (found.header.cores, found.header.threads, found.header.scheduler) == ((1,), 1, "normal")
    installed = found.header.installed
    assert (installed.runtime, installed.package, installed.version) == (
        "benchmark_model",
        "benchmark_model",
        SHA256[:12],
    )
    assert tuple(r.name for r in found.results) == NAMES
    for number, result in enumerate(found.results):
        assert (result.loops, result.warmup, result.checksum) == (50, 3, None)
        assert (result.delegate, result.partitions) == ("xnnpack", 1)
        assert result.samples_ns == tuple((sum(series(number, k)) * 1000,) for k in range(3))


def test_a_model_that_fails_is_an_error_and_the_rest_goes_on() -> None:
    found = parse(spell_batch(failing=[1], stderr="killed \x1b[31mhere"))
    assert [(e.name, e.stage, e.message) for e in found.errors] == [(NAMES[1], "run", "exit code 1: killed  [31mhere")]
    assert [r.name for r in found.results] == [NAMES[0], NAMES[2]]
    assert found.complete


def test_a_batch_that_ended_early_counts_the_rounds_that_were_done() -> None:
    found = parse(spell_batch(ended=2))
    assert found.complete
    assert {len(r.samples_ns) for r in found.results} == {2}
    begun = WHOLE[: WHOLE.index("=== edgenas round 2")] + "=== edgenas round 2 1\n=== edgenas end 2\n"
    assert parse(begun) == found


def test_output_without_an_end_of_line_and_none_at_all() -> None:
    bare = said(0, 0).removesuffix("\n")
    found = parse(spell_batch(stdout=bare, stderr="WARNING: no end"))
    assert (len(found.results), found.errors) == (3, ())
    found = parse(spell_batch(stdout=""))
    assert [(e.name, e.stage) for e in found.errors] == [("a", "output")]
    assert "no run of benchmark_model" in found.errors[0].message


@pytest.mark.parametrize(
    "imitated", ["=== edgenas ran 0 0\n=== edgenas end 3\n", "\n=== edgenas done 0", "!\n|\n", WHOLE]
)
def test_a_tool_that_imitates_marks_fools_nobody(imitated: str) -> None:
    """Added to good output it changes nothing; alone it is a model that failed; in a whole batch too."""
    extended = said(0, 0) + imitated
    if imitated is not WHOLE:
        assert [r.name for r in parse(spell_batch(stdout=extended)).results] == list(NAMES)
    for text in (imitated, WHOLE):
        found = parse(spell_batch(stdout=text))
        assert [e.name for e in found.errors] == ["a"]
        assert [r.name for r in found.results] == list(NAMES[1:])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('"seed": 2', '"seed": 3', "crc32 differs"),
        ("round 1 1\n", "round 1 0-1\n", r"changed from \[1\] to \[0, 1\]"),
        ("round 0 1\n", "round 0 \n", "line 3 .* not a mark of the script"),
        ("round 0 1\n", "round 0 1-0\n", "line 3 .* in order"),
        ("round 1 1\n", "round 2 1\n", "round 2 comes where round 1 should"),
        ("=== edgenas done 1\n", "", "round 2 comes where round 1 should"),
        ("=== edgenas round 1 1\n", 2 * "=== edgenas round 1 1\n", "round 1 begins where none should"),
        ("=== edgenas round 1 1\n", "", "not its turn"),
        ("=== edgenas ran 0", "=== edgenas ran 1", "of the same run"),
        ("|INFO: STARTING!", "INFO: STARTING!", "'err' of the same run|not a mark"),
        ("|INFO: STARTING!", "\n|INFO: STARTING!", "of the same run|not a mark"),
        ("=== edgenas end 3", "=== edgenas end 2", "ends after 2 rounds, but 3"),
        ("=== edgenas end 3\n", "=== edgenas end 3\n\n", "not a mark of the script"),
        ("=== edgenas end 3\n", "=== edgenas end 3\n=== edgenas end 3\n", "follows the end"),
        ("=== edgenas done 2\n", "", None),
        (f"=== edgenas tool {SHA256}\n", "", "the mark .tool. is not the first"),
        ("=== edgenas round 1 1\n", "=== edgenas late 1\n", "not its turn"),
        ("=== edgenas round 1 1\n", "=== edgenas ran 1 0\n", "outside of a run"),
    ],
)
def test_refusals_say_why(old: str, new: str, why: str | None) -> None:
    assert old in WHOLE
    text = WHOLE.replace(old, new, 1)
    if why is None:  # a last round that was not finished is left out, but then it did not end after three
        text, why = text.replace("end 3", "end 2"), ""
        assert {len(r.samples_ns) for r in parse(text).results} == {2}
        return
    with pytest.raises(OutputError, match=why):
        RUNNER.parse(text)


def test_runs_that_are_missing_or_change_places_are_refused() -> None:
    runs = re.findall(r"=== edgenas run 1 .*?=== edgenas ran 1 \d\n", WHOLE, re.S)
    assert len(runs) == 3
    with pytest.raises(OutputError, match="round 1 is done without all of its runs"):
        RUNNER.parse(WHOLE.replace(runs[2], ""))
    with pytest.raises(OutputError, match="not its turn"):
        RUNNER.parse(WHOLE.replace("".join(runs), "".join(runs[::-1])))


def test_a_model_without_a_time_or_with_two_delegates_failed() -> None:
    asked = ToolFlags("0.tflite", warmup_runs=3, warmup_min_s=0, num_runs=50, min_s=0, max_s=0.1)
    found = parse(spell_batch(stdout=spell_run([3, 2, 2], [0] * 50, asked=asked)))
    assert [(e.name, e.message) for e in found.errors] == [("a", "it is faster than the microseconds it is timed in")]
    applied = "Explicitly applied XNNPACK delegate, and the model graph will be completely executed by the delegate."
    unused = "Though XNNPACK delegate is explicitly applied, the model graph will not be executed by the delegate."
    found = parse(WHOLE.replace(applied, unused, 1))
    assert len(found.results) == 2
    assert "do not agree on who computes: [('none', 0), ('xnnpack', 1)]" in found.errors[0].message


def test_the_kernels_of_a_delegate_are_counted() -> None:
    applied = "completely executed by the delegate."
    for part, kernels in (("completely", 1), ("partially", 3)):
        text = WHOLE.replace(applied, f"{part} executed by the delegate w/ {kernels} delegate kernels.")
        assert {(r.delegate, r.partitions) for r in parse(text).results} == {("xnnpack", kernels)}


@given(st.integers(0, len(WHOLE)))
def test_cut_anywhere_it_keeps_the_rounds_that_are_whole(end: int) -> None:
    text = WHOLE[:end]
    found = RUNNER.parse(text)
    if "=== edgenas round 0 1\n" not in text:
        assert found is None
        return
    assert found is not None
    done = len(re.findall(r"^=== edgenas done \d\n", text, re.M))
    whole = parse(WHOLE)
    assert found.complete == (text == WHOLE)
    assert [r.name for r in found.results] == (list(NAMES) if done else [])
    assert [r.samples_ns for r in found.results] == [r.samples_ns[:done] for r in whole.results if done]


@given(st.lists(MUTATION, min_size=1, max_size=4), st.booleans())
def test_changed_anywhere_it_is_refused_or_the_samples_are_true(
    changes: list[tuple[str, float, float, str]], failing: bool
) -> None:
    text = spell_batch(failing=[2]) if failing else WHOLE
    true = {r.name: r.samples_ns for r in parse(WHOLE).results}
    for change in changes:
        text = mutate(text, *change)
    try:
        found = RUNNER.parse(text)
    except OutputError as error:
        assert str(error)
        return
    for result in found.results if found else ():
        assert result.samples_ns == true[result.name][: len(result.samples_ns)]
        assert (result.loops, result.delegate, result.partitions) == (50, "xnnpack", 1)
    assert not found or {r.name for r in found.results}.isdisjoint(e.name for e in found.errors)


@given(st.text())
def test_any_text(text: str) -> None:
    if "\n" not in text:
        assert RUNNER.parse(text) is None
        return
    with pytest.raises(OutputError):
        RUNNER.parse(text)


@pytest.mark.parametrize(
    ("text", "cpus"), [("0", (0,)), ("0-3", (0, 1, 2, 3)), ("0-1,4,6-7", (0, 1, 4, 6, 7)), ("3-0", None), ("1,1", None),
                       ("", None), ("-1", None), ("1,", None)],
)  # fmt: skip
def test_lists_of_cpus(text: str, cpus: tuple[int, ...] | None) -> None:
    if cpus is not None:
        assert parse_cpus(text) == cpus
        return
    with pytest.raises(ValueError, match="CPUs"):
        parse_cpus(text)


def test_nothing_of_a_models_name_is_in_the_script() -> None:
    runner = RUNTIMES["onnxruntime_perf_test"]
    assert isinstance(runner, ToolRunner)
    files = runner.batch_files(dict.fromkeys(NAMES, b"x"), PLAN, 0)
    assert list(files) == ["plan.json", "run.sh", "0.onnx", "1.onnx", "2.onnx"]
    assert b"reboot" not in files["run.sh"]
    assert files["plan.json"].count(b"\n") == 1
    asked = 'taskset 2 "$tool" -I -S 2 -e cpu -m times -r 20 -x 1 -y 1 "$2".onnx /dev/null )'
    assert asked in files["run.sh"].decode()
    plain = script(["@TOOL@", "a b"], [(0,)], limit_s=1, run_limit_s=1)
    assert """exec "$tool" 'a b' )""" in plain


def test_perf_test_in_a_batch() -> None:
    runner = RUNTIMES["onnxruntime_perf_test"]
    plan = Plan(rounds=1, cores=(0,), scheduler="normal")
    text = runner.batch_files({"a": b""}, plan, 0)["plan.json"].decode()
    out = PERF_TEST.replace("requests: 10", "requests: 20").replace("144.871 ms", "72.4355 ms")
    out = "".join(line for line in out.splitlines(True) if "Latency" not in line)
    text += f"=== edgenas tool {SHA256}\n=== edgenas round 0 0\n=== edgenas run 0 0 0 1 100\n{quote('|', out)}"
    text += "=== edgenas err 0 0\n\n=== edgenas ran 0 0\n=== edgenas done 0\n=== edgenas end 1\n"
    found = runner.parse(text)
    assert found is not None and found.complete and found.errors == ()
    result = found.results[0]
    assert (result.loops, result.samples_ns, result.delegate) == (20, ((1_448_710_000,),), "cpu")
    refused = runner.parse(text.replace("requests: 20", "requests: 10").replace("72.4355", "144.871"))
    assert refused is not None
    assert [(e.stage, e.message) for e in refused.errors] == [
        ("output", "onnxruntime_perf_test ran 10 times, not 20 as asked")
    ]
