"""Tables on disk: what is written comes back, whatever happens to the file is noticed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgenas.base.errors import InputError
from edgenas.base.sealing import sealed
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import PURPOSES, BlockFailure, HeldOut, Measurement, VoidedRounds
from edgenas.latency_tables.setting import Setting
from edgenas.latency_tables.store.journal import TableWriter, read_journal, read_table

SETTING = Setting(
    device=(("cores", 4), ("cpu", "Cortex-A72")),
    runtime="litert",
    version="ai_edge_litert 2.3.0",
    library_sha256="ab" * 32,
    delegate="xnnpack",
    precision="fp32",
    threads=1,
    cores=(3,),
    scheduler="fifo",
)
BLOCK = BlockSpec.parse("conv-8x3-o4-k3-s1-relu6")

TEXTS = ("skip-7x4", "ir-8x4-m8-o4-k5-s1-se8-hswish-res", "sep-7x3-o4-k3-s2-relu", "head-1x9-m8-o3-relu", str(BLOCK))
pieces = st.lists(st.sampled_from([BlockSpec.parse(text) for text in TEXTS]), min_size=1, max_size=3).map(tuple)
state = st.dictionaries(
    st.sampled_from(("time", "clock_mhz", "load_1min", "os")),
    st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False), st.just("ü 1")),
)
finite = st.floats(allow_nan=False, allow_infinity=False)
samples = st.lists(st.lists(st.integers(1, 10**12), min_size=1, max_size=3).map(tuple), min_size=1, max_size=3).map(
    tuple
)
measurements = st.lists(
    st.builds(
        Measurement,
        pieces,
        st.integers(0, 3),
        samples,
        st.integers(1, 1000),
        st.tuples(finite, finite),
        state,
        state,
        st.sampled_from(PURPOSES),
        st.sampled_from(("", "ab12", "v/1")),
    ),
    max_size=4,
    unique_by=lambda m: m.key,
)
printable = st.text(
    st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="\u3000").filter(str.isprintable), max_size=30
)
failures = st.lists(st.builds(BlockFailure, pieces, st.integers(0, 3), printable, printable), max_size=2)


def measurement(block: BlockSpec = BLOCK, process: int = 0, ns: int = 1000) -> Measurement:
    return Measurement((block,), process, ((ns, ns + 10), (ns + 5,)), 1, (1.0, 2.0), {}, {})


def write(path: Path, found: list[Measurement], failed: list[BlockFailure]) -> None:
    path.unlink(missing_ok=True)
    with TableWriter(path, SETTING, "0.1.0") as writer:
        writer.append([*found, *failed])


@pytest.fixture
def quick_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Property tests write hundreds of files."""
    monkeypatch.setattr(os, "fsync", lambda fd: None)


fixture_is_fine = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@pytest.mark.usefixtures("quick_disk")
@given(measurements, failures)
@fixture_is_fine
def test_what_is_written_comes_back(tmp_path: Path, found: list[Measurement], failed: list[BlockFailure]) -> None:
    path = tmp_path / "t.jsonl"
    write(path, found, failed)
    journal = read_journal(path)
    assert (journal.table.setting, journal.table.measurements) == (SETTING, tuple(found))
    assert (journal.failures, journal.dropped_bytes, journal.edgenas) == (tuple(failed), 0, "0.1.0")


@pytest.mark.usefixtures("quick_disk")
@given(measurements, failures, st.data())
@fixture_is_fine
def test_a_file_cut_anywhere_reads_back_to_the_last_whole_record_and_goes_on(
    tmp_path: Path, found: list[Measurement], failed: list[BlockFailure], data: st.DataObject
) -> None:
    path = tmp_path / "t.jsonl"
    write(path, found, failed)
    content = path.read_bytes()
    end = data.draw(st.integers(0, 2**20)) % (len(content) + 1)
    path.write_bytes(content[:end])
    whole = content[:end].count(b"\n")
    torn = end - (content[:end].rfind(b"\n") + 1)
    if whole == 0:
        with pytest.raises(InputError, match="no table in it"):
            read_table(path)
    else:
        journal = read_journal(path)
        assert journal.table.measurements == tuple(found[: whole - 1])
        assert journal.failures == tuple(failed[: max(0, whole - 1 - len(found))])
        assert journal.dropped_bytes == torn
    with TableWriter(path, SETTING, "0.1.0") as writer:
        assert writer.found.dropped_bytes == torn
        writer.append(found[max(0, whole - 1) :])
    assert read_table(path).measurements == tuple(found)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_disk")
