"""Tables that are fitted to whole networks: blocks are recovered, errors are told, the gate takes them."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError, OutcomeError
from edgenas.latency_tables.gate import searchable
from edgenas.latency_tables.imported import ImportedTable, TableSource, read_imported, write_imported
from edgenas.latency_tables.prediction.choice import counts_of
from edgenas.latency_tables.prediction.ratio_kernel import Features, Floats
from edgenas.latency_tables.prediction.ratios import Observations
from edgenas.latency_tables.prediction.whole import (
    MORE_NOISE,
    cross_validated,
    fitted,
    networks_to_measure,
    noise_of,
    work_ms,
)
from edgenas.latency_tables.whole import WholeNetwork, error_share, left_out_errors, mean_error
from edgenas.search.spaces import space
from edgenas.search.table_cost import table_cost
from edgenas.tables.fit import FORMAT, FitResult, TimedNetwork, chosen_networks, fit_table, without_skips

SPACE = space("mobilenet_v3_small", in_size=96)
BLOCKS = SPACE.blocks()
WORK = work_ms(BLOCKS)
FEATURES = Features.of(BLOCKS, WORK)
TRUE_MS = WORK * 3 * np.exp([0.2 * np.log(b.kernel) + 0.1 * np.random.default_rng(b.macs).normal() for b in BLOCKS])
_RNG = random.Random(0)
NETWORKS = list(dict.fromkeys(without_skips(SPACE.architecture(SPACE.sample(_RNG)).blocks) for _ in range(200)))
COUNTS = counts_of(NETWORKS, BLOCKS)
SOURCE = TableSource(FORMAT, "networks.csv", "0" * 64, "phone", SPACE.name, "user")


def observed(index: list[int], noise: float = 0.0) -> Observations:
    rng = np.random.default_rng(0)
    ms = COUNTS[index] @ TRUE_MS * np.exp(noise * rng.normal(size=len(index)))
    return Observations(COUNTS[index], ms, np.full(len(index), 0.003), MORE_NOISE)


def errors(ms: Floats, index: list[int]) -> Floats:
    others = np.setdiff1d(np.arange(len(NETWORKS)), index)
    return np.asarray(np.abs(COUNTS[others] @ ms / (COUNTS[others] @ TRUE_MS) - 1))


def result(count: int = 40) -> FitResult:
    index = networks_to_measure(FEATURES, WORK, COUNTS, count)
    return fit_table([TimedNetwork(NETWORKS[i], float(COUNTS[i] @ TRUE_MS)) for i in index], SPACE, SOURCE)


def test_sums_of_fitted_blocks_predict_other_networks() -> None:
    index = networks_to_measure(FEATURES, WORK, COUNTS, 40)
    found = fitted(FEATURES, WORK, observed(index))
    assert errors(found.ms, index).mean() < 0.02
    plain = WORK * np.exp(np.mean(np.log(COUNTS[index] @ TRUE_MS / (COUNTS[index] @ WORK))))
    assert errors(found.ms, index).mean() < errors(plain, index).mean() / 2
    assert (found.low_ms < found.ms).all() and (found.ms < found.high_ms).all()
    assert np.mean((found.low_ms <= TRUE_MS) & (found.high_ms >= TRUE_MS)) >= 0.85


def test_noise_is_found_and_does_not_end_in_nonsense() -> None:
    """Times in whole milliseconds, or of a busy device: the noise is not what was given."""
    index = networks_to_measure(FEATURES, WORK, COUNTS, 40)
    found = fitted(FEATURES, WORK, observed(index, noise=0.15))
    assert errors(found.ms, index).mean() < 0.1


def test_the_networks_to_measure_tell_more_than_the_first_ones() -> None:
    index = networks_to_measure(FEATURES, WORK, COUNTS, 20)
    assert len(set(index)) == 20 and networks_to_measure(FEATURES, WORK, COUNTS, 10) == index[:10]
    both = [errors(fitted(FEATURES, WORK, observed(some)).ms, some).mean() for some in (index, list(range(20)))]
    assert both[0] < both[1] * 1.1
    assert len(networks_to_measure(FEATURES, WORK, COUNTS[:5], 20)) == 5


def test_cross_validation_never_sees_what_it_predicts() -> None:
    every = observed(list(range(25)))
    seen: list[int] = []

    def fit(some: Observations) -> Floats:
        assert some.more == MORE_NOISE
        seen.append(len(some.ms))
        return np.full(len(BLOCKS), some.ms.sum())

    found = cross_validated(fit, every)
    assert len(seen) == 10 and sum(25 - count for count in seen) == 25
    blocks = COUNTS[:25].sum(axis=1)
    assert ((found / blocks) < every.ms.sum()).all(), "the sum of all others"


def test_noise_comes_from_the_spread_of_runs() -> None:
    ms = np.array([1.0, 2.0, 1.0, 1.0])
    assert noise_of(ms, [None, 0.2, 0.5, 1e-9], [None, 4, None, 9]).tolist() == [0.01, 0.05, 0.5, 0.003]


def test_the_error_is_that_of_networks_left_out() -> None:
    networks = [WholeNetwork(NETWORKS[0], 1.0, None, None, 1 / (1 + error)) for error in (0.01, -0.02, 0.03, 0.5)]
    assert left_out_errors(networks) == pytest.approx([0.01, 0.02, 0.03, 0.5])
    assert error_share(networks) == pytest.approx(0.5) and error_share(networks, 0.6) == pytest.approx(0.03)
    assert mean_error(networks) == pytest.approx(np.mean([abs(n.left_out_ms - 1) for n in networks]))


def test_a_fitted_table_passes_the_gate_by_its_error(tmp_path: Path) -> None:
    made = result()
    path = tmp_path / "t.jsonl"
    write_imported(path, made.table)
    found = searchable(path, SPACE.name, BLOCKS)
    assert found.fitted and not found.imported and found.error_share == error_share(made.table.networks)
    assert found.error_share is not None and found.error_share < 0.1 and made.spearman > 0.9
    assert "no block was timed alone; all are estimates from 40 whole networks" in found.notes[0]
    assert all(found.upper_ms(block) > found.ms(block) for block in BLOCKS)
    assert "not of digits" in " ".join(searchable(path, "digits", BLOCKS).notes)
    priced = table_cost(SPACE, path)
    assert (priced.uncertainty, priced.error_share) == ("rss", found.error_share)
    network = SPACE.architecture(SPACE.sample(random.Random(5)))
    truth = sum(TRUE_MS[BLOCKS.index(block)] for block in network.blocks if block.kind != "skip")
    assert priced.cost.total(network) == pytest.approx(truth, rel=0.06)
    assert priced.at(1.0).total(network) > priced.cost.total(network)
    with pytest.raises(InputError, match="fitted to whole networks and lacks no block"):
        searchable(path, SPACE.name, BLOCKS, predict=True)


def test_without_networks_it_is_a_table_without_proof(tmp_path: Path) -> None:
    table = result().table
    for networks in ((), table.networks[:7]):
        bare = ImportedTable(table.source, table.values, networks=networks)
        with pytest.raises(OutcomeError, match="nothing proves that its sums predict networks"):
            searchable(bare, SPACE.name, BLOCKS)
    write_imported(tmp_path / "t.jsonl", table)
    assert read_imported(tmp_path / "t.jsonl").networks == table.networks


def test_seven_networks_are_too_few() -> None:
    with pytest.raises(InputError, match="7 networks: 8 are the least"):
        result(7)


def test_the_networks_of_a_space_to_measure_have_no_skips() -> None:
    found = chosen_networks(SPACE, 12)
    assert len(set(found)) == 12 and all(block.kind != "skip" for network in found for block in network)
