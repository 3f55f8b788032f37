"""What journals, scores and the command keep of the user's own code, and the nearest name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.sealing import unsealed
from edgenas.search.accuracy.by_name import open_accuracy
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.algorithms.by_name import search as search_by
from edgenas.search.cost import macs_cost
from edgenas.search.journal import TrialCache
from edgenas.search.problem import Problem
from edgenas.search.spaces import space
from edgenas.search.trials import Trials
from tests.edgenas.test_own_code import JUDGE, candidates, here

__all__ = ["here"]  # fixtures


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
    header, *rest = (unsealed(json.loads(line)) for line in path.read_text().splitlines())
    del header["code"]
    path.write_text("".join(json.dumps(line) + "\n" for line in ({**header, "version": 1}, *rest)))
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
        (("serach",), "no such command 'serach'; did you mean 'search'?"),
        (("table", "validat"), "no such command 'validat'; did you mean 'validate'?"),
        (("search", "digits", "--budget-mac", "3"), "did you mean '--budget-macs'?"),
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
