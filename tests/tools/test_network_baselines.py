"""The comparison of methods on held-out networks: on a device whose truth is known, and without looking at answers."""

from __future__ import annotations

import numpy as np

from edgenas.latency_tables.validation import validation
from tests.latency_tables.test_validation import Device, true_ms, validated
from tools.bench.network_baselines import affine, calibrated, compared, operator_times


def test_on_an_additive_device_sums_are_right_and_macs_are_right_too() -> None:
    """Latency of this device is affine in MACs and in the number of blocks: with skips, MACs alone do not tell all."""
    table, held_out = validated(Device(scale=1.1, fixed_ms=0.5))
    found = validation(table, held_out)
    methods = compared(table, found, {block: 2 * true_ms(block) for block in table.blocks})
    assert methods["edgenas, calibrated"].mape < 0.01 < methods["edgenas, raw"].mape
    assert methods["careless means, calibrated"].mape < 0.01 < methods["careless means"].mape
    assert methods["per-operator regression, calibrated"].mape < methods["parameters"].mape
    assert methods["MACs"].mape < methods["parameters"].mape
    assert {each.networks for each in methods.values()} == {len(found.networks)}


def test_no_prediction_of_a_network_depends_on_its_own_time() -> None:
    rng = np.random.default_rng(0)
    amounts, ms = rng.uniform(1, 9, 12), rng.uniform(1, 9, 12)
    table, held_out = validated(Device())
    found = validation(table, held_out)
    sums = [[(block, true_ms(block)) for block in network] for network in found.networks]
    for i in (0, 5):
        other = ms.copy()
        other[i] *= 3
        assert affine(amounts.tolist(), other)[i] == affine(amounts.tolist(), ms)[i]
        moved = found.measured_ms.copy()
        moved[i] *= 3
        before, after = calibrated(sums, found.measured_ms), calibrated(sums, moved)
        assert before[i] == after[i] and not np.array_equal(before, after)


def test_per_operator_regression_does_not_see_the_networks_own_blocks() -> None:
    table, held_out = validated(Device())
    network = held_out.networks[0]
    mine = [block for block in network if block.kind == "ir"][2]

    class Wrong:
        blocks = table.blocks

        def ms(self, block: object, statistic: str) -> float:
            return table.ms(block, statistic) * (50 if block == mine else 1)  # type: ignore[arg-type]

    before = dict(operator_times([network, *held_out.networks[1:]], table, "median")[0])
    after = dict(operator_times([network, *held_out.networks[1:]], Wrong(), "median")[0])  # type: ignore[arg-type]
    assert before == after
