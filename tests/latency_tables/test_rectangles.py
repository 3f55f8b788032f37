"""Blocks that are not square in tables: their rows, their amounts of work, and their features for predictions."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgenas.blocks.size import pixels
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibration import elements
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource
from edgenas.latency_tables.prediction.terms import layer_of, shape_features, work_amounts
from edgenas.latency_tables.store.frames import write_csv, write_parquet
from tests.support.strategies import block_specs

WIDE, SQUARE = BlockSpec.parse("ir-16x4x8-m16-o8-k3-s1-relu"), BlockSpec.parse("ir-8x8-m16-o8-k3-s1-relu")


def table(*blocks: BlockSpec) -> ImportedTable:
    values = {block: PublishedValue(1.0 + i) for i, block in enumerate(blocks)}
    return ImportedTable(TableSource("ofa", "f.yaml", "0" * 64, "pi"), values, "0", "now")


def test_equal_numbers_of_pixels_are_equal_work() -> None:
    assert work_amounts(WIDE) == work_amounts(SQUARE) and elements(WIDE) == elements(SQUARE)
    assert shape_features(WIDE) == pytest.approx(shape_features(SQUARE))
    assert layer_of(WIDE) != layer_of(SQUARE)


@given(block_specs())
def test_elements_are_those_of_input_and_output(block: BlockSpec) -> None:
    values = pixels(block.in_size) * block.c_in + pixels(block.out_size) * block.c_out
    assert elements(block) == pytest.approx(values / 1e6)


@given(st.lists(block_specs(), min_size=1, max_size=4, unique=True))
def test_the_sizes_of_a_frame_are_of_one_type(blocks: list[BlockSpec]) -> None:
    frame = table(*blocks).to_frame()
    assert len({type(size) for size in frame["in_size"]}) == 1
    assert [str(size) for size in frame["in_size"]] == [str(block.in_size) for block in blocks]


def test_a_mixed_table_is_written_as_csv_and_parquet(tmp_path: Path) -> None:
    import pandas as pd

    frame = table(WIDE, SQUARE).to_frame()
    write_csv(frame, tmp_path / "t.csv")
    read = pd.read_csv(tmp_path / "t.csv", keep_default_na=False, na_values="")
    assert read["in_size"].tolist() == ["16x4", "8"] and read["block"].tolist() == [str(WIDE), str(SQUARE)]
    pytest.importorskip("pyarrow", reason="pip install 'edgenas[parquet]'")
    write_parquet(frame, tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet")["in_size"].tolist() == ["16x4", "8"]
