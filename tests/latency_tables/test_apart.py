"""The message that names how the networks of a table differ from the requested ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.apart import difference, in_size_option
from edgenas.latency_tables.store.journal import TableWriter
from edgenas.search.spaces import space
from tests.latency_tables.test_journal import SETTING
from tests.support.report_toys import Pi

HAS = space("nas_bench_macro", 32, 10).blocks()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (space("nas_bench_macro", 64, 10), "of images of 32 px; you asked for nas_bench_macro at 64 px"),
        (space("nas_bench_macro", (32, 64), 10), r"nas_bench_macro:in_size=32\+64 at 64 px"),
        (space("nas_bench_macro:divided=2", 32, 10), "another width: 32 channels after the first convolution; .* 16"),
        (space("nas_bench_macro", 32, 7), "of 10 classes; you asked for nas_bench_macro with 7"),
        (space("nas_bench_macro", 32, 10), "^$"),
        (space("fbnet", 32, 10), "another width: 32 channels .* fbnet have 16"),
    ],
)
def test_what_differs(asked: edgenas.Space, says: str) -> None:
    import re

    assert re.search(says, difference(HAS, asked.blocks(), asked.name))


def test_a_table_without_stems_says_nothing() -> None:
    assert difference([BlockSpec.parse("skip-8x8")], HAS, "x") == ""
    assert in_size_option(HAS, "x") == " --in-size 32" and in_size_option(HAS, "x:in_size=1+2") == ""


def test_a_search_with_a_table_of_another_size_says_so(tmp_path: Path) -> None:
    records = [Pi().measure((block,), n, "table", f"p{n}", 1.4) for block in HAS for n in range(3)]
    with TableWriter(tmp_path / "t.jsonl", SETTING, "0.3.0") as writer:
        writer.append(records)
    with pytest.raises(InputError, match=r"32 px; you asked for nas_bench_macro at 64 px: .* --in-size 64 -o"):
        edgenas.search(
            "nas_bench_macro",
            in_size=64,
            table=tmp_path / "t.jsonl",
            unvalidated=True,
            accuracy=lambda network: 50.0,
            budget_ms=9,
        )
