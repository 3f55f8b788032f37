"""The gate against tables in which every call costs more than its work."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource
from edgenas.latency_tables.importers import table_format
from edgenas.latency_tables.quality import FLAT, LEAST_BLOCKS, LEAST_RANGE, WORK, Growth, check_growth, growth
from edgenas.search.spaces import space
from edgenas.tables.published import import_table
from tests.support.published import TEXTS

REAL = [
    ("pixel1/proxylessnas_pixel_trim.yaml", "proxylessnas", ""),
    ("pixel1/singlepath_pixel1_runtime_model.json", "single-path", ""),
    ("pixel1/tunas_proxylessnas_pixel1_linear.json", "tunas", ""),
    *(("fbnet/fbnet_lut_recovered.csv", "fbnet", device) for device in ("raspi4", "pixel3", "fpga", "eyeriss")),
]
BLOCKS = space("fbnet").blocks()  # MACs over a range of 80


def table(ms: dict[BlockSpec, float]) -> ImportedTable:
    return ImportedTable(TableSource("f", "n", "s", "d"), {block: PublishedValue(value) for block, value in ms.items()})


def noisy(overhead_ms: float, gmacs_a_second: float, noise: float, seed: int = 0) -> ImportedTable:
    rng = random.Random(seed)
    return table({b: (overhead_ms + b.macs / gmacs_a_second / 1e6) * rng.lognormvariate(0, noise) for b in BLOCKS})


@pytest.mark.parametrize(("file", "name", "column"), REAL)
def test_real_tables_pass(shared_data: Path, file: str, name: str, column: str) -> None:
    own = table_format(name).space
    found = growth(import_table(shared_data / file, name, space(own) if own else None, column).table, "mean")
    assert found.dominated is False and found.slope is not None and found.slope > 0.7, found
    assert str(found).startswith("latency follows work: ")


@pytest.mark.parametrize("noise", [0.0, 0.05, 0.3])
@pytest.mark.parametrize("seed", range(3))
def test_constant_overhead_is_refused(noise: float, seed: int) -> None:
    found = growth(noisy(10.0, 1e9, noise, seed), "mean")
    assert found.dominated is True
    assert str(found).startswith("overhead dominates: only ")
    with pytest.raises(OutcomeError, match=r"t.jsonl: overhead dominates: .*--in-size.*--budget-macs"):
        check_growth(noisy(10.0, 1e9, noise, seed), "mean", "t.jsonl")


def test_overhead_beside_some_work_is_refused_and_little_overhead_is_not() -> None:
    """Its share of the median block's time, at noise of 10 %: nine tenths, a third."""
    median_ms = sorted(b.macs for b in BLOCKS)[len(BLOCKS) // 2] / 1e6
    assert growth(noisy(19 * median_ms, 1.0, 0.1), "mean").dominated is True
    assert growth(noisy(median_ms / 2, 1.0, 0.1), "mean").dominated is False
    assert growth(noisy(0.0, 1.0, 0.5), "mean").dominated is False


def test_a_slope_between_overhead_and_work_cannot_tell() -> None:
    for low, high, dominated in (
        (0.05, FLAT - 0.01, True),
        (0.05, FLAT, None),
        (0.05, 0.9, None),
        (WORK - 0.01, 0.9, None),
        (WORK, 0.9, False),
    ):
        found = Growth(30, 10.0, (low + high) / 2, low, high)
        assert found.dominated is dominated and bool(found.doubt) is (dominated is None)
        if dominated is None:
            assert str(found).startswith("cannot tell whether overhead dominates: ")
            assert str(found).endswith(
                f"less than {50**FLAT:.2g} times, and it follows work from {50**WORK:.2g} times on"
            )


def test_half_overhead_cannot_tell() -> None:
    """The overhead is three times the median block's work."""
    median_ms = sorted(b.macs for b in BLOCKS)[len(BLOCKS) // 2] / 1e6
    found = growth(noisy(3 * median_ms, 1.0, 0.1), "mean")
    assert found.dominated is None and found.doubt
    check_growth(noisy(3 * median_ms, 1.0, 0.1), "mean", "t.jsonl")


@pytest.mark.parametrize("shapes", ["assumed", "user", "file"])
def test_assumed_shapes_cannot_tell(shapes: str) -> None:
    """The MACs may be others; flat latencies are refused all the same."""
    for overhead_ms, known in ((0.0, False), (1e4, True)):
        steep = noisy(overhead_ms, 1.0, 0.05)
        found = growth(replace(steep, source=replace(steep.source, space="fbnet", shapes=shapes)), "mean")
        assert found.dominated is (True if known else None if shapes == "assumed" else False)
        if shapes == "assumed" and not known:
            assert str(found).startswith("cannot tell") and "shapes, and those of space fbnet are assumed" in str(found)
            assert "--space" in found.doubt and found.as_dict()["doubt"] == found.doubt


def test_few_blocks_or_a_narrow_range_cannot_tell() -> None:
    few = table(dict.fromkeys(BLOCKS[: LEAST_BLOCKS - 1], 1.0))
    alike = [b for b in space("tunas_v3").blocks() if 4e6 < b.macs < 8e6][:100]
    narrow = table(dict.fromkeys(alike, 1.0))
    for found in (growth(few, "mean"), growth(narrow, "mean"), growth(table({}), "mean")):
        assert (found.dominated, found.slope, found.as_dict()["overhead_dominated"]) == (None, None, None)
        assert str(found).startswith("cannot tell")
    assert growth(narrow, "mean").blocks == 100 and growth(narrow, "mean").macs_range < LEAST_RANGE
    check_growth(few, "mean", "few.jsonl")


def test_a_large_table_is_looked_at_evenly() -> None:
    blocks = space("tunas_v3").blocks()
    assert len(blocks) > 5000
    assert growth(table({b: b.macs / 1e6 for b in blocks}), "mean").slope == pytest.approx(1.0)


def test_blocks_that_cost_nothing_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "published"
    path.write_text(TEXTS["fbnet"])
    found = import_table(path, "fbnet").table
    assert growth(found, "mean").blocks == sum(found.ms(b) > 0 for b in found.blocks) < len(found.blocks)
