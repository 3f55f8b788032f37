"""once-for-all's published tables are of width 1.2: such a table is imported, checked and searched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from tests.support.search_toys import noise

WIDE = "ofa_mobilenet_v3:width=1.2"


def rows(block: BlockSpec) -> Iterator[str]:
    """The rows of a block in the published form, with a time near its MACs."""
    ms = 0.1 + block.macs / 1e7 * (0.8 + 0.4 * noise(str(block)))
    size, c_in, out, c_out = block.in_size, block.c_in, block.out_size, block.c_out
    if block.kind == "head":
        yield f"AvgPool2D-input:{size}x{size}x{c_in}-output:1x1x{c_in}: {{mean: 0.25}}"
        yield f"Conv_2-input:1x1x{c_in}-output:1x1x{block.c_mid}: {{mean: 0.5}}"
        yield f"Logits-input:1x1x{block.c_mid}-output:{c_out}: {{mean: 0.75}}"
    elif block.kind == "conv":
        name = "Conv" if block.stride == 2 else "Conv_1"
        yield f"{name}-input:{size}x{size}x{c_in}-output:{out}x{out}x{c_out}: {{mean: {ms:.4f}, std: 0.01}}"
    else:
        expand, flags = block.c_mid or c_in, f"se:{int(block.c_se > 0)}-hs:{int(block.act == 'hswish')}"
        shape = f"input:{size}x{size}x{c_in}-output:{out}x{out}x{c_out}"
        kind = f"expand:{expand}-kernel:{block.kernel}-stride:{block.stride}-idskip:{int(block.residual)}-{flags}"
        yield f"expanded_conv-{shape}-{kind}: {{mean: {ms:.4f}, std: 0.01}}"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    text = "\n".join(row for block in edgenas.space(WIDE).blocks() for row in rows(block))
    (tmp_path / "note10.yaml").write_text(text)
    edgenas.import_table(tmp_path / "note10.yaml", tmp_path / "note10.jsonl", format="ofa")
    return tmp_path / "note10.jsonl"


def test_a_published_table_of_width_1_2_is_searched(table: Path, tmp_path: Path) -> None:
    assert edgenas.check(table, WIDE).missing == ()
    assert len(edgenas.check(table, "ofa_mobilenet_v3").missing) > 50
    found = edgenas.search(
        WIDE,
        table=table,
        accuracy=lambda network: 60 + network.macs**0.12,
        budget_ms=40,
        unvalidated=True,
        algorithms="mathnas",
        out=tmp_path / "search.json",
    )
    assert found.best.ms is not None and found.best.ms <= 40
    assert edgenas.network(tmp_path / "search.json").architecture.blocks[0].c_out == 24
    nodes = edgenas.front(tmp_path / "search.json")
    assert nodes.points[0].cost < 40


def test_nodes_of_that_width_have_the_same_table(table: Path) -> None:
    assert edgenas.check(table, "mathnas_mobilenet_v3:width=1.2").missing == ()


def test_another_width_is_told_apart(table: Path) -> None:
    with pytest.raises(InputError, match="lacks"):
        edgenas.search("ofa_mobilenet_v3", table=table, unvalidated=True, accuracy=lambda network: 50.0, budget_ms=40)
