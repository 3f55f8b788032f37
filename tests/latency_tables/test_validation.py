"""Validations of devices whose truth is known: what is recovered, what is chosen, what is told apart."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.chains import chain, ends
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.calibrated import CalibratedTable
from edgenas.latency_tables.calibration import Calibration, columns, elements, fit, predict
from edgenas.latency_tables.records import BlockFailure, HeldOut, Measurement, Piece, Purpose
from edgenas.latency_tables.statistics.agreement import agreement
from edgenas.latency_tables.statistics.estimates import estimate
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import Validation, complete, latest, validation
from edgenas.profiler.stopping import pieces_of
from edgenas.search.spaces import space
from tests.latency_tables.test_journal import SETTING

SPACE = space("nas_bench_macro")
PROCESSES = 4


def true_ms(block: BlockSpec) -> float:
    """What a block takes inside a network."""
    return 0.01 + block.macs / 2e7


class Device:
    """Answers for any piece: alone a block pays ``boundary_ms`` a million elements twice, at its input and its output,
    by a factor of e^``uneven`` more or less for each shape;
    networks are ``scale`` slower than their blocks and pay ``fixed_ms``, and ``weight_ms`` a million parameters."""

    def __init__(
        self,
        *,
        scale: float = 1.0,
        fixed_ms: float = 0.0,
        boundary_ms: float = 0.0,
        uneven: float = 0.0,
        weight_ms: float = 0.0,
        noise: float = 0.002,
    ) -> None:
        self.scale, self.fixed_ms, self.boundary_ms, self.noise = scale, fixed_ms, boundary_ms, noise
        self.uneven, self.weight_ms = uneven, weight_ms
        self.rng = np.random.default_rng(1)

    def ms(self, piece: Piece) -> float:
        inside = sum(true_ms(block) for block in piece if block.kind != "skip")
        first, last = piece[0], piece[-1]
        boundary_ms = self._boundary_ms(first.in_size, first.c_in) + self._boundary_ms(last.out_size, last.c_out)
        whole = self.scale if len(piece) > 3 else 1.0
        fixed = self.fixed_ms + self.weight_ms * sum(b.params for b in piece) / 1e6 if len(piece) > 3 else 0.0
        return whole * inside + fixed + boundary_ms

    def _boundary_ms(self, size: int, channels: int) -> float:
        shape = np.random.default_rng([size, channels])
        return self.boundary_ms * size**2 * channels / 1e6 * float(np.exp(self.uneven * shape.normal()))

    def measure(self, piece: Piece, process: int, purpose: Purpose, batch: str, speed: float = 1.0) -> Measurement:
        """Ten rounds of eight samples in a process that is ``noise`` off, like all its others."""
        ms = speed * self.ms(piece) * float(np.exp(self.noise * self.rng.normal()))
        ns = 1e6 * ms * (1 + 0.002 * np.abs(self.rng.normal(size=(10, 8))))
        samples = tuple(map(tuple, ns.astype(int).tolist()))
        return Measurement(piece, process, samples, 1, None, {"device": "pi"}, {}, purpose, batch)


def networks(count: int, seed: int = 0) -> tuple[Piece, ...]:
    rng = random.Random(seed)
    return tuple(dict.fromkeys(SPACE.architecture(SPACE.sample(rng)).blocks for _ in range(4 * count)))[:count]


def journal(table: LatencyTable, *validations: HeldOut) -> LatencyTable:
    return replace(table, validations=validations)


def validated(
    device: Device, *, chains: bool = True, count: int = 24, speed: float = 1.0
) -> tuple[LatencyTable, HeldOut]:
    """A table of the space and a validation, measured when the device takes ``speed`` times as long."""
    held_out = HeldOut("v1", SPACE.name, "now", PROCESSES, networks(count))
    pieces = dict.fromkeys(p for network in held_out.networks for p in (network, *pieces_of(network, chains)))
    found = [
        device.measure(piece, process, "validation", f"v1/0/{process}", speed)
        for process in range(PROCESSES)
        for piece in pieces
    ]
    found += [device.measure(p, n, "table", f"t{n}") for p in pieces_of(SPACE.blocks(), chains) for n in range(3)]
    return LatencyTable(SETTING, tuple(found)), held_out


def test_a_chain_has_the_block_between_thin_ends() -> None:
    block = BlockSpec.parse("ir-16x24-m72-o40-k5-s2-hswish")
    assert list(map(str, chain(block))) == ["conv-16x8-o24-k1-s1", str(block), "conv-8x40-o8-k1-s1"]
    stem, head = BlockSpec.parse("conv-32x3-o16-k3-s2"), BlockSpec.parse("head-8x64-o10")
    assert [end and str(end) for end in ends(stem)] == [None, "conv-16x16-o8-k1-s1"]
    assert [end and str(end) for end in ends(head)] == ["conv-8x8-o64-k1-s1", None]


@pytest.mark.slow
def test_an_additive_device_needs_no_calibration_to_speak_of() -> None:
    table, held_out = validated(Device())
    found = validation(table, held_out)
    assert found.way == "alone", "no other estimate is better by more than its standard error"
    assert found.chosen.raw.mape < 0.005
    assert found.chosen.calibrated.mape < 0.005
    assert found.chosen.calibration.scale == pytest.approx(1, abs=0.005)
    assert found.chosen.calibrated.spearman[0] > 0.995
    assert found.error_share() < 0.015


@pytest.mark.slow
def test_scale_and_fixed_time_are_recovered() -> None:
    table, held_out = validated(Device(scale=1.2, fixed_ms=0.3))
    found = validation(table, held_out)
    assert found.chosen.raw.mape > 0.15
    assert found.chosen.calibrated.mape < 0.01
    assert found.chosen.calibration.scale == pytest.approx(1.2, rel=0.02)
    assert found.chosen.calibration.fixed_ms == pytest.approx(0.3, rel=0.1)
    calibrated = CalibratedTable(table, found)
    for network in networks(5, seed=9):
        device = Device(scale=1.2, fixed_ms=0.3)
        architecture = SPACE.architecture(next(c for c in _choices() if SPACE.architecture(c).blocks == network))
        predicted = calibrated.total_ms(architecture)
        low, high = calibrated.interval(predicted)
        assert low < device.ms(network) < high


def _choices() -> list[tuple[int, ...]]:
    rng = random.Random(9)
    return [SPACE.sample(rng) for _ in range(20)]


@pytest.mark.slow
def test_where_a_block_alone_pays_for_its_boundaries_the_device_chooses_another_estimate() -> None:
    """A runtime that reorders at the ends of a model, different for each block."""
    table, held_out = validated(Device(boundary_ms=4.0, uneven=1.0))
    found = validation(table, held_out)
    alone, chained, mean = found.sums
    assert [s.way for s in found.sums] == ["alone", "chained", "mean"]
    assert alone.raw.mape > 0.1
    assert chained.raw.mape > 0.1
    assert mean.raw.mape < alone.raw.mape / 3
    assert found.way == "mean"
    assert found.chosen.calibrated.mape < 0.01
    calibrated = CalibratedTable(table, found)
    assert calibrated.missing(SPACE.blocks()) == ()
    bare = LatencyTable(SETTING, tuple(m for m in table.measurements if len(m.piece) == 1 or m.purpose != "table"))
    assert CalibratedTable(bare, found).missing(SPACE.blocks())


def test_without_chains_the_boundary_terms_do() -> None:
    table, held_out = validated(Device(boundary_ms=4.0), chains=False)
    found = validation(table, held_out)
    assert [s.way for s in found.sums] == ["alone"]
    assert found.chosen.raw.mape > 0.1
    assert found.chosen.calibrated.mape < 0.02
    assert found.chosen.calibration.element_ms < -1


@pytest.mark.slow
def test_weights_that_a_network_reads_from_farther_away_are_allowed_for() -> None:
    found = validation(*validated(Device(weight_ms=0.4)))
    assert found.chosen.raw.mape > 0.05
    assert found.chosen.calibrated.mape < 0.01
    assert found.chosen.calibration.weight_ms == pytest.approx(0.4, rel=0.1)


@pytest.mark.slow
def test_noise_and_non_additivity_are_told_apart() -> None:
    quiet, noisy = (validation(*validated(Device(scale=1.1, noise=noise))) for noise in (0.001, 0.03))
    assert quiet.noise < 0.003
    assert 0.005 < noisy.noise < 0.03
    assert noisy.chosen.calibrated.mape < 3 * noisy.noise, "what is left is noise"


def test_one_process_tells_nothing_of_noise_and_is_json_all_the_same() -> None:
    table, held_out = validated(Device())
    once = HeldOut(held_out.id, held_out.space, held_out.created, 1, held_out.networks)
    first = tuple(m for m in table.measurements if m.purpose == "table" or m.process == 0)
    found = validation(LatencyTable(SETTING, first), once)
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["noise"] is None
    assert told["sums"][0]["calibrated"]["spearman"][0] > 0.99
    flat = agreement(np.ones(8), np.arange(1.0, 9.0))
    assert flat.as_dict()["spearman"] == [None, None, None]


@pytest.mark.slow
def test_a_device_that_is_slower_now_is_told_and_spoils_nothing() -> None:
    found = validation(*validated(Device(), speed=1.2))
    assert found.chosen.calibrated.mape < 0.01
    assert found.since is not None
    assert found.since[0] == pytest.approx(1 / 1.2, rel=0.01)
    assert found.since[1] < 1 / 1.2 < found.since[2]


def test_only_a_validation_that_is_complete_counts() -> None:
    table, held_out = validated(Device())
    assert complete(journal(table, held_out), held_out)
    last = f"v1/0/{PROCESSES - 1}"
    cut = LatencyTable(SETTING, tuple(m for m in table.measurements if m.batch != last))
    assert not complete(journal(cut, held_out), held_out)
    assert latest(journal(cut, held_out)) is None
    found = latest(journal(table, held_out, HeldOut("v2", SPACE.name, "later", 4, held_out.networks)))
    assert isinstance(found, Validation)
    assert found.held_out is held_out
    few = HeldOut("v1", SPACE.name, "now", PROCESSES, held_out.networks[:7])
    with pytest.raises(InputError, match=r"only 7 networks .* 8 are the least"):
        validation(table, few)


@pytest.mark.slow
def test_a_network_that_could_not_be_measured_leaves_a_validation_complete() -> None:
    table, held_out = validated(Device())
    gone = held_out.networks[3]
    lacking = LatencyTable(SETTING, tuple(m for m in table.measurements if m.piece != gone))
    assert latest(journal(lacking, held_out)) is None
    failed = replace(journal(lacking, held_out), failures=(BlockFailure(gone, 0, "run", "out of memory"),))
    found = latest(failed)
    assert found is not None
    assert gone not in found.networks
    assert len(found.networks) == len(held_out.networks) - 1
    nearly_all = held_out.networks[7:]
    few = LatencyTable(SETTING, tuple(m for m in table.measurements if m.piece not in nearly_all))
    assert (
        latest(replace(journal(few, held_out), failures=tuple(BlockFailure(n, 0, "run", "") for n in nearly_all)))
        is None
    )


@pytest.mark.slow
def test_a_validation_on_the_same_space_comes_before_a_later_one() -> None:
    table, held_out = validated(Device())
    moved = tuple(
        replace(m, batch=m.batch.replace("v1/", "v2/")) for m in table.measurements if m.purpose == "validation"
    )
    both = LatencyTable(SETTING, (*table.measurements, *moved))
    found = journal(both, held_out, HeldOut("v2", "digits", "later", PROCESSES, held_out.networks))
    for name, expected in (("digits", "v2"), (held_out.space, "v1"), (None, "v2"), ("ofa", "v2")):
        chosen = latest(found, None, name)
        assert chosen is not None
        assert chosen.held_out.id == expected


@pytest.mark.slow
def test_intervals_cover_networks_that_were_not_held_out() -> None:
    """Split-conformal intervals of 24 networks hold for further ones, here at least 90 of 100."""
    device = Device(scale=1.1, noise=0.01)
    table, held_out = validated(device)
    calibrated = CalibratedTable(table, validation(table, held_out))
    inside = 0
    others = [n for n in networks(124, seed=5) if n not in held_out.networks][:100]
    for network in others:
        predicted = calibrated.fixed_ms + sum(calibrated.ms(block) for block in network)
        low, high = calibrated.interval(predicted)
        times = [device.measure(network, n, "table", "x").rounds_ms() for n in range(PROCESSES)]
        inside += low <= estimate(times, calibrated.validation.statistic) <= high
    assert len(others) == 100
    assert inside >= 90


def test_terms_that_say_nothing_are_left_out() -> None:
    summed = [[(block, true_ms(block)) for block in network] for network in networks(24)]
    x = columns(summed)
    bare = 0
    for seed in range(40):
        measured = 1.05 * x[:, 0] * np.exp(0.005 * np.random.default_rng(seed).normal(size=24))
        found = fit(x, measured)
        if found == Calibration(found.scale):
            bare += 1
            assert predict(found, summed) == pytest.approx(found.scale * x[:, 0])
    assert bare >= 32
    assert fit(x[:2], measured[:2]) == Calibration(), "two networks prove nothing"


def test_a_block_never_adds_less_than_nothing() -> None:
    block = BlockSpec.parse("conv-8x8-o8-k1-s1")
    assert Calibration(1.0, 0.0, -1.0).of(block, 0.5) == 0.0
    assert Calibration(2.0, 0.0, 0.0, 3.0).of(block, 0.5) == 1.0 + 3.0 * elements(block)
    assert Calibration(2.0, weight_ms=3.0).of(block, 0.5) == 1.0 + 3.0 * block.params / 1e6
    assert Calibration(2.0, 0.0, 1.0).of(BlockSpec("skip", 8, 8, c_out=8), 0.0) == 0.0


def test_agreement_agrees_with_scipy() -> None:
    from scipy.stats import kendalltau, spearmanr

    rng = np.random.default_rng(3)
    x, y = rng.integers(1, 9, 30).astype(float), rng.integers(1, 9, 30).astype(float)
    found = agreement(x, y)
    assert found.spearman[0] == pytest.approx(spearmanr(x, y).statistic)
    assert found.kendall[0] == pytest.approx(kendalltau(x, y).statistic)
    assert found.spearman[1] <= found.spearman[0] <= found.spearman[2]
    assert found.mape == pytest.approx(np.mean(np.abs(x / y - 1)))
