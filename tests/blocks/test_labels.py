"""Class names and labels.txt, as they are written and as people bring them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.blocks.labels import class_name, labels_text, parse_labels, without_numbers
from edgenas.ship.preprocessing import read_labels
from tests.support.listeners import Recorder


@given(st.lists(st.text(st.characters(), min_size=1), max_size=5))
def test_names_that_are_accepted_come_back_as_they_were(names: list[str]) -> None:
    try:
        accepted = [class_name(name, "photos") for name in names]
    except InputError as error:
        assert str(error).startswith("photos: the class name '") and len(str(error).splitlines()) == 1
        return
    assert parse_labels(labels_text(accepted).encode(), "labels.txt") == tuple(accepted)
    assert labels_text(accepted).splitlines() == accepted, "other programs split there too"


def test_a_byte_order_mark_and_the_line_ends_of_windows_are_no_part_of_a_name() -> None:
    assert parse_labels("\ufeffapple\r\nbread\r\n".encode(), "labels.txt") == ("apple", "bread")
    assert parse_labels(b"apple\nbread", "labels.txt") == ("apple", "bread")
    assert parse_labels(b"", "labels.txt") == () and parse_labels(b"a\n\n", "labels.txt") == ("a", "")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (
            "a\nb\u2028c\n".encode(),
            r"labels.txt, line 2: the class name 'b\\u2028c' holds .* U\+2028",
        ),
        (b"a\rb\n", "line 1: .* a carriage return"),
        (b"caf\xe9\n", r"labels.txt is not UTF-8 text \(byte 3: 0xe9\); save it as UTF-8"),
        ("apple\n".encode("utf-16"), r"is not UTF-8 text \(byte 0"),
    ],
)
def test_labels_that_cannot_be_read_are_refused(data: bytes, why: str) -> None:
    with pytest.raises(InputError, match=why):
        parse_labels(data, "labels.txt")


def test_lines_that_begin_with_their_index_are_names_without_it_and_that_is_said(tmp_path: Path) -> None:
    """Teachable Machine writes such files."""
    recorder = Recorder()
    file = tmp_path / "labels.txt"
    file.write_text("0 apple\n1 brown bread\n2 7up\n", encoding="utf-8")
    assert read_labels(file, numbered=True, listener=recorder) == ("apple", "brown bread", "7up")
    assert recorder.messages == [f"{file} numbers its lines; the classes are called 'apple', not '0 apple', and so on"]
    assert read_labels(file) == ("0 apple", "1 brown bread", "2 7up"), "what a training wrote is not changed"
    for other in (("0 apple", "2 bread"), ("1 apple", "2 bread"), ("0 apple",), ("0", "1"), ("apple", "1 bread")):
        assert without_numbers(other) is None