@given(measurements, failures, st.data())
@fixture_is_fine
def test_a_byte_changed_anywhere_is_noticed(
    tmp_path: Path, found: list[Measurement], failed: list[BlockFailure], data: st.DataObject
) -> None:
    path = tmp_path / "t.jsonl"
    write(path, found, failed)
    content = path.read_bytes()
    for place, flip in data.draw(
        st.lists(st.tuples(st.integers(0, 2**20), st.integers(1, 255)), min_size=8, max_size=8)
    ):
        position = place % len(content)
        changed = bytes([content[position] ^ flip])
        path.write_bytes(content[:position] + changed + content[position + 1 :])
        noticed(path, found, failed, position == len(content) - 1)


def noticed(path: Path, found: list[Measurement], failed: list[BlockFailure], end_changed: bool) -> None:
    """An error with a line number, or the same data, or a cut last line that is told."""
    before = (tuple(found), tuple(failed))
    try:
        journal = read_journal(path)
    except InputError as error:
        only_header = not found and not failed and end_changed
        assert "line " in str(error) or only_header
        return
    after = (journal.table.measurements, journal.failures)
    if journal.dropped_bytes:  # the last newline went
        assert end_changed
        assert after == ((before[0], before[1][:-1]) if failed else (before[0][:-1], before[1]))
    else:
        assert (journal.table.setting, after) == (SETTING, before)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rewrite(path: Path, records: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(r) + "\n" for r in records))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"samples_ns": [[-5]]}, "line 2: samples_ns is -5, outside 1"),
        ({"samples_ns": [[0]]}, "line 2: samples_ns is 0, outside 1"),
        ({"samples_ns": [[1.5]]}, "line 2: samples_ns holds a number, not a whole number"),
        ({"samples_ns": [[True]]}, "line 2: samples_ns holds true or false"),
        ({"samples_ns": [[]]}, "line 2: samples_ns is not a list of rounds"),
        ({"samples_ns": 7}, "line 2: samples_ns is not a list"),
        ({"loops": 0}, "line 2: loops is 0"),
        ({"process": "0"}, "line 2: process is a text, not a whole number"),
        ({"blocks": ["ir-8"]}, "line 2: 'ir-8' is not a block"),
        ({"blocks": []}, "line 2: blocks is not a list of 1"),
        ({"blocks": [7]}, "line 2: blocks holds a value that is not a text"),
        ({"kind": "rumour"}, "line 2: kind 'rumour' is not one of measurement"),
        ({"purpose": "fun"}, "line 2: purpose 'fun' is not one of table"),
        ({"checksum": [1.0]}, "line 2: checksum has no a"),
        ({"checksum": 0}, "line 2: checksum is a number, not a list"),
        ({"before": {"a": [1]}}, "line 2: a is a list, not a number"),
        ({"extra": 1}, "line 2: the record has an unknown field 'extra'"),
    ],
)
def test_a_record_that_breaks_a_rule_is_an_error_with_its_line(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    path = tmp_path / "t.jsonl"
    write(path, [measurement()], [])
    header, record = lines(path)
    del record["crc32"]
    rewrite(path, [header, sealed({**record, **change})])
    with pytest.raises(InputError, match=says) as caught:
        read_table(path)
    assert "restore the file" in str(caught.value)


@pytest.mark.parametrize("change", [{"checksum": None}, {"crc32": 5}, {"process": 1}])
def test_a_record_changed_by_hand_is_an_error_with_its_line(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "t.jsonl"
    write(path, [measurement()], [])
    header, record = lines(path)
    rewrite(path, [header, {**record, **change}])
    with pytest.raises(InputError, match="line 2: the record was changed after it was written"):
        read_table(path)


def test_voids_and_held_out_networks_come_back(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    void = VoidedRounds("ab12", 3, 9, 0.031)
    held_out = HeldOut("v1", "digits", "2026-01-01T00:00:00+00:00", 4, ((BLOCK, BLOCK), (BLOCK,)))
    with TableWriter(path, SETTING, "0.1.0") as writer:
        writer.append([measurement(), void, held_out])
    journal = read_journal(path)
    assert (journal.table.voids, journal.validations) == ((void,), (held_out,))
    assert journal.table.measurements == (measurement(),)


def test_a_measurement_given_twice_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    write(path, [measurement(), measurement(process=1)], [])
    header, first, second = lines(path)
    rewrite(path, [header, first, second, first])
    with pytest.raises(InputError, match=r"line 4: conv-8x3-o4-k3-s1-relu6 as process 0 is already on line 2"):
        read_table(path)
    rewrite(path, [header, first])
    with TableWriter(path, SETTING, "0") as writer, pytest.raises(InputError, match="already holds"):
        writer.append([measurement()])
