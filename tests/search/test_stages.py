"""Options of several blocks that are chosen together: spaces of whole stages."""

from __future__ import annotations

import csv
import gzip
import itertools
import random
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from edgenas.base.errors import InputError
from edgenas.blocks.ops import lower
from edgenas.blocks.spec import BlockSpec
from edgenas.search.cost import macs_cost, peak_memory_cost
from edgenas.search.digests import SpaceDigests, network_digest
from edgenas.search.graph import edge_sums, layered_graph
from edgenas.search.keys import MOST_KEYS, keys_text
from edgenas.search.lazy import capacity_values
from edgenas.search.problem import Cost, Limit
from edgenas.search.solvers.pareto_dp import pareto_front
from edgenas.search.space import Layer, Option, Space
from edgenas.search.spaces import space
from edgenas.search.spaces.recorded import recorded_space, space_record
from tests.support.search_toys import HEAD, STEM, noise, stages_space


def test_an_option_gives_its_blocks_in_order() -> None:
    first = Option("a", "ir", 16, 3, 2, expand=2, act="relu", more=(Option("b", "sep", 0, 5, act="relu"),))
    assert [str(block) for block in first.blocks(8, 8)] == ["ir-8x8-m16-o16-k3-s2-relu", "sep-4x16-o16-k5-s1-relu-res"]
    assert first.blocks(8, 8)[0] == first.block(8, 8)
    squeezed = Option("c", "sep", 8, 3, se=0.25, c_se=3, act="relu")
    assert squeezed.block(8, 8).c_se == 3


def test_a_network_of_stages_has_the_blocks_of_its_stages() -> None:
    s = stages_space()
    network = s.architecture((0, 1, 7, 2, 0))
    assert [len(part) for part in network.parts] == [1, 2, 2, 1, 1]
    assert [block for part in network.parts for block in part] == list(network.blocks)
    assert {block.kernel for block in list(network.parts)[1]} == {3}
    assert s.networks == 4 * 8 * 4
    assert s.classes == 4


def test_an_edge_of_several_blocks_has_no_single_block() -> None:
    edges = stages_space().edges[1]
    assert edges[0].block == edges[0].blocks[0]
    with pytest.raises(ValueError, match="too many values"):
        edges[1].block  # noqa: B018


def test_the_cost_of_an_edge_is_that_of_its_network_to_the_last_bit() -> None:
    s = stages_space()
    cost = Cost("ms", lambda block: 0.1 + noise(str(block)), 0.3)
    graph = layered_graph(s, cost)
    rng = random.Random(0)
    for _ in range(200):
        choice = s.sample(rng)
        assert graph.solution(graph.path(choice)).cost == cost.total(s.architecture(choice))


def test_a_peak_is_that_of_the_largest_block_of_a_stage() -> None:
    s, peak = stages_space(), peak_memory_cost()
    limit = sorted({peak.of(block) for block in s.blocks()})[-2]
    graph = layered_graph(s, macs_cost(), [Limit(peak, limit)])
    for choice in itertools.product(*(range(len(layer.options)) for layer in s.layers)):
        network = s.architecture(choice)
        assert graph.keeps(graph.path(choice)) == (max(map(peak.of, network.blocks)) <= limit)


def test_sums_over_edges_follow_the_order_of_the_edges() -> None:
    s = stages_space()
    for edges, sums in zip(s.edges, edge_sums(s, lambda block: float(block.params)), strict=True):
        assert sums.tolist() == [sum(block.params for block in edge.blocks) for edge in edges]


def test_a_record_keeps_the_blocks_of_an_option() -> None:
    s = replace(stages_space(), name="mine")
    record = space_record(s)
    assert recorded_space(record, None, "here").edges == s.edges
    named = space_record(space("mnasnet", 32, 10))
    assert (named.layers, named.classes) == ((), 10)


def test_digests_of_stages_are_those_of_their_blocks() -> None:
    s = stages_space()
    digests = SpaceDigests(s)
    rng = random.Random(1)
    for choice in (s.sample(rng) for _ in range(50)):
        assert digests(s.key(choice)) == network_digest(s.architecture(choice))


