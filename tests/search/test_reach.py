"""Which spaces reach a budget: the model of a dozen blocks, and what it says of sizes."""

from __future__ import annotations

import pytest

from edgenas.base.errors import OutcomeError
from edgenas.blocks.counts import bytes_moved, weight_bytes
from edgenas.blocks.spec import BlockSpec
from edgenas.search.reach import PROBED, fit_model, probe_blocks, reach
from edgenas.search.spaces import space
from edgenas.search.spaces.facts import NetworkFacts, known_facts


def law_ms(block: BlockSpec) -> float:
    return 0.02 + 0.4 * block.macs / 1e6 + 0.05 * (bytes_moved(block, 1) - weight_bytes(block, 1)) / 1e6


def test_the_model_finds_the_law_of_its_blocks() -> None:
    s = space("mobilenet_v3_large")
    blocks = probe_blocks(s.blocks())
    assert len(set(blocks)) == PROBED and blocks[0].macs == min(b.macs for b in s.blocks())
    model = fit_model({block: law_ms(block) for block in blocks})
    assert (model.block_ms, model.macs_ms, model.values_ms) == pytest.approx((0.02, 0.4, 0.05), rel=1e-6)
    assert model.error < 1e-6 and model.blocks == PROBED
    network = s.architecture(s.parse(".".join("0" for _ in s.key((0,) * len(s.layers)).split("."))))
    true = sum(law_ms(block) for block in network.blocks if block.kind != "skip")
    assert model.ms(NetworkFacts.of(network)) == pytest.approx(true, rel=1e-6)
    with pytest.raises(OutcomeError, match="5 measured blocks are too few"):
        fit_model({block: law_ms(block) for block in blocks[:5]})


def test_an_error_of_the_model_makes_the_edge_unclear() -> None:
    blocks = probe_blocks(space("mobilenet_v3_large").blocks())
    model = fit_model({block: law_ms(block) * (1.15 if i % 2 else 0.85) for i, block in enumerate(blocks)})
    assert 0.05 < model.error < 0.5
    facts = known_facts()["mobilenet_v3_small"]
    least, most = (model.ms(each) for each in facts.sizes[224])
    budgets_ms = (most * (1 + model.error) * 1.01, least * (1 + model.error) * 1.01, least, least * 0.2)
    inside = [{each.size: each.inside for each in reach(facts, model, ms)}[224] for ms in budgets_ms]
    assert inside == ["all", "some", "unclear", "none"]
    by_size = [each.least_ms for each in reach(facts, model, 1.0)]
    assert by_size == sorted(by_size) and len(by_size) == 5
