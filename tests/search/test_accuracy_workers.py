"""Python functions judged in processes side by side: no accuracy changes, and failures name the network."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.search.accuracy.by_name import open_accuracy
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.workers import WorkersAccuracy
from edgenas.search.spaces import space
from tests.support.training_toys import CANDIDATES

JUDGE = """
def by_macs(network):
    return 20 + 20 * network.macs ** 0.06
def here(network):
    import os
    return 100.0 if os.getpid() == int(os.environ["ASKED_BY"]) else 0.0
def wrong(network):
    raise ValueError("no\\n way")
"""


@pytest.fixture
def judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module of judges that can be imported."""
    name = f"judge_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(JUDGE)
    monkeypatch.syspath_prepend(tmp_path)
    return name


def test_workers_change_no_accuracy_and_failures_name_the_network(judge: str) -> None:
    alone = CallableAccuracy(f"{judge}:by_macs")
    with WorkersAccuracy(alone, 2) as there:
        assert there.name == alone.name
        assert dict(there.evaluate(CANDIDATES)) == dict(alone.evaluate(CANDIDATES))
    with (
        WorkersAccuracy(CallableAccuracy(f"{judge}:wrong"), 1) as failing,
        pytest.raises(OutcomeError, match=r"network a could not be judged: ValueError: no way"),
    ):
        list(failing.evaluate(CANDIDATES))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("workers", "percent"), [(None, 100.0), (0, 100.0), (1, 0.0)])
def test_a_function_is_asked_here_unless_processes_are_asked_for(
    workers: int | None, percent: float, judge: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASKED_BY", str(os.getpid()))
    with open_accuracy(f"{judge}:here", space("nas_bench_macro"), 0, workers) as accuracy:
        assert list(accuracy.evaluate(CANDIDATES[:1])) == [(0, percent)]


def test_workers_below_one_are_refused(judge: str) -> None:
    with pytest.raises(InputError, match="workers=0"):
        WorkersAccuracy(CallableAccuracy(f"{judge}:by_macs"), 0)