def test_mathnas_nodes_and_single_layers_are_the_same_networks() -> None:
    """Equal blocks, and the exact front of nodes is that of single layers, of which it has a fifth."""
    nodes, single = space("mathnas_mobilenet_v3"), space("ofa_mobilenet_v3")
    assert set(nodes.blocks()) == set(single.blocks())
    assert [len(layer.options) for layer in nodes.layers] == [1, 1, *[7371] * 5, 1, 1]
    assert nodes.layers[2].options[81].key == "k3e3-k3e3-k3e3"
    fronts = [pareto_front(layered_graph(s, macs_cost()).with_values(capacity_values(s)), 3e8) for s in (nodes, single)]
    assert np.array_equal(fronts[0].costs, fronts[1].costs)
    np.testing.assert_allclose(fronts[0].values, fronts[1].values, rtol=1e-12)


@cache
def published_macs(block: BlockSpec) -> int:
    """MACs as Accel-NASBench counts them, with thop: also 4 for each output of a batch norm, and for each channel of a
    pooling its inputs and 1."""
    ops = lower(block)
    norms = sum(4 * op.out_elements for op in ops if op.bn)
    return block.macs + norms + sum(op.in_elements + op.c_out for op in ops if op.kind == "pool")


def test_every_published_network_of_accel_nasbench_has_its_macs_and_parameters(shared_data: Path) -> None:
    with gzip.open(shared_data / "accel_nasbench" / "accel_nasbench.csv.gz", "rt") as file:
        rows = list(csv.DictReader(file))
    s = space("mnasnet")
    numbers = [{option.key: i for i, option in enumerate(layer.options)} for layer in s.layers]
    params = {block: block.params for block in s.blocks()}
    assert len(rows) == 5125
    for row in rows:
        keys = [
            f"e{row[f'block{i}_e']}k{row[f'block{i}_k']}d{row[f'block{i}_l']}se{row[f'block{i}_se']}" for i in range(7)
        ]
        choice = (0, *(numbers[i][key] for i, key in enumerate(keys, start=1)), 0, 0)
        blocks = s.architecture(choice).blocks
        assert sum(params[block] for block in blocks) == round(1e6 * float(row["params_millions"])), keys
        assert sum(map(published_macs, blocks)) == round(1e6 * float(row["macs_millions"])), keys


def test_many_keys_are_shortened() -> None:
    few, many = [f"k{i}" for i in range(MOST_KEYS)], [f"k{i}" for i in range(MOST_KEYS + 1)]
    assert keys_text(few).count(",") == MOST_KEYS - 1
    assert keys_text(many) == "k0, k1, k2, k3, ..., k100 (101 options)"
    with pytest.raises(InputError, match=r"option 7371 is not one of 0 k3e3-k3e3, .* \(7,371 options\)$"):
        space("mathnas_mobilenet_v3").architecture((0, 0, 7371, 0, 0, 0, 0, 0, 0))


def test_a_network_may_be_named_by_the_keys_of_its_options() -> None:
    s = space("mnasnet")
    choice = s.sample(random.Random(2))
    options = s.options(choice)
    assert list(options) == [f"stage{i}" for i in range(1, 8)]
    assert s.parse(".".join(options.values())) == s.parse(s.key(choice)) == choice
    mixed = [*list(options.values())[:6], s.key(choice).split(".")[6]]
    assert s.parse(".".join(mixed)) == choice
    for wrong in ("e1k3d1se0", ".".join([*mixed[:6], "e2k3d1se0"]), ".".join([*mixed, "0"])):
        with pytest.raises(InputError, match="is not a network of mnasnet: it takes 7 option numbers"):
            s.parse(wrong)


def test_a_stage_may_end_in_the_head() -> None:
    end = Option("last", "conv", 32, act="relu", more=(Option("fc", "head", 5),))
    s = Space("mine", 8, (STEM, Layer("end", (end, replace(end, key="wide", c_out=64)))))
    assert s.classes == 5
    assert HEAD.options[0] not in end.more
    assert s.architecture((0, 1)).c_out == 5
