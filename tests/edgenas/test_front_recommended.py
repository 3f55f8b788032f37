"""What a front recommends: a judged network, never one that is only a wrong prediction."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgenas.api.front import Front, FrontMember
from edgenas.base.errors import OutcomeError
from edgenas.cli.front import interval, trust
from edgenas.search.spaces import space

SPACE = space("digits")
JUDGED = (FrontMember(1.0, 80.0, "a"), FrontMember(2.0, 88.0, "b"))


def front(*predicted: FrontMember, judged: tuple[FrontMember, ...] = JUDGED, error: float | None = 3.0) -> Front:
    return Front(SPACE, "ms", predicted, "predicted", judged=judged, error=error, doubt="" if error else "few judged")


def test_a_prediction_that_may_be_wrong_is_not_recommended() -> None:
    hoped = FrontMember(1.9, 99.0, "c", 87.0, 100.0)
    assert front(FrontMember(0.5, 70.0, "d", 60.0, 80.0), hoped).recommended().key == "b"
    assert front(hoped, error=None).recommended().key == "b"


def test_a_prediction_that_is_better_at_its_low_end_is() -> None:
    sure = FrontMember(1.9, 93.0, "c", 88.5, 97.0)
    assert front(sure).recommended().key == "c"
    assert front(sure).recommended(1.5).key == "a", "it costs more than the budget"


def test_the_search_s_own_budget_counts() -> None:
    cheap = FrontMember(0.5, 70.0, "d", 60.0, 80.0)
    found = replace(front(cheap), budget=1.5)
    assert found.recommended().key == "a" and found.recommended(2.0).key == "b" and found.recommended(0.7).key == "d"
    assert replace(found, budget=2.0).recommended().key == "b"
    assert replace(found, budget=2.0, share=0.97).recommended().key == "a", "its interval reaches beyond the budget"
    assert replace(front(judged=JUDGED), budget=0.9).recommended().key == "b", "no network is inside it"
    assert front(cheap).recommended().key == "b", "the table of another device"


def test_without_a_judged_network_the_prediction_is_all_there_is() -> None:
    cheap = FrontMember(0.5, 70.0, "d", 60.0, 80.0)
    assert front(cheap).recommended(0.7).key == "d"
    with pytest.raises(OutcomeError, match=r"no network of this front costs at most 0\.1 ms: the cheapest costs 0\.5"):
        front(cheap).recommended(0.1)


def test_the_command_says_how_much_to_trust_it() -> None:
    assert trust(front(error=3.25)).endswith("left out in turn, the error is 3.25 points")
    assert trust(front(error=None)) == "the predicted front is not to be trusted: few judged"
    assert interval(FrontMember(1, 2, "x")) == "-" and interval(FrontMember(1, 2, "x", 1.5, 2.5)) == "1.5 .. 2.5"


def test_the_picture_draws_the_judged_front_and_a_band_only_with_an_error() -> None:
    known = front(FrontMember(1.0, 82.0, "c", 78.0, 86.0), FrontMember(2.0, 90.0, "d", 86.0, 94.0)).picture()
    assert known.front == [(1.0, 80.0), (2.0, 88.0)] and len(known.predicted) == 2
    unknown = front(FrontMember(1.0, 99.0, "c"), error=None).picture()
    assert unknown.predicted == () and unknown.front_label == "front of judged networks"
