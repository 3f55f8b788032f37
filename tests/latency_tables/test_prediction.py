"""Times of blocks that were not measured."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.spec import BlockSpec, skip
from edgenas.latency_tables.importers.proxylessnas import read
from edgenas.latency_tables.prediction.intervals import calibrated, group_folds
from edgenas.latency_tables.prediction.models import MODELS, Fitted, additive, smoothed
from edgenas.latency_tables.prediction.predict import CONFIDENCE, PredictedTable, predicted
from edgenas.latency_tables.prediction.terms import Design, Floats, amount_names, design, layer_of, work_amounts
from edgenas.search.spaces import space
from tests.support.predicted_toys import Known, known, law_ms

ADDITIVE = {"additive": additive}


@cache
def many() -> tuple[BlockSpec, ...]:
    return tuple(block for block in space("tunas_v3").blocks() if block.kind == "ir")


def drawn(count: int, seed: int = 0) -> list[BlockSpec]:
    return random.Random(seed).sample(many(), count)


@cache
def learned(off: float = 0.0) -> PredictedTable:
    return predicted(known(drawn(150), off), models=ADDITIVE)


@pytest.mark.slow
def test_a_law_is_found_and_what_follows_it_predicted() -> None:
    held = [block for block in drawn(400, seed=1) if learned().is_predicted(block)]
    errors = [abs(learned().ms(block) / law_ms(block) - 1) for block in held]
    assert np.mean(errors) < 0.02
    assert learned().missing(held) == ()
    many = learned().predictions(held)
    assert list(many) == held
    assert [many[b].ms for b in held] == [learned().ms(b) for b in held]


@pytest.mark.slow
def test_intervals_hold_as_often_as_they_say() -> None:
    table = learned(0.3)
    held = [block for block in drawn(600, seed=2) if table.is_predicted(block)]
    inside = [low <= law_ms(b, 0.3) <= high for b in held for low, high in (table.interval(b),)]
    assert 0.85 <= np.mean(inside) <= 0.97, "neither too narrow nor without meaning"
    assert all(low <= table.ms(b) <= high for b in held for low, high in (table.interval(b),))
    exact = learned()
    assert np.median([e.high_ms / e.low_ms for e in exact.predictions(held).values()]) < np.median(
        [e.high_ms / e.low_ms for e in table.predictions(held).values()]
    )


def test_measured_blocks_keep_what_was_measured_and_skips_cost_nothing() -> None:
    block = learned().table.blocks[0]
    assert not learned().is_predicted(block)
    assert learned().ms(block) == law_ms(block)
    assert learned().interval(block) == learned().table.interval(block, "min", CONFIDENCE)
    assert (learned().ms(skip(8, 4)), learned().interval(skip(8, 4))) == (0.0, (0.0, 0.0))
    assert not learned().is_predicted(skip(8, 4))
    assert learned().missing([skip(8, 4), block]) == ()


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (lambda b: b.kernel == 7, "has its depthwise-k7-s[12]"),
        (lambda b: b.c_se > 0, "has its (excite|hsigmoid|se_expand)"),
        (lambda b: b.act == "hswish", "has its hswish"),
        (lambda b: b.stride == 2, "has its depthwise-k[357]-s2"),
    ],
)
def test_a_part_that_was_never_measured_is_refused(part: object, says: str) -> None:
    assert callable(part)
    table = predicted(known(b for b in drawn(300) if not part(b)), models=ADDITIVE)
    block = next(b for b in many() if part(b))
    assert table.missing([block, block]) == (block,)
    assert table.predictions([block]) == {}
    with pytest.raises(InputError, match=rf"cannot be predicted: no measured block of kind ir {says}.*--block {block}"):
        table.ms(block)


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(InputError, match=r"so few blocks \(9 of kind ir\): it takes 10 of a kind in 3 layers"):
        predicted(known(drawn(9)))
    one_layer = [b for b in many() if layer_of(b) == layer_of(many()[0])][:20]
    assert len(one_layer) == 20
    with pytest.raises(InputError, match="20 of kind ir"):
        predicted(known(one_layer))
    with pytest.raises(InputError, match=r"\(none\)"):
        predicted(Known())
    head = BlockSpec.parse("head-7x64-o10")
    some = predicted(known([*drawn(60), head]), models=ADDITIVE)
    other = BlockSpec.parse("head-7x32-o10")
    assert (some.ms(head), some.missing([other])) == (law_ms(head), (other,))
    with pytest.raises(InputError, match="too few blocks of kind head are measured"):
        some.ms(other)


def test_a_statistic_is_one() -> None:
    assert learned().statistic == "median"
    with pytest.raises(InputError, match="no mode here"):
        predicted(known(drawn(20)), "mode")


def test_the_model_is_the_one_that_is_less_wrong_about_layers_left_out() -> None:
    def wrong(rows: Design, log_ms: Floats) -> Fitted:
        return lambda asked: (np.full(len(asked), log_ms.mean()), np.ones(len(asked)))

    blocks = drawn(60)
    rows, log_ms = design(blocks, amount_names(blocks)), np.log([law_ms(b) for b in blocks])
    layers = [layer_of(b) for b in blocks]
    for models in ({"wrong": wrong, "right": additive}, {"right": additive, "wrong": wrong}):
        assert calibrated(models, rows, log_ms, layers).name == "right"
    with pytest.raises(InputError, match=r"60 measured blocks are too few .* 0\.99: it takes 99"):
        calibrated(ADDITIVE, rows, log_ms, layers).interval(rows, 0.99)


def test_folds_hold_whole_groups() -> None:
    groups = [f"g{n % 13}" for n in range(60)]
    folds = group_folds(groups, 10)
    assert len(folds) == 10
    assert sorted(row for fold in folds for row in fold) == list(range(60))
    for fold in folds:
        assert {row for row in range(60) if groups[row] in {groups[i] for i in fold}} == set(fold)
    assert len(group_folds(["a", "b", "a"], 10)) == 2


def test_a_process_learns_what_work_does_not_tell() -> None:
    blocks = drawn(120)
    rows = design(blocks, amount_names(blocks))
    log_ms = np.log([law_ms(b) * (1.5 if b.c_out >= 64 else 1.0) for b in blocks])
    fit, held = np.arange(90), np.arange(90, 120)
    wrong = {}
    for name, model in (("additive", additive), ("smoothed", smoothed)):
        centre, deviation = model(rows.rows(fit), log_ms[fit])(rows.rows(held))
        wrong[name] = float(np.mean(np.abs(centre - log_ms[held])))
        assert (deviation > 0).all()
    assert wrong["smoothed"] < 0.7 * wrong["additive"]


def test_work_is_that_of_the_parts() -> None:
    block = BlockSpec.parse("ir-14x24-m72-o40-k5-s2-se24-hswish")
    amounts = work_amounts(block)
    assert sum(n for name, n in amounts.items() if name.endswith("MACs/1")) == pytest.approx(block.macs / 1e6)
    assert amounts["project-k1-s1 MACs/32"] == pytest.approx(amounts["project-k1-s1 MACs/1"] * 64 / 40)
    assert amounts["depthwise-k5-s2 calls"] == 1
    assert work_amounts(skip(8, 4)) == {"block": 1.0}


@pytest.mark.slow
def test_a_published_table_of_a_real_phone(shared_data: Path) -> None:
    text = (shared_data / "pixel1" / "proxylessnas_pixel_trim.yaml").read_text()
    table = Known({entry.block: entry.value.mean_ms for entry in read(text, {}).entries})
    blocks = [b for b in table.blocks if b.kind == "ir"]
    errors, inside = [], []
    for fold in group_folds([layer_of(b) for b in blocks], 5):
        held = {blocks[row] for row in fold}
        models = {"additive": MODELS["additive"]}
        found = predicted(Known({b: table.of[b] for b in blocks if b not in held}), models=models).predictions(held)
        errors += [abs(estimate.ms / table.of[block] - 1) for block, estimate in found.items()]
        inside += [estimate.low_ms <= table.of[block] <= estimate.high_ms for block, estimate in found.items()]
    assert len(errors) > 60
    assert np.mean(errors) < 0.15
    assert np.mean(inside) >= 0.8
