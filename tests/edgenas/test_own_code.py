"""Spaces, judges, algorithms, runtimes and device kinds of the user's own, in each of the three ways, and what records
keep of them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgenas.base.errors import DeviceInputError, InputError, OutcomeError
from edgenas.devices.inventory import parse_inventory
from edgenas.profiler.workers import runtime_named
from edgenas.search.accuracy.by_name import open_accuracy
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.workers import WorkersAccuracy
from edgenas.search.algorithms.by_name import algorithm_options
from edgenas.search.algorithms.by_name import search as search_by
from edgenas.search.cost import macs_cost
from edgenas.search.problem import Candidate, Problem
from edgenas.search.spaces import is_space, space
from edgenas.search.trials import Trials
from tests.base.test_plugins import install, write

SPACE = """
from edgenas.search.space import Layer, Option, Space
from widths_of_mine import WIDTHS

def tiny(in_size: int = 16, classes: int = 4) -> Space:
    options = tuple(Option(f"w{w}", "sep", w, 3, 1, act="relu") for w in WIDTHS)
    stem = Layer("stem", (Option("k3", "conv", 8, kernel=3, stride=2, act="relu"),))
    head = Layer("head", (Option("fc", "head", classes),))
    return Space("tiny", in_size, (stem, Layer("a", options), Layer("b", options), head))

fixed = tiny()
fixed_size = lambda: fixed
three = 3
wrong = lambda: 3
shipped = lambda: Space("digits", 16, fixed.layers)
empty = Space("empty", 16, ())
fails = lambda: 1 / 0
"""
JUDGE = """
import os
from offset_of_mine import OFFSET

def judge(network):
    return 90 - 1e5 / network.macs - OFFSET

def score(network):
    return -1000.5 - 1e6 / network.macs

def nan(network):
    return float("nan")

def elsewhere(network):
    return 100.0 if os.getpid() != int(os.environ["ASKED_BY"]) else 0.0

text = "no function"
"""
ALGORITHM = """
from edgenas.search.trials import TrialsExhaustedError
def every(problem, trials, *, skip: int = 0):
    from itertools import product
    layers = [range(len(layer.options)) for layer in problem.space.layers]
    trials.rewards([choice for choice in product(*layers) if problem.fits(choice)][skip:])
    return trials.result("whatever", {"skip": skip})
def lacks(problem): ...
def needs(problem, trials, *, option): ...
def answers(problem, trials): return 3
"""
RUNTIME = """
from edgenas.profiler.runtimes.python_runner import PythonRunner
mine = PythonRunner("mine", "tflite", "pip install mine")
again = PythonRunner("litert", "tflite", "pip install mine")
other = PythonRunner("other", "caffe", "pip install mine")
half = type("Half", (), {"name": "half", "format": "tflite", "install": "", "command": lambda self: []})()
"""
KIND = """
from typing import Literal
from edgenas.devices.inventory import DeviceKind
from edgenas.devices.transports.local import LocalDevice
from edgenas.devices.sections import LocalSection, Section

class Mine(LocalSection):
    kind: str
    far: int = 1

