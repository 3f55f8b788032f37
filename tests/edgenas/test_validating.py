"""What a search may use: tables that were validated, and what it is told about them."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest

from edgenas.api.validate import TableValidation, find_space
from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.spec import BlockSpec
from edgenas.cli.table.validate import summary
from edgenas.latency_tables.gate import prediction
from edgenas.latency_tables.records import HeldOut
from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import latest
from edgenas.report.card import proved
from edgenas.search.cost import macs_cost
from edgenas.search.graph import best_rest, layered_graph
from edgenas.search.spaces import space
from edgenas.search.table_cost import table_cost
from edgenas.tables.validate import ValidationRequest, hold_out, stratified
from tests.latency_tables.test_journal import SETTING
from tests.latency_tables.test_validation import SPACE, Device, validated


def written(path: Path, table: LatencyTable, *held_out: HeldOut) -> Path:
    with TableWriter(path, SETTING, "0") as writer:
        writer.append([*held_out, *table.measurements])
    return path


@pytest.fixture(scope="module")
def additive() -> tuple[LatencyTable, HeldOut]:
    return validated(Device(scale=1.1, fixed_ms=0.2), chains=False)


def test_a_table_that_was_never_validated_is_refused_with_the_command(
    tmp_path: Path, additive: tuple[LatencyTable, HeldOut]
) -> None:
    table, held_out = additive
    path = written(tmp_path / "t.jsonl", table)
    with pytest.raises(OutcomeError, match=r"edgenas table validate .*t\.jsonl --space nas_bench_macro"):
        table_cost(SPACE, path, "min", unvalidated=False)
    plain = table_cost(SPACE, path, "min", unvalidated=True)
    assert (plain.error_share, plain.cost.fixed) == (None, 0.0)
    network = SPACE.architecture(SPACE.parse("2.2.2.2.2.2.2.2"))
    assert plain.cost.total(network) == pytest.approx(table.total_ms(network, "min"))
    assert table_cost(SPACE, path, unvalidated=True).cost.total(network) == pytest.approx(table.total_ms(network))
    other = written(tmp_path / "v.jsonl", table, held_out)
    found = table_cost(SPACE, other, "min", unvalidated=False)
    assert found.error_share is not None
    assert found.cost.total(network) == pytest.approx(1.1 * table.total_ms(network, "min") + 0.2, rel=0.03)
    assert prediction(other, network, "min")[2] == pytest.approx(found.cost.total(network))
    assert found.notes == ()
    with pytest.raises(InputError, match="statistic 'mean' is not one of"):
        table_cost(SPACE, other, "mean", unvalidated=False)


def test_the_interval_of_a_prediction_has_one_text(tmp_path: Path, additive: tuple[LatencyTable, HeldOut]) -> None:
    table, held_out = additive
    path = written(tmp_path / "v.jsonl", table, held_out)
    found = latest(read_table(path), "min", SPACE.name)
    assert found is not None
    text = f"±{100 * found.error_share():.1f} %"
    assert found.interval_text == text
    assert summary(found)["95 % prediction interval"] == text
    assert f"95 % prediction interval {text}>" in repr(TableValidation(path, SPACE, found))
    assert proved(found, None).endswith(f"the 95 % prediction interval is {text}")


def test_what_is_odd_about_a_validation_is_told(tmp_path: Path) -> None:
    table, held_out = validated(Device(), chains=False, speed=1.3)
    elsewhere = HeldOut(held_out.id, "digits", held_out.created, held_out.target, held_out.networks)
    found = table_cost(SPACE, written(tmp_path / "t.jsonl", table, elsewhere), "min", unvalidated=False)
    assert found.error_share is not None
    assert found.error_share > 0.2, "what the table predicts is no longer so"
    notes = " ".join(found.notes)
    assert "validated on networks of digits, not of nas_bench_macro" in notes
    assert "took 1.30 times as long" in notes


def test_where_chains_are_to_be_used_a_table_without_them_names_the_command(tmp_path: Path) -> None:
    table, held_out = validated(Device(boundary_ms=4.0, uneven=1.0))
    bare = tuple(m for m in table.measurements if len(m.piece) == 1 or m.purpose == "validation")
    path = written(tmp_path / "t.jsonl", LatencyTable(SETTING, bare), held_out)
    with pytest.raises(OutcomeError, match=r"edgenas profile nas_bench_macro --chains -o"):
        table_cost(SPACE, path, "min", unvalidated=False)


def test_networks_are_spread_over_latency_and_the_same_for_a_seed() -> None:
    def ms(block: BlockSpec) -> float:
        return block.macs / 1e6

    chosen = stratified(SPACE, ms, 24, seed=3)
    assert chosen == stratified(SPACE, ms, 24, seed=3)
    assert chosen != stratified(SPACE, ms, 24, seed=4)
    assert len({SPACE.architecture(choice).blocks for choice in chosen}) == 24
    logs = sorted(math.log(sum(ms(b) for b in SPACE.architecture(c).blocks if b.kind != "skip")) for c in chosen)
    widest = max(after - before for before, after in pairwise(logs))
    assert widest < (logs[-1] - logs[0]) / 4
    assert len(stratified(SPACE, ms, 10_000, seed=0)) <= 1002


@pytest.mark.parametrize("name", ["nas_bench_macro", "mobilenet_v3_small", "ofa_mobilenet_v3"])
def test_networks_reach_from_the_fastest_of_the_space_to_the_slowest(name: str) -> None:
    other = space(name)
    graph = layered_graph(other, macs_cost())
    costs = [layer.cost for layer in graph.layers]
    fastest, slowest = (float(best_rest(graph, costs, largest).bound[0][0]) for largest in (False, True))
    chosen = stratified(other, lambda block: float(block.macs), 24, seed=0)
    found = sorted(macs_cost().total(other.architecture(choice)) for choice in chosen)
    stratum = (slowest / fastest) ** (1 / 24)
    assert found[0] <= fastest * stratum
    assert found[-1] >= slowest / stratum


@pytest.mark.slow
def test_the_space_of_a_table_is_found(tmp_path: Path, additive: tuple[LatencyTable, HeldOut]) -> None:
    path = written(tmp_path / "t.jsonl", additive[0])
    assert find_space(path).name == "nas_bench_macro"
    few = LatencyTable(SETTING, additive[0].measurements[:1])
    with pytest.raises(InputError, match="name its space: --space"):
        find_space(written(tmp_path / "few.jsonl", few))


def test_nonsense_is_refused() -> None:
    with pytest.raises(InputError, match="7 networks: between 8"):
        ValidationRequest(SPACE, 7)
    with pytest.raises(InputError, match="0 processes"):
        ValidationRequest(SPACE, 24, 0)


def test_networks_are_drawn_also_where_blocks_are_missing(additive: tuple[LatencyTable, HeldOut]) -> None:
    drawn = hold_out(additive[0], ValidationRequest(space("mobilenet_v3_small")))
    assert (drawn.space, len(set(drawn.networks)), drawn.target) == ("mobilenet_v3_small", 24, 4)


def test_blocks_that_the_table_lacks_are_predicted_where_that_is_asked_for(
    tmp_path: Path, additive: tuple[LatencyTable, HeldOut]
) -> None:
    table, held_out = additive
    gone = next(b for b in SPACE.blocks() if b.kind == "ir" and b.stride == 1)
    kept = tuple(m for m in table.measurements if m.piece != (gone,) or m.purpose == "validation")
    path = written(tmp_path / "t.jsonl", LatencyTable(SETTING, kept), held_out)
    with pytest.raises(InputError, match=f"the table lacks 1 of 18 blocks, such as {gone}"):
        table_cost(SPACE, path, "min", unvalidated=False)
    found = table_cost(SPACE, path, "min", unvalidated=False, predict=True)
    whole = table_cost(SPACE, written(tmp_path / "w.jsonl", table, held_out), "min", unvalidated=False)
    assert found.cost.of(gone) == pytest.approx(whole.cost.of(gone), rel=0.3)
    assert found.predicted(SPACE.blocks()) == (gone,)
    assert whole.predicted(SPACE.blocks()) == ()
    with pytest.raises(InputError, match="leave out --unvalidated"):
        table_cost(SPACE, path, "min", unvalidated=True, predict=True)
