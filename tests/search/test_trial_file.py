"""Journals of judged networks: what is damaged or was changed is refused, old versions are read, files of others are
left alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError
from edgenas.base.sealing import sealed, unsealed
from edgenas.search.journal import TrialCache
from edgenas.search.trial_file import VERSION, read_trials
from edgenas.search.trials import Trials
from tests.support.search_toys import BlockSumAccuracy, plain_space, toy_problem

S = plain_space()
ACCURACY = BlockSumAccuracy()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of two networks."""
    path = tmp_path / "x.trials.jsonl"
    with TrialCache(S, ACCURACY, path) as cache:
        Trials(toy_problem(S, accuracy=ACCURACY), cache).rewards([(0, 0, 0, 0, 0, 0), (0, 0, 0, 0, 1, 0)])
    return path


def records(path: Path) -> list[dict[str, Any]]:
    return [unsealed(json.loads(line)) for line in path.read_text().splitlines()]


def rewrite(path: Path, lines: list[str]) -> None:
    path.write_text("".join(line + "\n" for line in lines))


def old(path: Path, **change: Any) -> None:
    """Make the journal one of version 1, with ``change`` in its second line."""
    head, first, second = records(path)
    rewrite(path, [json.dumps(each) for each in ({**head, "version": 1}, {**first, **change}, second)])


def refused(path: Path, says: str) -> None:
    """Both readers refuse the file, and neither changes it."""
    before = path.read_bytes()
    with pytest.raises(InputError, match=says):
        TrialCache(S, ACCURACY, path)
    with pytest.raises(InputError, match=says):
        read_trials(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["99.9", "50", "1e400", "1" + "0" * 400, "-1", '"5"', "NaN", "true", "null"])
def test_an_accuracy_typed_in_by_hand_is_noticed(path: Path, value: str) -> None:
    head, first, second = path.read_text().splitlines()
    accuracy = json.loads(first)["accuracy"]
    rewrite(path, [head, first.replace(f'"accuracy":{accuracy}', f'"accuracy":{value}'), second])
    refused(path, "line 2: (the record was changed after|damaged record)")


@pytest.mark.parametrize("value", ["1e400", "1" + "0" * 400, "100.5", "-1", '"5"', "NaN", "true", "null"])
def test_an_accuracy_that_cannot_be_is_refused_in_old_files_and_with_a_seal(path: Path, value: str) -> None:
    old(path, accuracy="@")
    path.write_text(path.read_text().replace('"@"', value))
    refused(path, "line 2: (accuracy .*which is not a|damaged record)")
    if value not in ("1e400", "NaN") and len(value) < 100:
        head, first, second = [json.loads(line) for line in path.read_text().splitlines()]
        rewrite(path, [json.dumps(sealed(each)) for each in ({**head, "version": VERSION}, first, second)])
        refused(path, "line 2: accuracy .*which is not a")


def test_scores_may_be_any_finite_number(tmp_path: Path) -> None:
    path, judge = tmp_path / "s.trials.jsonl", BlockSumAccuracy(score=True)
    with TrialCache(S, judge, path) as cache:
        Trials(toy_problem(S, accuracy=judge), cache).rewards([(0, 0, 0, 0, 0, 0)])
    head, first = records(path)
    rewrite(path, [json.dumps(sealed(each)) for each in (head, {**first, "accuracy": -1234.5})])
    assert read_trials(path).judged[0][1] == -1234.5


@pytest.mark.parametrize(
    ("old_text", "new_text", "says"),
    [
        ('"network":"0.0.0.0"', '"network":"0.0.0.1"', "line 2: the record was changed after it was written"),
        ('"version":2', '"version":3', "version 3 of .edgenas-trials., but this edgenas reads version 1 .. 2"),
        ('"version":2', '"version":1', "line 1: the record was changed after it was written"),
        ('"space":"toy_plain"', '"space":"toy_blain"', "line 1: the record was changed after it was written"),
        (',"crc32":', ',"crc23":', "line 1: the record has no crc32"),
    ],
)
def test_a_changed_line_is_named(path: Path, old_text: str, new_text: str, says: str) -> None:
    text = path.read_text()
    assert old_text in text
    path.write_text(text.replace(old_text, new_text, 1))
    refused(path, says)


def test_lines_that_do_not_fit_the_space_are_named(path: Path) -> None:
    head, first, second = records(path)
    for change, says in (
        ({"network": "0.0.0.1"}, "line 2: network 0.0.0.1 had other blocks"),
        ({"network": "0.0"}, "'0.0' is not a network of toy_plain"),
        ({"network": 5}, "line 2: not a trial"),
        ({"blocks": None}, "line 2: not a trial"),
    ):
        rewrite(path, [json.dumps(sealed(each)) for each in (head, {**first, **change}, second)])
        with pytest.raises(InputError, match=says):
            TrialCache(S, ACCURACY, path)
    rewrite(path, [json.dumps(sealed(each)) for each in (head, first, second)])
    TrialCache(S, ACCURACY, path).close()  # every refusal let go of the file


def test_a_journal_of_version_1_is_read_and_becomes_version_2_when_it_is_continued(path: Path) -> None:
    judged = read_trials(path).judged
    old(path)
    assert read_trials(path).judged == judged
    with TrialCache(S, ACCURACY, path) as cache:
        assert len(cache) == 2
        Trials(toy_problem(S, accuracy=ACCURACY), cache).rewards([(0, 0, 0, 0, 2, 0)])
        with pytest.raises(InputError, match="another process is writing it"):
            TrialCache(S, ACCURACY, path)
    assert records(path)[0]["version"] == VERSION and read_trials(path).judged[:2] == judged
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_journal_of_version_1_is_not_replaced_when_it_belongs_to_another_judge(path: Path) -> None:
    old(path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="holds trials of accuracy"):
        TrialCache(S, BlockSumAccuracy(seed=7), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", ["precious text", "precious\ntext", '{"format":"other"}\n{"a":', "[1]\n{", "\n\nx"])
def test_a_file_of_another_kind_is_refused_and_untouched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.trials.jsonl"
    path.write_text(text)
    with pytest.raises(InputError, match="is not a journal of trials, and would be changed by writing to it"):
        TrialCache(S, ACCURACY, path)
    assert path.read_text() == text
