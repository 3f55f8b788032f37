"""The gate is the same for every caller: paths, values, the command line and programs; and what it gives is short."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.cli import profile
from edgenas.cli.table import diff
from edgenas.latency_tables.calibrated import CalibratedTable
from edgenas.latency_tables.gate import TableOrPath, prediction, searchable
from edgenas.latency_tables.imported import ImportedTable, PublishedValue, TableSource, read_imported, write_imported
from edgenas.latency_tables.records import HeldOut
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.store.journal import read_journal, read_table
from edgenas.latency_tables.store.open import is_imported, open_table
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import latest
from edgenas.profiler.stopping import StoppingRule
from edgenas.search.problem import Result, Trial
from edgenas.search.table_cost import table_cost
from tests.edgenas.test_validating import written
from tests.latency_tables.test_validation import SPACE, Device, validated
from tests.test_rooms import ROOT, sources

NETWORK = SPACE.architecture(SPACE.parse("2.2.2.2.2.2.2.2"))
OPENED: dict[str, Callable[[Path], TableOrPath]] = {
    "path": lambda path: path,
    "text": str,
    "table": open_table,
    "journal": lambda path: read_journal(str(path)),
}


@pytest.fixture(scope="module")
def measured() -> tuple[LatencyTable, HeldOut]:
    return validated(Device(scale=1.1, fixed_ms=0.2), chains=False)


@pytest.fixture(scope="module")
def proved(tmp_path_factory: pytest.TempPathFactory, measured: tuple[LatencyTable, HeldOut]) -> Path:
    return written(tmp_path_factory.mktemp("gate") / "t.jsonl", *measured)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    values = {block: PublishedValue(0.01 + block.macs / 1e8) for block in SPACE.blocks()}
    write_imported(str(tmp_path / "p.jsonl"), ImportedTable(TableSource("ofa", "f.yaml", "0" * 64, "pi"), values))
    return tmp_path / "p.jsonl"


@pytest.mark.parametrize("how", OPENED)
def test_a_table_is_the_same_however_it_is_given(proved: Path, how: str) -> None:
    table = OPENED[how](proved)
    found, expected = table_cost(SPACE, table), table_cost(SPACE, proved)
    assert found.cost.total(NETWORK) == expected.cost.total(NETWORK)
    assert found.at(5.0).total(NETWORK) == expected.at(5.0).total(NETWORK) > found.cost.total(NETWORK)
    assert (found.error_share, found.statistic) == (expected.error_share, expected.statistic)
    assert found.error_share is not None
    assert prediction(table, NETWORK) == prediction(proved, NETWORK)


@pytest.mark.parametrize("how", OPENED)
def test_what_was_never_validated_is_refused_however_it_is_given(
    tmp_path: Path, measured: tuple[LatencyTable, HeldOut], how: str
) -> None:
    path = written(tmp_path / "bare.jsonl", measured[0])
    table = OPENED[how](path)
    file = "TABLE.jsonl" if how in ("table", "journal") else str(path)
    with pytest.raises(OutcomeError, match="was never validated") as caught:
        table_cost(SPACE, table)
    said = str(caught.value)
    assert f"type: edgenas table validate {file} --space nas_bench_macro" in said
    assert "--unvalidated (in Python: unvalidated=True)" in said and len(said) < 500
    plain = table_cost(SPACE, table, unvalidated=True)
    assert (plain.error_share, plain.statistic, plain.way) == (None, DEFAULT, "alone")
    assert plain.cost.total(NETWORK) == pytest.approx(measured[0].total_ms(NETWORK))
    with pytest.raises(InputError, match=r"leave out --unvalidated .in Python: unvalidated=True"):
        table_cost(SPACE, table, unvalidated=True, predict=True)


def test_an_imported_table_needs_the_same_word_and_has_no_intervals(published: Path) -> None:
    for table in (published, str(published), open_table(str(published)), read_imported(str(published))):
        with pytest.raises(OutcomeError, match=r"was imported: .*--unvalidated .in Python: unvalidated=True"):
            table_cost(SPACE, table)
        plain = table_cost(SPACE, table, unvalidated=True, measured_again=True)
        assert (plain.statistic, plain.uncertainty) == ("mean", "mean")
        with pytest.raises(InputError, match=r"--uncertainty upper .* needs a table measured here"):
            table_cost(SPACE, table, unvalidated=True, uncertainty="upper")
    assert is_imported(str(published))
    with pytest.raises(InputError, match="without intervals"):
        searchable(published, "s", SPACE.blocks(), unvalidated=True).upper_ms(SPACE.blocks()[0])
    table = read_imported(published)
    assert prediction(open_table(published), NETWORK) == (None, "mean", table.total_ms(NETWORK))


def test_what_counts_where_nothing_is_said(proved: Path) -> None:
    assert table_cost(SPACE, proved).uncertainty == "upper"
    assert table_cost(SPACE, proved, measured_again=True).uncertainty == "rss"
    assert table_cost(SPACE, proved, uncertainty="mean", measured_again=True).uncertainty == "mean"
    with pytest.raises(InputError, match="uncertainty 'sum' is not one of mean, upper, rss"):
        table_cost(SPACE, proved, uncertainty="sum")


def test_what_is_no_table_and_what_lacks_blocks(tmp_path: Path, measured: tuple[LatencyTable, HeldOut]) -> None:
    with pytest.raises(InputError, match=r"a dict is not a latency table: give the path of its file, or open_table"):
        table_cost(SPACE, {})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="No such file"):
        table_cost(SPACE, str(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="No such file"):
        open_table(str(tmp_path / "none.jsonl"))
    gone = SPACE.blocks()[3]
    few = replace(measured[0], measurements=tuple(m for m in measured[0].measurements if m.piece != (gone,)))
    with pytest.raises(InputError, match=rf"lacks 1 of \d+ blocks, such as {gone}: .*edgenas profile nas_bench_macro"):
        table_cost(SPACE, few, unvalidated=True)


def test_reprs_are_short(proved: Path, published: Path) -> None:
    table = read_table(proved)
    proof = latest(table)
    assert proof is not None
    trial = Trial((0,) * len(SPACE.layers), 71.5, 3.25)
    things: list[Any] = [
        table, read_journal(proved), open_table(published), proof, CalibratedTable(table, proof, True), SPACE,
        Result("layernas", trial, (trial,) * 500), searchable(proved, SPACE.name, SPACE.blocks()),
        table_cost(SPACE, proved),
    ]  # fmt: skip
    for thing in things:
        assert type(thing).__name__ in repr(thing)
        assert len(repr(thing)) < 420 and "\n" not in repr(thing), repr(thing)
    assert (
        repr(table)
        == f"<LatencyTable of {len(table.blocks)} blocks: ai_edge_litert 2.3.0, fp32, 1 thread, 1 validation>"
    )
    assert repr(open_table(published)) == f"<ImportedTable of {len(SPACE.blocks())} blocks: f.yaml, measured on pi>"
    assert repr(SPACE) == "<Space nas_bench_macro: 11 layers, images 32 x 32 x 3>"
    assert repr(things[6]) == "<Result of layernas: 71.50 % at a cost of 3.25, 500 networks judged>"


def _literal(default: ast.expr) -> bool:
    return isinstance(default, ast.Constant) and default.value is not None


def _statistics_by_default(source: str) -> list[str]:
    """Functions whose parameter ``statistic`` is a literal where nothing is given."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            places = node.args
            given = [*places.posonlyargs, *places.args]
            pairs = [*zip(given[len(given) - len(places.defaults) :], places.defaults, strict=True)]
            pairs += [(a, d) for a, d in zip(places.kwonlyargs, places.kw_defaults, strict=True) if d is not None]
            found += [node.name for a, d in pairs if a.arg == "statistic" and _literal(d)]
    return found


def test_there_is_one_default_statistic() -> None:
    found = {str(p.relative_to(ROOT)): names for p in sources() if (names := _statistics_by_default(p.read_text()))}
    assert found == {}
    commands = (profile.command, diff.command)
    assert {option.default for c in commands for option in c.params if option.name == "statistic"} == {DEFAULT}
    assert StoppingRule().statistic == DEFAULT
    assert _statistics_by_default("def f(a, statistic='min', b=None): ...") == ["f"]
    assert _statistics_by_default("def f(a, *, statistic=DEFAULT, b='min'): ...") == []