mine = DeviceKind(Mine, lambda entry: LocalDevice(f"{entry.name}-{entry.section.far}"))
broken = DeviceKind(Mine, lambda entry: 1 / 0)
not_one = LocalDevice
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with one of each, in files, in a package, and installed under entry points."""
    monkeypatch.chdir(tmp_path)
    files = {"space": SPACE, "judge": JUDGE, "algorithm": ALGORITHM, "runtime": RUNTIME, "kind": KIND}
    for name, text in files.items():
        write(tmp_path, f"my_{name}.py", text)
        write(tmp_path, f"package_in_cwd/my_{name}.py", text)
    write(tmp_path, "widths_of_mine.py", "WIDTHS = (8, 16, 24)")
    write(tmp_path, "offset_of_mine.py", "OFFSET = 1.5")
    groups = {
        "spaces": "entry_tiny = site_space:tiny",
        "judges": "entry_judge = site_judge:judge",
        "algorithms": "entry_every = site_algorithm:every",
        "runtimes": "entry_mine = site_runtime:mine",
        "device_kinds": "entry_kind = site_kind:mine",
    }
    for name, text in files.items():
        write(tmp_path, f"site/site_{name}.py", text)
    write(tmp_path, "site/widths_of_mine.py", "WIDTHS = (8, 16, 24)")
    write(tmp_path, "site/offset_of_mine.py", "OFFSET = 1.5")
    text = "\n".join(f"[edgenas.{group}]\n{line}" for group, line in groups.items()).partition("]\n")[2]
    install(tmp_path, "edgenas.spaces", text, monkeypatch)
    yield tmp_path
    for name in [
        name for name in sys.modules if name.startswith("site_") or name in ("widths_of_mine", "offset_of_mine")
    ]:
        del sys.modules[name]


def candidates(text: str = "my_space.py:tiny") -> list[Candidate]:
    chosen = space(text)
    return [Candidate(chosen.parse(key), chosen.architecture(chosen.parse(key))) for key in ("0.0", "1.2", "2.2")]


WAYS = ("my_{0}.py:{1}", "package_in_cwd.my_{0}:{1}", "entry_{1}")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
def test_a_space(way: str) -> None:
    text = way.format("space", "tiny")
    found = space(text, 32, 7)
    assert (found.name, found.networks, found.in_size) == ("tiny", 9, 32)
    assert found.architecture(found.parse("0.1")).blocks[-1].c_out == 7
    assert found.code is not None and found.code.text == text and found == space(text, 32, 7)
    assert is_space(text) and not is_space(f"{text}/0.1")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
def test_a_judge(way: str) -> None:
    text = way.format("judge", "judge")
    for workers in (None, 1):
        with open_accuracy(text, space("my_space.py:tiny"), 0, workers) as accuracy:
            answers = dict(accuracy.evaluate(candidates()))
            assert answers == {i: 88.5 - 1e5 / c.architecture.macs for i, c in enumerate(candidates())}
            assert accuracy.name == f"callable:{text}"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
def test_an_algorithm(way: str) -> None:
    text = way.format("algorithm", "every")
    assert algorithm_options(text) == {"skip": 0}
    chosen = space("my_space.py:tiny")
    problem = Problem(chosen, macs_cost(), CallableAccuracy("my_judge.py:judge"), 1e9)
    result = search_by(text, problem, Trials(problem), skip=1)
    assert (len(result.trials), chosen.key(result.best.choice), result.algorithm) == (8, "2.2", text)
    with pytest.raises(InputError, match=r"has no option skop; did you mean 'skip'\? It has skip"):
        search_by(text, problem, Trials(problem), skop=1)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("way", WAYS)
def test_a_runtime(way: str) -> None:
    text = way.format("runtime", "mine")
    found = runtime_named(text)
    assert (found.name, found.format, found.install) == (text, "tflite", "pip install mine")
    told = {"kind": "description", "runtime": "mine", "package": "p", "version": "1.2", "python": "3", "notes": "",
            "delegate": "none", "library_sha256": "0" * 64, "cpus": [0], "schedulers": ["normal"]}  # fmt: skip
    installed = found.parse_describe(json.dumps(told)).installed
    assert installed.runtime == text and installed.version.startswith("1.2 code ")
    told["runtime"] = "another"
    assert found.parse_describe(json.dumps(told)).installed.runtime == "another", "which a campaign refuses"


@pytest.mark.parametrize("way", WAYS)
def test_a_kind_of_device(way: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = way.format("kind", "kind" if way.startswith("entry") else "mine")
    monkeypatch.chdir(here.parent)  # a relative path begins where the inventory is
    entries = parse_inventory(f'[devices.a]\nkind = "{text}"\nfar = 3\ncores = [1]', here / "devices.toml")
    assert (entries["a"].kind, entries["a"].cores, entries["a"].open().name) == (text, (1,), "a-3")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("load", "text", "says"),
    [
        (space, "my_space.py:three", "^my_space.py:three is an int, not a space: a Space, or a function of"),
        (space, "my_space.py:wrong", "^my_space.py:wrong is an int, not a space"),
        (space, "my_space.py:shipped", "is called 'digits', as a space that ships is"),
        (space, "my_space.py:empty", "my_space.py:empty is a space without networks"),
        (space, "my_space.py:fails", "^my_space.py:fails, line 17: ZeroDivisionError: division by zero .*called"),
        (lambda text: space(text, 32), "my_space.py:fixed", "is a Space of in_size 16 and takes no other"),
        (lambda text: space(text, 32), "my_space.py:fixed_size", "my_space.py:fixed_size takes no in_size"),
        (CallableAccuracy, "my_judge.py:text", "^my_judge.py:text is a str, not a judge: a function of a network"),
        (
            CallableAccuracy,
            "my_judge.py:jugde",
            "my_judge.py has no `jugde`; it defines judge, .*; did you mean `judge`",
        ),
        (algorithm_options, "my_algorithm.py:lacks", "is a function, not an algorithm: a function of .problem, trials"),
        (algorithm_options, "my_algorithm.py:needs", "options with defaults"),
        (algorithm_options, "layernass", "no algorithm 'layernass'; did you mean 'layernas'"),
        (
            runtime_named,
            "my_runtime.py:half",
            "^my_runtime.py:half is a Half, not a runtime: .*; it lacks describe_files,",
        ),
        (runtime_named, "my_runtime.py:PythonRunner", "is the class PythonRunner, not a runtime"),
        (runtime_named, "my_runtime.py:again", "has the name 'litert', as a runtime that ships"),
        (runtime_named, "my_runtime.py:other", "is for 'caffe' files; models are written as tflite"),
        (runtime_named, "onxruntime", "no runtime 'onxruntime'; did you mean 'onnxruntime'"),
    ],
)
def test_what_is_none_of_them(load: Callable[[str], object], text: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        load(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (
            "my_kind.py:not_one",
            "line 2: devices.a.kind: my_kind.py:not_one is the class LocalDevice, not a",
        ),
        ("my_kind.py:none", "line 2: devices.a.kind: my_kind.py has no `none`; it defines Mine, mine, broken, not_one"),
        ("no_kind.py:none", "devices.a.kind: no_kind.py: no such file"),
        ("shh", "no device kind 'shh'; did you mean 'ssh'\\? There are local, ssh, adb"),
    ],
)
def test_kinds_that_are_none(kind: str, says: str, here: Path) -> None:
    with pytest.raises(DeviceInputError, match=says):
        parse_inventory(f'[devices.a]\nkind = "{kind}"', here / "devices.toml")


def test_a_kind_that_fails_is_named(here: Path) -> None:
    entries = parse_inventory('[devices.a]\nkind = "my_kind.py:broken"', here / "devices.toml")
    with pytest.raises(DeviceInputError, match=r"devices.a: my_kind.py:broken failed: ZeroDivisionError"):
        entries["a"].open()
    with pytest.raises(DeviceInputError, match=r"devices.a.near: unknown field; known: kind, .*far, cores, pool"):
        parse_inventory('[devices.a]\nkind = "my_kind.py:mine"\nnear = 1', here / "devices.toml")


@pytest.mark.usefixtures("here")
def test_an_algorithm_that_gives_no_result_is_named() -> None:
    problem = Problem(space("my_space.py:tiny"), macs_cost(), CallableAccuracy("my_judge.py:judge"), 1e9)
    with pytest.raises(InputError, match=r"my_algorithm.py:answers is an int, not a Result: end with trials.result"):
        search_by("my_algorithm.py:answers", problem, Trials(problem))


@pytest.mark.usefixtures("here")
def test_workers_load_the_file_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASKED_BY", str(os.getpid()))
    with WorkersAccuracy(CallableAccuracy("my_judge.py:elsewhere"), 2) as accuracy:
        assert dict(accuracy.evaluate(candidates())) == dict.fromkeys(range(3), 100.0)


def test_workers_refuse_a_file_that_changed_meanwhile(here: Path) -> None:
    accuracy = CallableAccuracy("my_judge.py:judge")
    write(here, "offset_of_mine.py", "OFFSET = 2.5")
    with WorkersAccuracy(accuracy, 1) as there, pytest.raises(OutcomeError, match="changed while it was in use: start"):
        list(there.evaluate(candidates()))
