"""One listener for steps, progress and messages."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from edgenas.base.listener import SILENT, Listener
from tests.support.listeners import Recorder
from tests.test_rooms import ROOT, sources


def test_the_default_drops_everything(capfd: pytest.CaptureFixture[str]) -> None:
    for listener in (SILENT, Listener(), SILENT.named("a"), SILENT.quiet()):
        listener.step("begins")
        listener.progress(1, None, "note", name="name", detail=object())
        listener.message("text")
    assert capfd.readouterr() == ("", "")


def test_one_method_is_enough() -> None:
    heard: list[str] = []

    class Messages(Listener):
        def message(self, text: str) -> None:
            heard.append(text)

    listener = Messages()
    listener.step("begins")
    listener.progress(1, 2)
    listener.message("text")
    assert heard == ["text"]


def test_a_name_and_a_total_are_added_where_there_is_none() -> None:
    recorder, detail = Recorder(), object()
    named = recorder.named("blocks", total=9)
    named.progress(1, None, "warm", detail=detail)
    named.progress(2, 4, name="pictures")
    named.named("never used").progress(3, None, name="inner")
    recorder.named("outer").named("inner").progress(4, 5)
    named.step("begins")
    named.message("text")
    assert recorder.counts == [(1, 9), (2, 4), (3, 9), (4, 5)]
    assert recorder.names == ["blocks", "pictures", "inner", "inner"]
    assert recorder.notes == ["warm", "", "", ""]
    assert recorder.details == [detail, None, None, None]
    assert recorder.steps == ["begins"] and recorder.messages == ["text"]


def test_a_quiet_listener_drops_messages_alone() -> None:
    recorder, detail = Recorder(), object()
    quiet = recorder.quiet()
    quiet.step("begins")
    quiet.progress(1, None, "note", name="name", detail=detail)
    quiet.message("text")
    quiet.named("n").message("text")
    assert (recorder.steps, recorder.counts, recorder.messages) == (["begins"], [(1, None)], [])
    assert (recorder.notes, recorder.names, recorder.details) == (["note"], ["name"], [detail])


def test_a_task_names_its_progress() -> None:
    recorder = Recorder()
    with recorder.task("judging") as listener:
        listener.progress(1, 2)
    with recorder.named("unused").task("measuring", rows=("pi4", "pixel")) as listener:
        listener.named("pixel").progress(3, 4)
    assert (recorder.counts, recorder.names) == ([(1, 2), (3, 4)], ["judging", "pixel"])


def test_a_task_begins_and_ends_through_wrappers() -> None:
    events: list[str] = []

    class Tasks(Listener):
        @contextmanager
        def task(self, label: str, rows: Sequence[str] = ()) -> Iterator[Listener]:
            events.append(f"begin {label} {list(rows)}")
            yield Recorder(on_message=events.append)
            events.append("end")

    with Tasks().named("n").quiet().task("judging", ["a"]) as listener:
        listener.message("dropped")
    with Tasks().named("n").task("training") as listener:
        listener.message("kept")
    assert events == ["begin judging ['a']", "end", "begin training []", "kept", "end"]


def test_what_a_listener_raises_passes_through() -> None:
    def stop(done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    for listener in (Recorder(on_progress=stop), Recorder(on_progress=stop).named("a").quiet()):
        with pytest.raises(KeyboardInterrupt):
            listener.progress(1, 2)


def test_wrappers_pass_on_every_method() -> None:
    """A method that is added to Listener must be added to what wraps one."""
    events = {
        name for name, value in vars(Listener).items() if inspect.isfunction(value) and name not in ("named", "quiet")
    }
    assert events <= vars(type(SILENT.named(""))).keys()
    assert events - {"message", "warning"} <= vars(type(SILENT.quiet())).keys()


#: parameters and fields that a Listener stands in place of
INSTEAD = re.compile(r"say|tell|update|progress|step|report|warn|told|heard")


def callables(source: str) -> list[str]:
    """Parameters and fields of a name of INSTEAD that are annotated as a callable."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arg):
            name, annotation = node.arg, node.annotation
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name, annotation = node.target.id, node.annotation
        else:
            continue
        if annotation is not None and INSTEAD.fullmatch(name) and "Callable[" in ast.unparse(annotation):
            found.append(name)
    return found


def test_no_callable_stands_beside_the_listener() -> None:
    found = {str(path.relative_to(ROOT)): names for path in sources() if (names := callables(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(("source", "expected"), [
    ("def f(say: Callable[[str], None] = print): ...", ["say"]),
    ("def f(*, progress: Callable[[int, int], None] | None = None): ...", ["progress"]),
    ("class C:\n    update: Callable[[int], None]\n", ["update"]),
    ("def f(step: float, sleep: Callable[[float], None]): ...", []),
])  # fmt: skip
def test_the_test_finds_callables(source: str, expected: list[str]) -> None:
    assert callables(source) == expected
