"""Text of others on one line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.text import escaped, printable


def test_output_is_cut_and_blanked() -> None:
    assert printable(" out of\nmemory\x1b[2J\x07 ") == "out of memory [2J"
    assert printable("x" * 10_000_000) == "x" * 200 and printable("abc", 2) == "ab"


def test_names_are_escaped_whole() -> None:
    assert escaped("caf\udce9\n\u2028é\ud800") == r"caf\xe9\n\u2028é\ud800"
    assert escaped("x" * 1000) == "x" * 1000


@given(st.text(), st.integers(1, 50))
def test_any_text_is_one_line(text: str, limit: int) -> None:
    assert printable(text, limit).isprintable() and len(printable(text, limit)) <= limit
    assert len(escaped(text).splitlines()) <= 1
    escaped(text).encode()
