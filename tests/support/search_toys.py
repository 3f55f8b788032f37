"""Small spaces and judges that the search tests share."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from edgenas.blocks.spec import BlockSpec
from edgenas.search.graph import Graph, GraphLayer
from edgenas.search.problem import Candidate, Cost, Problem
from edgenas.search.space import Layer, Option, Space

STEM = Layer("stem", (Option("k3", "conv", 8, kernel=3, act="relu"),))
HEAD = Layer("head", (Option("fc", "head", 4),))
SKIP = Option("skip", "skip")


def _ir(kernel: int, expand: int, c_out: int = 0, stride: int = 1) -> Option:
    return Option(f"o{c_out}k{kernel}e{expand}", "ir", c_out, kernel, stride, expand, act="relu")


def plain_space() -> Space:
    """4 layers of 3 options, the second of stride 2: 81 networks, one state before every layer."""
    layers = [
        Layer(f"l{i}", tuple(_ir(k, e, 8, 2 if i == 1 else 1) for k, e in ((3, 2), (3, 4), (5, 4)))) for i in range(4)
    ]
    return Space("toy_plain", 8, (STEM, *layers, HEAD))


def widths_space() -> Space:
    """Options choose widths, and later ones keep what they find: 6 x 3 x 6 x 3 networks."""
    wide = tuple(_ir(k, 2, c, 2) for c in (8, 16, 24) for k in (3, 5))
    same = (_ir(3, 2), _ir(5, 4), SKIP)
    return Space(
        "toy_widths", 8, (STEM, Layer("w1", wide), Layer("s1", same), Layer("w2", wide), Layer("s2", same), HEAD)
    )


def ends_space() -> Space:
    """Two stages of depth 1 to 3, 2 options a layer: (2 + 4 + 8)^2 networks."""
    end = Option("end", "skip", ends=True)
    stages = [
        Layer(f"s{stage}.{i}", (_ir(3, 2, 8), _ir(5, 4, 8), *((end,) if i else ())))
        for stage in (1, 2)
        for i in range(3)
    ]
    return Space("toy_ends", 8, (STEM, *stages, HEAD))


def stages_space() -> Space:
    """Three stages whose layers are chosen together, with one kernel and expansion and a depth of 1 or 2; the second
    stage also chooses its width: 4 x 8 x 4 networks."""
    return Space("toy_stages", 8, (STEM, _stage("s1", (8,), 1), _stage("s2", (8, 16), 2), _stage("s3", (16,), 1), HEAD))


def _stage(name: str, widths: Sequence[int], stride: int) -> Layer:
    return Layer(
        name,
        tuple(
            replace(_ir(k, e, width, stride), key=f"o{width}k{k}e{e}d{depth}", more=(_ir(k, e, width),) * (depth - 1))
            for width in widths
            for k, e in ((3, 2), (5, 4))
            for depth in (1, 2)
        ),
    )


SPACES = {"plain": plain_space, "widths": widths_space, "ends": ends_space, "stages": stages_space}


def noise(text: str) -> float:
    """A number in 0..1 that depends on ``text`` and nothing else."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6]) / 2**48


class BlockSumAccuracy:
    """Additive over blocks: larger blocks help, each by its own amount. ``jitter`` adds noise a network. In
    large spaces the values are above 100: give ``score``."""

    def __init__(self, jitter: float = 0.0, seed: int = 0, backwards: bool = False, score: bool = False) -> None:
        self.jitter, self.seed, self.backwards, self.score = jitter, seed, backwards, score
        self.asked: list[str] = []

    @property
    def name(self) -> str:
        return f"block-sum-{self.jitter}-{self.seed}"

    def block_value(self, block: BlockSpec) -> float:
        return 0.0 if block.kind == "skip" else (0.5 + noise(f"{self.seed}{block}")) * block.macs**0.5 / 50

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        order = list(enumerate(candidates))
        for index, candidate in reversed(order) if self.backwards else order:
            network = candidate.architecture
            self.asked.append("|".join(str(b) for b in network.blocks if b.kind != "skip"))
            value = sum(self.block_value(block) for block in network.blocks)
            yield index, 40 + value + self.jitter * noise(f"{self.seed}{self.asked[-1]}")


def toy_cost() -> Cost:
    """Whole numbers, so that every sum is exact: about thousands of MACs."""
    return Cost("units", lambda block: 0.0 if block.kind == "skip" else float(1 + block.macs // 2000))


def toy_problem(space: Space, share: float = 0.5, accuracy: BlockSumAccuracy | None = None, seed: int = 0) -> Problem:
    """A budget at ``share`` of the way from the cheapest network to the dearest."""
    from edgenas.search.graph import best_rest, layered_graph

    graph = layered_graph(space, toy_cost())
    costs = [layer.cost for layer in graph.layers]
    low, high = (float(best_rest(graph, costs, largest).bound[0][0]) for largest in (False, True))
    budget = float(round(low + share * (high - low)))
    return Problem(space, toy_cost(), accuracy or BlockSumAccuracy(), budget, seed)


def random_graph(seed: int) -> Graph:
    """1..6 layers, up to 3 states, up to 12 edges a layer; every third has whole numbers, so that ties occur. Some
    states lead nowhere."""
    rng = random.Random(seed)
    states = [1, *(rng.randint(1, 3) for _ in range(rng.randint(1, 6)))]
    layers = []
    for before, after in itertools.pairwise(states):
        n = rng.randint(1, 12)
        draw = (lambda: float(rng.randint(0, 6))) if seed % 3 == 0 else rng.random
        layers.append(
            GraphLayer(
                np.array([rng.randrange(before) for _ in range(n)]),
                np.array([rng.randrange(after) for _ in range(n)]),
                np.arange(n),
                np.array([draw() for _ in range(n)]),
                np.array([draw() - (3 if seed % 3 == 0 else 0.5) for _ in range(n)]),
            )
        )
    return Graph(tuple(states), tuple(layers))
