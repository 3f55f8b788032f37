"""What a table answers, and how sure it says it is."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.latency_tables.records import Measurement
from edgenas.latency_tables.store.frames import write_csv
from edgenas.latency_tables.table import LatencyTable
from tests.latency_tables.test_journal import SETTING

STEM = BlockSpec.parse("conv-8x3-o4-k3-s2-relu6")
BODY = BlockSpec.parse("ir-4x4-m8-o4-k3-s1-res")
HEAD = BlockSpec.parse("head-4x4-o10")


def measurement(block: BlockSpec, process: int, samples_ns: tuple[tuple[int, ...], ...], loops: int = 1) -> Measurement:
    return Measurement((block,), process, samples_ns, loops, (0.0, 0.0), {}, {})


MILLION = 1_000_000
TABLE = LatencyTable(
    SETTING,
    (
        measurement(STEM, 0, ((3 * MILLION, 2 * MILLION), (4 * MILLION,))),
        measurement(STEM, 1, ((5 * MILLION,), (6 * MILLION, 7 * MILLION))),
        measurement(BODY, 0, ((10 * MILLION,),), loops=10),
    ),
)


def test_statistics_are_over_all_samples_in_ms_a_run() -> None:
    assert TABLE.ms(STEM, "min") == 2.0
    assert TABLE.ms(STEM) == TABLE.ms(STEM, "median") == 4.5
    assert TABLE.ms(STEM, "p90") == 7.0
    assert TABLE.ms(BODY) == 1.0
    assert TABLE.spread(STEM) == 5 / 2 - 1
    assert TABLE.spread(BODY) == 0.0
    low, high = TABLE.interval(BODY)
    assert low < 1.0 < high, "one sample is no certainty"


def test_a_network_is_the_sum_of_its_blocks_and_a_skip_costs_nothing() -> None:
    network = Architecture("n", (skip(8, 3), STEM, BODY, skip(4, 4), BODY))
    assert TABLE.total_ms(network, "min") == 4.0
    assert TABLE.total_ms(network) == TABLE.total_ms(network, "median") == 6.5
    assert (TABLE.ms(skip(9, 9)), TABLE.interval(skip(9, 9)), TABLE.spread(skip(9, 9))) == (0.0, (0.0, 0.0), 0.0)


def test_missing_blocks_are_named_once_and_skips_never() -> None:
    assert TABLE.missing([HEAD, STEM, skip(4, 4), BODY, HEAD]) == (HEAD,)
    with pytest.raises(InputError, match=r"block head-4x4-o10 is not in this table .*edgenas profile"):
        TABLE.total_ms(Architecture("n", (STEM, HEAD)))
    with pytest.raises(InputError, match="'mean' is not one of min, median, p90"):
        TABLE.ms(STEM, "mean")


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(InputError, match="measured twice as process 1"):
        LatencyTable(SETTING, (*TABLE.measurements, measurement(STEM, 1, ((1,),))))


def test_a_table_as_a_frame_and_as_csv(tmp_path: Path) -> None:
    frame = TABLE.to_frame()
    assert list(frame["block"]) == [str(STEM), str(BODY)]
    assert list(frame["min_ms"]) == [2.0, 1.0]
    assert list(frame["macs"]) == [STEM.macs, BODY.macs]
    assert (list(frame["processes"]), list(frame["rounds"]), list(frame["samples"])) == ([2, 1], [4, 1], [6, 1])
    write_csv(TABLE.to_frame(), tmp_path / "t.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv", keep_default_na=False), frame)


def test_an_empty_table() -> None:
    table = LatencyTable(SETTING, ())
    assert (table.blocks, len(table.to_frame()), table.missing([STEM])) == ((), 0, (STEM,))
    assert list(table.to_frame().columns) == list(TABLE.to_frame().columns) == list(TABLE._row(STEM))


def test_confidence_is_checked() -> None:
    with pytest.raises(InputError, match=r"confidence 1\.5"):
        TABLE.interval(STEM, confidence=1.5)
