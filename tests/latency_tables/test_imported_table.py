"""Imported tables: what they answer, what they refuse, and that their file comes back or says what is wrong."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError, MissingExtraError
from edgenas.base.sealing import sealed
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.latency_tables.imported import (
    FORMAT_VERSION,
    ImportedTable,
    PublishedValue,
    TableSource,
    read_imported,
    write_imported,
)
from edgenas.latency_tables.store import frames
from edgenas.latency_tables.store.frames import write_csv, write_parquet
from edgenas.latency_tables.store.open import is_imported, open_table
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.whole import WholeNetwork
from tests.latency_tables.test_table import TABLE
from tests.support.strategies import block_specs

STEM, HEAD = BlockSpec.parse("conv-8x3-o4-k3-s2-relu6"), BlockSpec.parse("head-4x4-o10")
BODY = BlockSpec.parse("ir-4x4-m8-o4-k3-s1-res")
SOURCE = TableSource("tunas", "model.json", "ab" * 32, "Pixel 1", "proxylessnas", "user", ("2 numbers",), ("a note",))
IMPORTED = ImportedTable(
    SOURCE, {STEM: PublishedValue(1.5, 0.25, 20), BODY: PublishedValue(0.0)}, "0.1.0", "2026-01-01T00:00:00+00:00"
)

NETWORK = WholeNetwork((STEM, BODY, HEAD), 2.5, 0.1, 30, 2.25)

numbers = st.floats(0, 1e6)
counts = st.one_of(st.none(), st.integers(1, 10**9))
intervals = st.one_of(st.none(), st.tuples(numbers, numbers).map(lambda ends: (min(ends), max(ends))))
values = st.builds(PublishedValue, numbers, st.one_of(st.none(), numbers), counts, intervals)
positive = st.floats(1e-6, 1e6)
networks = st.lists(
    st.builds(WholeNetwork, st.just((STEM, BODY)), positive, st.one_of(st.none(), numbers), counts, positive),
    max_size=3,
)
tables = st.dictionaries(block_specs(), values, min_size=1, max_size=5)


@given(tables, networks)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_is_written_comes_back(
    tmp_path: Path, found: dict[BlockSpec, PublishedValue], whole: list[WholeNetwork]
) -> None:
    path = tmp_path / "t.jsonl"
    path.unlink(missing_ok=True)
    table = ImportedTable(SOURCE, found, "0.1.0", "2026-01-01T00:00:00+00:00", tuple(whole))
    write_imported(path, table)
    assert read_imported(path) == table
    assert list(read_imported(path).values) == list(found)


def test_what_it_answers() -> None:
    assert (IMPORTED.ms(STEM), IMPORTED.ms(STEM, "mean"), IMPORTED.ms(skip(9, 9))) == (1.5, 1.5, 0.0)
    assert IMPORTED.blocks == (STEM, BODY)
    assert IMPORTED.missing([HEAD, STEM, skip(4, 4), HEAD]) == (HEAD,)
    assert IMPORTED.total_ms(Architecture("n", (skip(8, 3), STEM, BODY))) == 1.5
    with pytest.raises(InputError, match="without intervals"):  # nobody knows how independent the runs were
        IMPORTED.interval(STEM)
    fitted = ImportedTable(SOURCE, {STEM: PublishedValue(1.5, None, None, (1.0, 2.0))}, networks=(NETWORK,))
    assert (fitted.interval(STEM), fitted.interval(skip(4, 4))) == ((1.0, 2.0), (0.0, 0.0))
    assert list(fitted.to_frame()[["low_ms", "high_ms"]].iloc[0]) == [1.0, 2.0]


@pytest.mark.parametrize("statistic", ["min", "median", "p90", ""])
def test_it_has_a_mean_and_nothing_else(statistic: str) -> None:
    for block in (STEM, skip(4, 4)):
        with pytest.raises(
            InputError, match=f"model.json.* no samples, so it has no '{statistic}'; .*--statistic mean"
        ):
            IMPORTED.ms(block, statistic)
    with pytest.raises(
        InputError, match=r"block head-4x4-o10 is not in the table imported from model.json \(2 blocks\)"
    ):
        IMPORTED.total_ms(Architecture("n", (STEM, HEAD)))


def test_opening_finds_out_which_it_is(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write_imported(path, IMPORTED)
    assert is_imported(path) and isinstance(open_table(path), ImportedTable)
    for text in ("", "{}\n", "\x00\n", "[" * 9000):
        path.write_text(text)
        assert not is_imported(path)
        with pytest.raises(InputError):
            open_table(path)
    with pytest.raises(InputError, match="No such file"):
        open_table(tmp_path / "none")


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "t.jsonl"
    write_imported(path, IMPORTED)
    before = path.read_bytes()
    with pytest.raises(InputError, match="exists and is not overwritten"):
        write_imported(path, IMPORTED)
    assert path.read_bytes() == before
    with pytest.raises(InputError, match="name a file that can be written"):
        write_imported(path / "below", IMPORTED)


@given(st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_changed_or_missing_byte_is_noticed(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "t.jsonl"
    path.unlink(missing_ok=True)
    write_imported(path, IMPORTED)
    content = path.read_bytes()
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(content[:at])
    else:
        path.write_bytes(content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :])
    try:
        assert read_imported(path) == IMPORTED  # 1.5 and 1.50 are one number
    except InputError as error:
        assert str(path) in str(error) and ("import" in str(error) or "damaged" in str(error))


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("line", "change", "says"),
    [
        (0, {"version": 0}, f"line 1: format version 0, but this edgenas reads versions 1 .. {FORMAT_VERSION}"),
        (0, {"format": "edgenas latency table"}, "line 1: not an imported table"),
        (0, {"blocks": 3}, "line 1: the record was changed after it was written"),
        (1, {"mean_ms": 1.25}, "line 2: the record was changed after it was written"),
        (1, {"crc32": None}, "line 2: the record was changed after it was written"),
    ],
)
def test_damage_has_a_line(tmp_path: Path, line: int, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "t.jsonl"
    write_imported(path, IMPORTED)
    records = lines(path)
    records[line].update(change)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(InputError, match=says) as caught:
        read_imported(path)
    assert "edgenas table import" in str(caught.value)


def test_lines_that_come_twice_or_are_gone(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write_imported(path, IMPORTED)
    text = path.read_text().splitlines(keepends=True)
    path.write_text("".join((*text, text[1])))
    with pytest.raises(InputError, match="line 4: conv-8x3-o4-k3-s2-relu6 is given twice"):
        read_imported(path)
    path.write_text("".join(text[:2]))
    with pytest.raises(InputError, match="was cut: it holds 1 of 2 blocks"):
        read_imported(path)
    path.write_text("")
    with pytest.raises(InputError, match="no table in it"):
        read_imported(path)


@pytest.mark.parametrize("table", [IMPORTED, TABLE], ids=["imported", "measured"])
def test_tables_as_csv_and_parquet(tmp_path: Path, table: LatencyTable | ImportedTable) -> None:
    frame = table.to_frame()
    write_csv(frame, tmp_path / "t.csv")
    back = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values="")
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    pytest.importorskip("pyarrow", reason="pip install 'edgenas[parquet]'")
    write_parquet(frame, tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), frame)
    for write in (write_csv, write_parquet):
        with pytest.raises(InputError, match="name a file that can be written"):
            write(frame, tmp_path / "none" / "t")


def test_parquet_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'edgenas\[parquet\]'"):
        write_parquet(TABLE.to_frame(), tmp_path / "t.parquet")


def old(path: Path, space: str, version: int = 1) -> None:
    """Write a table of an older version."""
    write_imported(path, replace(IMPORTED, source=replace(SOURCE, space=space)))
    head, *rest = lines(path)
    for each in (head, *rest):
        for name in ("crc32", "networks", "low_ms", "high_ms"):
            each.pop(name, None)
    if version == 1:
        del head["source"]["shapes"]
    path.write_text("".join(json.dumps(sealed(each)) + "\n" for each in ({**head, "version": version}, *rest)))


def test_version_2_has_no_intervals_and_no_networks(tmp_path: Path) -> None:
    old(tmp_path / "t.jsonl", "proxylessnas", 2)
    assert read_imported(tmp_path / "t.jsonl") == IMPORTED


@pytest.mark.parametrize(
    ("line", "change", "says"),
    [
        (1, {"low_ms": 3.0}, "line 2: low_ms is 3.0 and high_ms None, which are no interval"),
        (1, {"low_ms": 3.0, "high_ms": 2.0}, "line 2: low_ms is 3.0 and high_ms 2.0, which are no interval"),
        (1, {"mean_ms": -1}, "line 2: mean_ms is -1, which may not be below 0"),
        (3, {"ms": 0}, "line 4: ms is 0 and left_out_ms 2.25, which must be above 0"),
        (3, {"network": []}, "line 4: network is not a list of blocks"),
        (3, {"sd_ms": -1}, "line 4: sd_ms is -1, which may not be below 0"),
        (0, {"networks": 2}, "was cut: it holds 2 of 2 blocks and 1 of 2 networks"),
    ],
)
def test_damage_of_a_fitted_table_has_a_line(tmp_path: Path, line: int, change: dict[str, Any], says: str) -> None:
    path = tmp_path / "t.jsonl"
    write_imported(path, replace(IMPORTED, networks=(NETWORK,)))
    records = lines(path)
    records[line] = sealed({k: v for k, v in {**records[line], **change}.items() if k != "crc32"})
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    with pytest.raises(InputError, match=says):
        read_imported(path)


def test_version_1_does_not_say_whose_shapes_it_has(tmp_path: Path) -> None:
    for space, shapes in (("proxylessnas", "assumed"), ("", "file")):
        old(tmp_path / f"{shapes}.jsonl", space)
        assert read_imported(tmp_path / f"{shapes}.jsonl").source.shapes == shapes
    write_imported(tmp_path / "t.jsonl", replace(IMPORTED, source=replace(SOURCE, shapes="mine")))
    with pytest.raises(InputError, match="line 1: shapes 'mine' is not one of file, user, assumed"):
        read_imported(tmp_path / "t.jsonl")
