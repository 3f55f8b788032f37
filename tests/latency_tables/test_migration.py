"""Tables of older versions, captured from the edgenas that wrote them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.base.errors import InputError
from edgenas.latency_tables.records import Measurement
from edgenas.latency_tables.store.journal import FORMAT_VERSION, TableWriter, read_journal
from edgenas.latency_tables.store.migration import upgrade
from edgenas.profiler.runtimes.delegates import requested
from tests.conftest import ROOT

V3 = ROOT / "tests" / "golden" / "table-v3.jsonl"
V1 = ROOT / "tests" / "golden" / "table-v1.jsonl"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copy(V1, tmp_path / "table.jsonl"))


def test_version_1_is_read_as_it_is_and_not_touched(old: Path) -> None:
    journal = read_journal(old)
    assert (journal.version, len(journal.table.measurements), journal.edgenas) == (1, 4, "0.1.0")
    assert {(m.purpose, m.batch, len(m.piece)) for m in journal.table.measurements} == {("table", "", 1)}
    raw = [json.loads(line) for line in old.read_text().splitlines()][1:]
    for line, m in zip(raw, journal.table.measurements, strict=True):
        assert (str(m.piece[0]), m.process, [list(r) for r in m.samples_ns]) == (
            line["block"],
            line["process"],
            line["samples_ns"],
        )
    assert old.read_bytes() == V1.read_bytes()


def test_writing_to_version_1_replaces_it_by_the_same_table_of_this_version(old: Path) -> None:
    before = read_journal(old)
    with TableWriter(old, before.table.setting, "0.2.0") as writer:
        first = before.table.measurements[0]
        added = Measurement(first.piece, 7, first.samples_ns, 1, None, {}, {}, "sentinel", "b")
        writer.append([added])
        with pytest.raises(InputError, match="another process is writing it"):
            TableWriter(old, before.table.setting, "0.2.0")
    after = read_journal(old)
    assert (after.version, after.created, after.edgenas) == (FORMAT_VERSION, before.created, before.edgenas)
    assert after.table.measurements == (*before.table.measurements, added)
    assert after.table.setting == before.table.setting
    assert [path.name for path in old.parent.iterdir()] == [old.name], "nothing is left beside it"


def test_version_3_had_no_delegates_of_the_users_choice(tmp_path: Path) -> None:
    path = Path(shutil.copy(V3, tmp_path / "table.jsonl"))
    before = read_journal(path)
    setting = before.table.setting
    assert (before.version, setting.accelerator, setting.arithmetic, setting.nodes_total) == (3, "", "", 0)
    assert requested(setting) == "" and {m.init_ns for m in before.table.measurements} == {0}
    other = replace(setting, delegate="gpu", accelerator="Mali-G78", arithmetic="fp16", nodes_taken=2, nodes_total=2)
    with pytest.raises(InputError, match="delegate xnnpack / gpu; accelerator  / Mali-G78; arithmetic  / fp16; nodes_"):
        TableWriter(path, other, "0.4.0")
    first = before.table.measurements[0]
    with TableWriter(path, setting, "0.4.0") as writer:
        writer.append([replace(first, process=9, init_ns=12)])
    after = read_journal(path)
    assert (after.version, after.table.setting) == (FORMAT_VERSION, setting)
    assert [m.init_ns for m in after.table.measurements] == [*(m.init_ns for m in before.table.measurements), 12]


def test_a_failure_of_version_1_keeps_its_block() -> None:
    old = {"kind": "failure", "block": "conv-8x3-o4-k3-s1", "process": 0, "stage": "load", "message": "no"}
    assert upgrade(old, 1)["blocks"] == ["conv-8x3-o4-k3-s1"]
    assert upgrade(upgrade(old, 1), FORMAT_VERSION) == upgrade(old, 1)


def test_a_changed_digit_of_version_1_is_noticed(old: Path) -> None:
    old.write_text(old.read_text().replace('"loops":8', '"loops":9', 1))
    with pytest.raises(InputError, match=r"line \d+: the record was changed"):
        read_journal(old)
