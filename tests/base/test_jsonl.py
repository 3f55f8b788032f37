"""The append-only writer: whose file it is, what is cut, what stays behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.json_text import parse_json
from edgenas.base.jsonl import Appender, read_lines
from edgenas.base.sealing import sealed, unsealed

HEAD = {"format": "toy", "version": 1}


def toy(path: Path) -> Appender:
    return Appender(path, "toy", "a toy")


@pytest.mark.parametrize("text", ["", "{", '{"format":"to', '{"format":"toy","vers'])
def test_an_interrupted_first_line_is_ours(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t"
    path.write_text(text)
    with toy(path) as file:
        assert file.dropped_bytes == len(text)
        file.append([HEAD])
    assert [record for _, record in read_lines(path).records] == [HEAD]


@pytest.mark.parametrize(
    "text", ["precious text", "{}", '{"format":"toys"', '{"a":1}\n{"b"', '{"format":"toys"}\nx', "\0\0\0", "[" * 9999]
)
def test_a_file_of_another_format_is_untouched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t"
    path.write_text(text)
    with pytest.raises(InputError, match="t is not a toy, and would be changed by writing to it; name another file"):
        toy(path)
    assert path.read_text() == text
    path.write_text("")
    toy(path).close()  # the refusal let go of the file


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, says in ((tmp_path / "fifo", "not a regular file"), (Path("/dev/full"), "not a regular file")):
        with pytest.raises(InputError, match=says):
            toy(path)
        with pytest.raises(InputError, match=says):
            read_lines(path)
    with pytest.raises(InputError, match="directory"):
        toy(tmp_path)


def test_a_file_to_which_nothing_was_written_does_not_stay(tmp_path: Path) -> None:
    toy(tmp_path / "new").close()
    (tmp_path / "empty").touch()
    toy(tmp_path / "empty").close()
    with toy(tmp_path / "kept") as file:
        file.append([HEAD])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "kept"]


def test_a_replaced_file_keeps_its_lock_and_a_failure_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t"
    with toy(path) as file:
        file.append([HEAD, {"a": 1}])

        def full(fd: int, data: bytes) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "write", full)
        with pytest.raises(OutcomeError, match="No space left"):
            file.replace([HEAD])
        monkeypatch.undo()
        assert len(read_lines(path).records) == 2
        file.replace([HEAD, {"b": 2}])
        file.append([{"c": 3}])
        with pytest.raises(InputError, match="another process is writing it"):
            toy(path)
    assert [record for _, record in read_lines(path).records] == [HEAD, {"b": 2}, {"c": 3}]
    assert [each.name for each in tmp_path.iterdir()] == ["t"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[" * 100_000, "too deeply"),
        ("1e400", "beyond the range of a float"),
        ("-1e400", "beyond the range of a float"),
        ("[1" + "0" * 400 + "]", "beyond the range of a float"),
        ("9" * 5000, "beyond the range of a float"),
        ("NaN", "not a JSON number"),
        ('{"a":{"b":1,"b":2}}', "given twice"),
        (b"\xff\xfe\x00", "decode|JSON|utf"),
    ],
)
def test_json_that_others_may_write(text: str | bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse_json(text)


@settings(max_examples=300)
@given(
    before=st.text(alphabet="0123456789e, ", max_size=40),
    number=st.integers(0, 12).flatmap(lambda more: st.text("0123456789", min_size=300 + more, max_size=300 + more))
    | st.tuples(st.sampled_from(["1e", "2.5E", "1e+", "9E+"]), st.integers(309, 99_999)).map(lambda p: f"{p[0]}{p[1]}"),
)
def test_no_place_in_a_text_hides_a_number_beyond_a_float(before: str, number: str) -> None:
    with pytest.raises(ValueError, match="beyond the range of a float"):
        parse_json(f'["{before}",{number.lstrip("0").ljust(len(number), "7")}0]')


def test_a_seal_fits_one_record() -> None:
    record = {"a": 1, "b": [1.5, None]}
    assert unsealed(sealed(record)) == record
    for broken in ({**sealed(record), "a": 2}, {**sealed(record), "crc32": None}, {**sealed(record), "crc32": True}):
        with pytest.raises(ValueError, match="changed after it was written"):
            unsealed(broken)
    with pytest.raises(ValueError, match="has no crc32"):
        unsealed(record)
    deep: object = 0
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="too deeply"):
        unsealed({"a": deep, "crc32": 1})
