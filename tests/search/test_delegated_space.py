"""Spaces without the blocks that a delegate leaves to the CPU."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

import edgenas
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.records import PART, BlockFailure, Measurement
from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.search.delegated import delegated_space
from edgenas.search.space import Space
from tests.support.report_toys import SETTING
from tests.support.search_toys import SPACES as TOYS


def members(space: Space) -> set[tuple[int, ...]]:
    """Every choice that the space has a network for."""

    def is_member(choice: tuple[int, ...]) -> bool:
        try:
            space.architecture(choice)
        except InputError:
            return False
        return True

    return {c for c in itertools.product(*(range(len(layer.options)) for layer in space.layers)) if is_member(c)}


@pytest.mark.parametrize("toy", TOYS)
def test_the_networks_without_a_block_are_left(toy: str) -> None:
    whole = TOYS[toy]()
    every = {choice: set(whole.architecture(choice).blocks) for choice in members(whole)}
    rng = random.Random(0)
    for _ in range(8):
        forbidden = set(rng.sample(whole.blocks(), 3))
        expected = {choice for choice, blocks in every.items() if not blocks & forbidden}
        if not expected:
            with pytest.raises(InputError, match="has no network without"):
                whole.without(forbidden)
            continue
        left = whole.without(forbidden)
        assert members(left) == expected and left.networks == len(expected)
        blocks = set().union(*(every[choice] for choice in expected))
        assert set(left.blocks()) == {block for block in blocks if block.kind != "skip"}
        assert {left.sample(rng) for _ in range(30)} <= expected
        assert left.repaired(next(iter(every))) in expected
        assert all(left.key(choice) == whole.key(choice) for choice in expected)


def capacity(network: Architecture) -> float:
    return min(99.0, sum(block.params for block in network.blocks) / 1e5)


def written(path: Path, space: Space, left: list[BlockSpec]) -> None:
    """A table with a time for each block, but for those that the delegate left to the CPU."""
    with TableWriter(path, SETTING, "0.3.0") as writer:
        for block in space.blocks():
            if block in left:
                writer.append([BlockFailure((block,), 0, PART, "gpu takes 3 of 5 operators; the CPU: UNPACK")])
            else:
                ns = 1000 + block.macs // 100
                writer.append([Measurement((block,), 0, [[ns, ns + 1], [ns, ns + 2]], 1, (0.0, 0.0), {}, {})])


def test_a_search_leaves_them_out(tmp_path: Path) -> None:
    space = edgenas.space("nas_bench_macro", in_size=16)
    path = tmp_path / "t.jsonl"
    best = max(space.blocks()[1:-2], key=lambda block: block.params)  # the best network of all has it
    written(path, space, [best])
    said: list[str] = []
    listener = edgenas.Listener()
    listener.message = said.append  # type: ignore[method-assign]
    given = {"budget_ms": 100.0, "accuracy": capacity, "unvalidated": True, "max_trials": 20, "algorithms": "layernas"}
    found = edgenas.search(space, table=path, listener=listener, **given)  # type: ignore[arg-type]
    assert best not in found.best.architecture.blocks
    assert any(str(best) in text and "does not take 1 block whole" in text for text in said)
    assert any("does not take 1 block whole" in note for note in found.notes)
    assert not edgenas.check(path, space).missing


def test_a_block_that_was_measured_later_is_back(tmp_path: Path) -> None:
    space = TOYS["plain"]()
    block = space.blocks()[1]
    written(tmp_path / "t.jsonl", space, [block])
    assert read_table(tmp_path / "t.jsonl").left_to_cpu == (block,)
    with TableWriter(tmp_path / "t.jsonl", SETTING, "0.3.0") as writer:
        writer.append([Measurement((block,), 0, [[1, 2]], 1, (0.0, 0.0), {}, {})])
    assert delegated_space(space, [tmp_path / "t.jsonl"]) == (space, ())


def test_a_delegate_that_takes_no_network(tmp_path: Path) -> None:
    space = TOYS["plain"]()
    written(tmp_path / "t.jsonl", space, [space.blocks()[0]])
    with pytest.raises(InputError, match=r"takes no network of toy_plain whole; it leaves conv-.*--partial"):
        delegated_space(space, [tmp_path / "t.jsonl"])
