"""Tables as text: no cell is cut and no word is broken, however narrow the terminal is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgenas.base.text_table import columns_of, text_table

HEADS = ("budget ms", "algorithm", "against budget ms", "finding")
ROWS = [
    ("0.045", "mathnas", "0.04017", "inside"),
    ("0.0589", "layernas", "0.05", "its load is 6.4 on 2 cores, not below 0.3 a core"),
]


def test_a_pipe_gets_each_row_on_one_line() -> None:
    lines = text_table(HEADS, ROWS, width=None, right=(True, False, True, False))
    assert len(lines) == 4 and lines[3].startswith("   0.0589  layernas ") and lines[3].endswith(ROWS[1][3])


def test_a_narrow_terminal_wraps_at_spaces() -> None:
    lines = text_table(HEADS, ROWS, width=60, right=(True, False, True, False))
    words = sorted(" ".join(line for line in lines if "─" not in line).split())
    assert max(map(len, lines)) <= 60 < max(map(len, text_table(HEADS, ROWS, width=None)))
    assert words == sorted(" ".join(cell for cells in (HEADS, *ROWS) for cell in cells).split())


def test_few_rows_of_a_wide_table_are_turned_and_many_become_paragraphs() -> None:
    heads, row = [f"heading{i}" for i in range(20)], [f"value{i}" for i in range(20)]
    lines = text_table(heads, [row, row], width=60)
    assert len(lines) == 21 and lines[2].split() == ["heading1", "value1", "value1"]
    lines = text_table(heads, [row] * 9, width=60)
    assert len(lines) == 9 * 20 + 8 and lines[1].split() == ["heading1", "value1"] and lines[20] == ""


CELLS = st.text(st.sampled_from("ab9.日 -"), max_size=30).map(lambda text: " ".join(text.split()))


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=6)),
       st.one_of(st.none(), st.integers(1, 100)))  # fmt: skip
def test_no_word_is_broken_and_no_line_too_long(table: list[list[str]], width: int | None) -> None:
    lines = text_table(table[0], table[1:], width=width)
    words = sorted(word for cells in table for cell in cells for word in cell.split())
    found = sorted(word for line in lines if not set(line) <= {"─", " "} for word in line.split())
    if len(table) > 1 and len(lines) != len(table[0]) * (len(table) - 1) + len(table) - 2:
        assert found == words
        assert width is None or max(map(columns_of, lines)) <= width
    assert set(found) <= set(words)
