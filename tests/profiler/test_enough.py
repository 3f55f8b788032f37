"""Measuring until it is known: who gets another process, what drift takes out, what is given up."""

from __future__ import annotations

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.latency_tables.records import HeldOut, Measurement, Piece, Purpose, VoidedRounds
from edgenas.latency_tables.table import LatencyTable
from edgenas.profiler.additivity import NetworksGoal
from edgenas.profiler.device_session import model_name
from edgenas.profiler.goals import BlocksGoal, Known, new_voids
from edgenas.profiler.plan import Plan
from edgenas.profiler.stopping import StoppingRule, choose_sentinels, cut, pieces_of
from tests.latency_tables.test_journal import SETTING

A, B, C, D = (BlockSpec.parse(f"conv-8x8-o{width}-k3-s1-relu6") for width in (8, 16, 24, 32))
ROUNDS, SAMPLES = 10, 8


def times(rng: np.random.Generator, ms: float, noise: float, off: float = 0.0) -> tuple[tuple[int, ...], ...]:
    """Rounds of samples in ns, ``noise`` a process and a hundredth of that a sample; the last half ``off``."""
    ms *= float(np.exp(noise * rng.normal()))
    shares = 1 + 0.01 * noise * np.abs(rng.normal(size=(ROUNDS, SAMPLES)))
    shares[ROUNDS // 2 :] *= 1 + off
    return tuple(tuple(int(1e6 * ms * share) for share in samples) for samples in shares)


def measured(
    block: BlockSpec, process: int, noise: float, *, purpose: Purpose = "table", batch: str = "", off: float = 0.0
) -> Measurement:
    rng = np.random.default_rng([process, block.c_out, len(batch)])
    before = {"device": "pi"}
    return Measurement((block,), process, times(rng, block.c_out, noise, off), 1, None, before, {}, purpose, batch)


def test_every_block_gets_its_least_processes_and_noisy_ones_more_until_most() -> None:
    enough = StoppingRule(3, 6)
    pieces = pieces_of([A, B, skip(8, 8)], False)
    assert pieces == ((A,), (B,))
    found: list[Measurement] = []
    asked = []
    for _ in range(20):
        passes = enough.passes(LatencyTable(SETTING, tuple(found)), pieces)
        if not passes:
            break
        asked.append([(n, [p[0] for p in blocks]) for n, blocks in enumerate(passes) if blocks])
        found += [measured(p[0], n, 0.2 if p[0] == B else 1e-4) for n, blocks in enumerate(passes) for p in blocks]
    assert asked == [[(n, [A, B]) for n in range(3)], [(3, [B])], [(4, [B])], [(5, [B])]]
    table = LatencyTable(SETTING, tuple(found))
    assert enough.unstable(table, pieces) == ((B,),)
    assert StoppingRule.exactly(3).passes(table, pieces) == []


def test_nonsense_is_refused() -> None:
    for values in ((0, 3), (4, 3)):
        with pytest.raises(InputError, match="1 <= least <= most"):
            StoppingRule(*values)
    with pytest.raises(InputError, match="share between 0 and 1"):
        StoppingRule(within=2.0)
    with pytest.raises(InputError, match="statistic 'mean'"):
        StoppingRule(statistic="mean")


def test_rounds_that_drift_has_spoiled_are_void_and_measured_again() -> None:
    """Twelve batches, each with three sentinels; the device is 4 % slower in the last half of one."""
    sentinels: tuple[Piece, ...] = ((A,), (B,), (C,))
    found = []
    for n in range(12):
        off = 0.04 if n == 7 else 0.0
        found += [measured(p[0], n, 0.002, purpose="sentinel", batch=f"b{n:02}", off=off) for p in sentinels]
        found.append(measured(D, n, 1e-4, batch=f"b{n:02}", off=off))
    table = LatencyTable(SETTING, tuple(found))
    (void,) = new_voids(table, sentinels)
    assert (void.batch, void.first, void.last) == ("b07", ROUNDS // 2, ROUNDS - 1)
    assert void.share == pytest.approx(0.04, abs=0.01)
    marked = LatencyTable(SETTING, table.measurements, (void,))
    assert new_voids(marked, sentinels) == [], "what is void is not marked again"
    assert [len(rounds) for rounds in marked.processes(D)] == [ROUNDS] * 7 + [ROUNDS // 2] + [ROUNDS] * 4
    still = LatencyTable(SETTING, tuple(m for m in found if m.batch != "b07"))
    assert new_voids(still, sentinels) == []


def test_a_block_with_nothing_but_void_rounds_is_measured_again_under_the_next_number() -> None:
    found = [measured(A, n, 1e-4, batch=f"b{n}") for n in range(3)]
    gone = tuple(VoidedRounds(f"b{n}", 0, ROUNDS - 1, 0.05) for n in range(3))
    table = LatencyTable(SETTING, tuple(found), gone)
    passes = StoppingRule(3, 10).passes(table, [(A,)])
    assert [len(p) for p in passes[:5]] == [0, 0, 0, 1, 0]
    assert StoppingRule(3, 3).passes(table, [(A,)]) == [], "the budget of rounds is spent"
    assert table.drifted == {(A,)}
    assert table.missing([A]) == (), "it has times all the same"
    assert StoppingRule(3, 3).unstable(table, [(A,)]) == ((A,),)
    assert table.to_frame()["unstable"].tolist() == [True]


def test_sentinels_are_spread_over_the_blocks_and_stay_those_of_the_table() -> None:
    pieces = pieces_of([A, B, C, D], True)
    empty = LatencyTable(SETTING, ())
    assert choose_sentinels(empty, pieces, 0) == ()
    chosen = choose_sentinels(empty, pieces, 3)
    assert len(chosen) == 3
    assert all(len(piece) == 1 for piece in chosen)
    table = LatencyTable(SETTING, (measured(D, 0, 1e-4, purpose="sentinel", batch="b"),))
    assert choose_sentinels(table, pieces, 3) == ((D,),)
    items = list(cut([[(A,), (D,)], [(B,)]], [(D,)], Plan(), 64, ()))
    assert [(item.process, item.pieces, item.sentinels) for item in items] == [
        (0, ((A,), (D,)), ()),
        (1, ((B,),), ((D,),)),
    ]


def test_whole_networks_have_short_names_of_their_own() -> None:
    assert model_name((A,)) == str(A)
    assert model_name((A, B)) == f"{A}+{B}"
    names = {model_name((A,) * 20 + (B,) * n) for n in range(20)}
    assert len(names) == 20
    assert max(map(len, names)) < 50


def test_a_goal_asks_for_nothing_that_failed() -> None:
    known = Known(LatencyTable(SETTING, ()), ())
    _, items = BlocksGoal((A, B), StoppingRule.exactly(2), False, 64, 1).next(known, Plan(), {(A,)})
    assert [item.pieces for item in items] == [((B,),), ((B,),)]
    assert BlocksGoal((A,), StoppingRule.exactly(2), False, 64, 1).next(known, Plan(), {(A,)}) == ([], [])


def test_networks_are_asked_for_with_their_blocks_and_once() -> None:
    network = (A, BlockSpec.parse("head-8x8-o10"))
    held_out = HeldOut("v1", "toy", "now", 2, (network,))
    records, items = NetworksGoal(held_out, False).next(Known(LatencyTable(SETTING, ()), ()), Plan(), ())
    assert records == [held_out]
    assert [(item.process, item.batch, item.purpose) for item in items] == [
        (0, "v1/0/0", "validation"),
        (1, "v1/0/1", "validation"),
    ]
    assert items[0].pieces == (network, (A,), (network[1],))
    done = tuple(
        Measurement(piece, item.process, ((5,),), 1, None, {}, {}, "validation", item.batch)
        for item in items
        for piece in item.pieces
    )
    known = Known(LatencyTable(SETTING, done[:4]), (held_out,))
    records, items = NetworksGoal(held_out, False).next(known, Plan(), ())
    assert (records, [item.pieces for item in items]) == ([], [((A,), (network[1],))])
    assert NetworksGoal(held_out, False).next(Known(LatencyTable(SETTING, done), (held_out,)), Plan(), ()) == ([], [])
