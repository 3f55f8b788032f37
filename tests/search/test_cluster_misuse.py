"""Judging elsewhere: what is refused before a cluster is asked, and what a node refuses."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgenas.base.errors import InputError, MissingExtraError, OutcomeError
from edgenas.cli.search import command
from edgenas.search.accuracy.by_name import modules_of
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.accuracy.cluster import ClusterAccuracy
from edgenas.search.accuracy.cluster_address import RayAddress, answering
from edgenas.search.accuracy.cluster_node import judge_on_node, versions
from edgenas.search.accuracy.judging import Failed
from tests.support.training_toys import CANDIDATES


def half(architecture: object) -> float:
    return 50.0


@pytest.mark.parametrize("address", ["local", "10.0.0.1", ":6379", "10.0.0.1:port", "10.0.0.1:70000", ""])
def test_addresses_are_host_and_port(address: str) -> None:
    with pytest.raises(InputError, match="neither host:port"):
        RayAddress(address)


def test_ray_client_is_refused() -> None:
    with pytest.raises(InputError, match="ray job submit"):
        RayAddress("ray://10.0.0.1:10001")


@pytest.mark.parametrize("amounts", [(-1, 0), (1.5, 0), (float("nan"), 0), (1, -1), (1, 1.5), (0, 0)])
def test_amounts_that_ray_cannot_count(amounts: tuple[float, float]) -> None:
    with pytest.raises(InputError, match=r"must be a whole number|0 CPUs and 0 GPUs"):
        RayAddress("10.0.0.1:6379", *amounts)
    RayAddress("10.0.0.1:6379", 0.5, 2)


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    address = f"127.0.0.1:{closed_port()}"
    with pytest.raises(OutcomeError, match="no Ray cluster answers"):
        answering(address)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(InputError, match="RAY_ADDRESS"):
        answering("auto")
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(OutcomeError, match=address):
        answering("auto")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[distributed\]'"),
        ClusterAccuracy(CallableAccuracy(half), RayAddress("127.0.0.1:1")),
    ):
        pass


def test_options_that_contradict_each_other() -> None:
    def told(*args: str) -> str:
        base = ("nas_bench_macro", "--budget-macs", "60e6", "--accuracy", f"{__name__}:half")
        error = CliRunner().invoke(command, (*base, *args), standalone_mode=False).exception
        return str(error)

    assert "not both" in told("--workers", "2", "--ray", "127.0.0.1:1")
    assert "add --ray HOST:PORT" in told("--ray-gpus", "1")
    assert "not in the range" in told("--workers", "-1")


def test_a_node_with_other_versions_judges_nothing() -> None:
    accuracy = CallableAccuracy(half)
    assert judge_on_node(accuracy, CANDIDATES[0], versions()) == 50.0
    assert judge_on_node(accuracy, CANDIDATES[0], {**versions(), "torch-of-nobody": "1"}) == 50.0
    refused = judge_on_node(accuracy, CANDIDATES[0], {**versions(), "numpy": "1.0"})
    assert isinstance(refused, Failed) and "instead of 1.0" in refused.message


def test_a_judge_that_is_not_installed_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lone_judge.py").touch()
    (tmp_path / "judges_of_mine").mkdir()
    (tmp_path / "judges_of_mine" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert modules_of("lone_judge:judge") == [tmp_path / "lone_judge.py"]
    assert modules_of("judges_of_mine.second:judge") == [tmp_path / "judges_of_mine"]
    assert modules_of("numpy:mean") == modules_of("json:loads") == modules_of("digits") == []
