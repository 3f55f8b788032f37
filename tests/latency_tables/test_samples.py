"""Samples in little memory: the same values as tuples, and a table that holds each shared value once."""

from __future__ import annotations

import copy
import json
import pickle
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.latency_tables.records import Measurement, check_samples
from edgenas.latency_tables.samples import Rounds
from edgenas.latency_tables.statistics.estimates import rounds_ms
from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.latency_tables.store.lines import record_to_json, sealed
from tests.latency_tables.test_journal import BLOCK, SETTING

TWO = ((5, 7, 6), (9,))


@pytest.mark.parametrize("given", [TWO, ((2**31 - 1,),), ((2**31,), (1, 10**13))])
def test_rounds_are_the_tuples_they_were_made_of(given: tuple[tuple[int, ...], ...]) -> None:
    held = Rounds(given)
    assert held == given and given == held and held == Rounds(given) and hash(held) == hash(given)
    assert tuple(held) == given and held[-1] == given[-1] and held[:1] == given[:1] and len(held) == len(given)
    assert pickle.loads(pickle.dumps(held)) == held == copy.deepcopy(held)
    assert held != ((1,),) and held != Rounds(((1,),)) and held != "rounds"
    assert check_samples([list(samples) for samples in given]) == held
    assert held.samples == sum(map(len, given))


def test_times_of_rounds_are_those_of_tuples() -> None:
    measured = Measurement((BLOCK,), 0, Rounds(TWO), 2, None, {}, {})
    plain = [np.array(samples, dtype=np.float64) / 2e6 for samples in TWO]
    for made in (measured.rounds_ms(), rounds_ms(TWO, 2), rounds_ms(Rounds(TWO), 2)):
        assert [times.tolist() for times in made] == [times.tolist() for times in plain]
    assert measured.minima_ms().tolist() == [times.min() for times in plain]
    assert measured.samples == 4


def test_a_line_of_a_table_takes_little_memory(tmp_path: Path) -> None:
    path, facts = tmp_path / "t.jsonl", {f"fact {i}": f"a longer value {i}" for i in range(10)}
    samples = tuple(tuple(range(400_000 + 8 * i, 400_008 + 8 * i)) for i in range(10))
    with TableWriter(path, SETTING, "0.3.0") as writer:
        writer.append(
            Measurement((BLOCK,), n, samples, 1, (1.5, 2.5), dict(facts), dict(facts), "table", "one batch")
            for n in range(400)
        )
    read_table(path)
    tracemalloc.start()
    try:
        table = read_table(path)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / 400 < 1000  # bytes; tuples of ints take 3,200, and facts of its own another 2,000
    assert peak / 400 < 1500
    assert table.measurements[0].before is table.measurements[399].before


def line_of(text: bytes) -> bytes:
    record = record_to_json(Measurement((BLOCK,), 0, TWO, 1, None, {}, {}))
    return json.dumps(sealed({k: v for k, v in record.items() if k != "crc32"}), separators=(",", ":")).encode() + text


def table_with(path: Path, line: bytes) -> Path:
    with TableWriter(path, SETTING, "0.3.0"):
        pass
    path.write_bytes(path.read_bytes() + line + b"\n")
    return path


def test_the_seal_holds_for_samples_in_any_spelling(tmp_path: Path) -> None:
    for number, (old, new) in enumerate([(b"", b""), (b"[[5,7", b"[[ 5, 7"), (b"samples_ns", b"samples\\u005fns")]):
        line = line_of(b"").replace(old, new, 1)
        assert read_table(table_with(tmp_path / f"{number}.jsonl", line)).measurements[0].samples_ns == TWO


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"[[5,7,6],[9]]", b"[[5,7,8],[9]]"), (b"[[5,7,6],[9]]", b"[[5,7],[6,9]]"), (b'"loops":1', b'"loops":2')],
)
def test_a_changed_sample_breaks_the_seal(tmp_path: Path, old: bytes, new: bytes) -> None:
    line = line_of(b"")
    assert old in line
    with pytest.raises(InputError, match=r"line 2: the record was changed after it was written"):
        read_table(table_with(tmp_path / "t.jsonl", line.replace(old, new)))
