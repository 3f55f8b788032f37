"""A record of a space opens an equal one: by name, by file and sha256, or from its layers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.size import Rectangle
from edgenas.runs.forms import plain, read_form
from edgenas.search.accuracy.callable import CallableAccuracy
from edgenas.search.journal import TrialCache
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import SPACES, space
from edgenas.search.spaces.recorded import SpaceRecord, read_layers, recorded_space, space_record
from edgenas.search.trial_file import read_trials

ENDS = Option("k3", "conv", 8, kernel=3, stride=2, act="relu6"), Option("fc", "head", 4)
KERNELS = tuple(Option(f"k{k}", "ir", 8, kernel=k, expand=2, act="relu6") for k in (3, 5))


def mine(name: str = "mine", c_in: int = 1) -> Space:
    layers = Layer("stem", ENDS[:1]), Layer("one", KERNELS), Layer("head", ENDS[1:])
    return Space(name, 16, layers, c_in)


def through_json(record: SpaceRecord) -> SpaceRecord:
    data: dict[str, Any] = json.loads(json.dumps(asdict(record)))
    return replace(record, layers=read_layers(data["layers"], "search.json"))


@pytest.mark.parametrize("name", SPACES)
def test_a_space_of_edgenas_is_its_name(name: str) -> None:
    chosen = space(name, classes=7)
    record = space_record(chosen)
    assert record.layers == () and recorded_space(record, None, "search.json") == chosen


@pytest.mark.parametrize(
    "built",
    [mine, lambda: mine("digits"), lambda: replace(space("digits"), layers=space("digits").layers[1:], c_in=16)],
    ids=["mine", "with a name of edgenas", "a part of a space of edgenas"],
)
def test_an_object_is_its_layers(built: Callable[[], Space]) -> None:
    chosen = built()
    opened = recorded_space(through_json(space_record(chosen)), None, "search.json")
    assert opened == chosen and opened.blocks() == chosen.blocks() and opened.networks == chosen.networks


def test_a_file_of_the_user_is_found_beside_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "elsewhere").mkdir()
    code = "from dataclasses import replace\nfrom edgenas.search.spaces import space\n"
    (tmp_path / "here" / "own.py").write_text(code + "tiny = replace(space('digits'), name='tiny')\n")
    monkeypatch.chdir(tmp_path / "here")
    chosen = space("own.py:tiny")
    assert chosen.code is not None
    record, written = space_record(chosen), chosen.code.as_dict()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert recorded_space(record, written, "../here/search.json") == chosen
    with pytest.raises(InputError, match=r"own.py: no such file"):
        recorded_space(record, written, "search.json")
    (tmp_path / "here" / "own.py").write_text(code + "tiny = replace(space('digits'), name='tiny')  # changed\n")
    with pytest.raises(InputError, match="was made with another"):
        recorded_space(record, written, "../here/search.json")


def test_numbers_of_numpy_are_written_as_numbers() -> None:
    wide = Option("k3", "conv", np.int64(8), kernel=np.int32(3), stride=2, act="relu6", residual=np.bool_(True))  # type: ignore[arg-type]
    chosen = replace(mine(), layers=(Layer("stem", (wide,)), *mine().layers[1:]))
    assert recorded_space(through_json(space_record(chosen)), None, "search.json") == chosen


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ({}, "layers: Input should be a valid array"),
        ([{"name": "stem"}], "options"),
        ([{"name": "stem", "options": [{"key": "k3", "kind": "tree"}]}], "kind"),
        ([{"name": "stem", "options": [{"key": "k3", "kind": "conv", "c_out": "8"}]}], "c_out"),
    ],
)
def test_damaged_layers_are_named(data: Any, says: str) -> None:
    with pytest.raises(InputError, match=rf"search\.json: .*{says}.*restore the file"):
        read_layers(data, "search.json")


@pytest.mark.parametrize(
    "layers", [(Layer("stem", ()),), (Layer("stem", (Option("k", "conv", 8, kernel=3, stride=0),)),)]
)
def test_layers_without_a_network_are_damaged(layers: tuple[Layer, ...]) -> None:
    with pytest.raises(InputError, match=r"search\.json: its space is damaged: .*restore the file"):
        recorded_space(SpaceRecord("mine", 16, 4, 3, layers), None, "search.json")


def test_a_journal_of_an_older_edgenas_has_no_layers(tmp_path: Path) -> None:
    head = {"format": "edgenas-trials", "version": 1, "space": "digits", "in_size": 16, "accuracy": "by hand"}
    (tmp_path / "j.trials.jsonl").write_text(json.dumps(head) + "\n")
    found = read_trials(tmp_path / "j.trials.jsonl")
    assert found.space == SpaceRecord("digits", 16) and recorded_space(found.space, None, "j") == space("digits", 16)


@pytest.mark.parametrize("name", ["mobilenet_v2", "digits"])
def test_a_rectangle_and_its_channels_are_recorded(name: str, tmp_path: Path) -> None:
    chosen = space(name, Rectangle(24, 16), classes=7, channels=6)
    assert (str(chosen.in_size), chosen.c_in, chosen.blocks()[0].c_in) == ("24x16", 6, 6)
    record = space_record(chosen)
    assert record.layers == () and recorded_space(record, None, "search.json") == chosen
    assert plain(record)["in_size"] == "24x16"
    again = read_form(SpaceRecord, json.loads(json.dumps(plain(record))), "search.json", "")
    assert again == record
    with TrialCache(chosen, CallableAccuracy(lambda network: 50.0, "half"), tmp_path / "j.trials.jsonl"):
        pass
    journal = read_trials(tmp_path / "j.trials.jsonl").space
    assert (journal.in_size, journal.c_in) == (Rectangle(24, 16), 6)


@pytest.mark.parametrize("size", ["24x", "16x16x3", 0, 1.5, True])
def test_a_size_that_is_none_is_damage(size: Any, tmp_path: Path) -> None:
    head = {"format": "edgenas-trials", "version": 1, "space": "digits", "in_size": size, "accuracy": "by hand"}
    (tmp_path / "j.trials.jsonl").write_text(json.dumps(head) + "\n")
    with pytest.raises(InputError, match=r"j\.trials\.jsonl, line 1: size .*restore the file"):
        read_trials(tmp_path / "j.trials.jsonl")
    with pytest.raises(InputError, match=r"search\.json: in_size .*size"):
        read_form(SpaceRecord, {"name": "digits", "in_size": size}, "search.json", "restore it")
