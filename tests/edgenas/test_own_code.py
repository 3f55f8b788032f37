"""Spaces, judges, algorithms, runtimes and device kinds of the user's own, in each of the three ways, and what records
keep of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
from edgenas.search.journal import TrialCache
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


def judged(folder: Path, judge: str = "my_judge.py:judge", score: bool = False) -> int:
    """Judge what is not known yet into a journal; how much was known."""
    chosen = space("my_space.py:tiny")
    with TrialCache(chosen, CallableAccuracy(judge, score=score), folder / "j.trials.jsonl") as cache:
        known = len(cache)
        if not known:
            cache.judge(candidates())
    return known


CHANGED = {
    "my_space.py": "space",
    "widths_of_mine.py": "space",
    "my_judge.py": "accuracy",
    "offset_of_mine.py": "accuracy",
}


@pytest.mark.parametrize(("file", "what"), CHANGED.items())
def test_a_journal_is_not_continued_with_another_file(file: str, what: str, here: Path) -> None:
    assert (judged(here), judged(here)) == (0, 3)
    header = json.loads((here / "j.trials.jsonl").read_text().splitlines()[0])
    names = {"space": "my_space.py:tiny", "accuracy": "my_judge.py:judge"}
    assert {key: code["name"] for key, code in header["code"].items()} == names
    text = (here / file).read_text()
    (here / file).write_text(text + "\n# another\n")
    with pytest.raises(InputError, match=rf"j.trials.jsonl was made with another {file} \({what} my_.*another -o"):
        judged(here)
    (here / file).write_text(text)
    assert judged(here) == 3


def test_a_journal_of_0_2_has_no_sha256_and_goes_on(here: Path) -> None:
    judged(here)
    path = here / "j.trials.jsonl"
    header, *rest = path.read_text().splitlines()
    old = {key: value for key, value in json.loads(header).items() if key != "code"}
    path.write_text("\n".join([json.dumps(old), *rest, ""]))
    assert judged(here) == 3


def test_a_judge_that_failed_at_its_first_network_may_be_mended(here: Path) -> None:
    (here / "my_judge.py").write_text(JUDGE.replace("return 90", "return 1 / 0"))
    with pytest.raises(ZeroDivisionError):
        judged(here)
    (here / "my_judge.py").write_text(JUDGE)
    assert (judged(here), judged(here)) == (0, 3)


def test_scores_are_any_finite_number_and_never_mix_with_percent(here: Path) -> None:
    with pytest.raises(OutcomeError, match=r"-103\d.*not a percentage within 0..100; .* add --score"):
        judged(here, "my_judge.py:score")
    assert judged(here, "my_judge.py:score", True) == 0
    with pytest.raises(InputError, match=r"holds scores, this search is to judge in percent: .* with --score"):
        judged(here, "my_judge.py:score")
    (here / "j.trials.jsonl").unlink()
    judged(here)
    with pytest.raises(InputError, match=r"holds percent, this search is to judge in scores: .* without --score"):
        judged(here, score=True)
    for score in (False, True):
        with pytest.raises(OutcomeError, match=r"answered nan for tiny/0.0: it must return "):
            list(CallableAccuracy("my_judge.py:nan", score=score).evaluate(candidates()))
    with (
        pytest.raises(InputError, match="--score is for judges of your own: digits judges in percent"),
        open_accuracy("digits", space("my_space.py:tiny"), 0, score=True),
    ):
        pass


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("algorithm", ["hybrid", "mathnas", "layernas", "random", "reinforce", "nsga2"])
@pytest.mark.parametrize("judge", ["my_judge.py:score", "estimate:my_judge.py:score"])
def test_no_algorithm_and_no_estimate_clips_scores(algorithm: str, judge: str) -> None:
    from edgenas.search.accuracy.estimate_by_name import EstimateRequest

    chosen = space("my_space.py:tiny")
    with open_accuracy(judge, chosen, 0, estimate=EstimateRequest({"networks": 10}), score=True) as accuracy:
        problem = Problem(chosen, macs_cost(), accuracy, 1e5)
        result = search_by(algorithm, problem, Trials(problem, max_trials=30))
    best = max((c.architecture.macs, c) for c in candidates())[1]
    near = 0.0 if judge.startswith("my") else 3.0
    assert chosen.key(result.answer.choice) == "2.2"
    assert abs(result.answer.accuracy - (-1000.5 - 1e6 / best.architecture.macs)) <= near
    for point in result.notes.get("front", []):
        assert point["predicted"] is None or -1200 < point["predicted"] < -1000


def edgenas(*args: str, cwd: Path, check: int = 0) -> subprocess.CompletedProcess[str]:
    """The program itself, without PYTHONPATH and with nothing of ``cwd`` on Python's path."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    program = Path(sys.executable).with_name("edgenas")
    done = subprocess.run([program, *args], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == check, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.slow
def test_a_search_with_all_of_it_by_the_command(here: Path) -> None:
    (here / "my_space.py").rename(here / "search.py")
    args = (
        *("search", "search.py:tiny", "--accuracy", "my_judge.py:score", "--score", "--budget-macs", "1e5"),
        *("--workers", "2", "--algorithm", "my_algorithm.py:every", "--algorithm", "mathnas"),
        *("--set", "my_algorithm.py:every.skip=1"),
    )
    shown = edgenas(*args, cwd=here)
    assert "score" in shown.stdout and "accuracy %" not in shown.stdout
    found: dict[str, Any] = json.loads((here / "search.json").read_text())
    assert found["score"] is True and found["winner"]["key"] == "2.2"
    assert found["code"]["space"]["name"] == "search.py:tiny"
    assert found["code"]["accuracy"]["beside"].keys() == {"offset_of_mine.py"}
    assert found["code"]["algorithms"].keys() == {"my_algorithm.py:every"}
    assert "predicted score" in edgenas("front", "search.json", cwd=here).stdout
    edgenas("report", ".", "-o", "r.html", cwd=here)
    page = (here / "r.html").read_text()
    assert "-1012" in page.replace("−", "-") and "accuracy, %" not in page and "NaN" not in page
    assert edgenas("blocks", "search.py:tiny/2.2", "--json", cwd=here).stdout
    assert json.loads(edgenas("export", "search.py:tiny/2.2", "-o", "m", "--json", cwd=here).stdout)
    (here / "widths_of_mine.py").write_text("WIDTHS = (8, 16, 32)")
    assert "another widths_of_mine.py" in edgenas(*args, cwd=here, check=2).stderr
    assert (
        "search.json was made with another widths_of_mine.py"
        in edgenas("front", "search.json", cwd=here, check=2).stderr
    )
    assert edgenas(*args, "-o", "new.json", cwd=here)


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("serach",), "No such command 'serach'; did you mean 'search'?"),
        (("table", "validat"), "No such command 'validat'; did you mean 'validate'?"),
        (("search", "digits", "--budget-mac", "3"), "Did you mean"),
        (("profile", "digts"), "did you mean 'digits'?"),
        (("profile", "digits", "--statistic", "medain"), "did you mean 'median'?"),
        (("search", "digits", "--budget-macs", "1e9", "--accuracy", "supernett"), "did you mean 'supernet'?"),
        (("profile", "digits", "--device", "locol"), "did you mean 'local'?"),
    ],
)
def test_what_does_not_exist_is_answered_with_the_nearest(
    args: tuple[str, ...],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from edgenas.cli import main

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(args)
    assert ended.value.code == 2 and says in capsys.readouterr().err
