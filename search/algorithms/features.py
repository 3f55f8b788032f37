"""Features of networks for the regression of accuracy, derived from the blocks and options of a space.

The features of a network are sums over its layers, in four groups, and a fifth group of the whole network:

shared   factors of an option's blocks, each with one weight for all layers: number of blocks, kernel, expansion,
         squeeze-and-excitation, output width, logarithms of MACs and parameters
own      the same factors, with a weight for each layer
option   one feature for each option of each layer with more than one option
key      one feature for each key that options of several layers have in common, such as 'mb6'
total    logarithms of the MACs and of the parameters of the whole network, which are known without any judge

Factors are centred in each layer and divided by their root mean square over the layers. A skip has no kernel, expansion
and squeeze-and-excitation: these factors are at the mean of the layer. Layers after the end of their stage have no
option and no key, since they have no choice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from edgenas.blocks.spec import BlockSpec
from edgenas.search.cost import macs_cost, params_cost
from edgenas.search.edges import EdgeTable
from edgenas.search.graph import Bools, Floats, Graph, Ints
from edgenas.search.space import Choice, Space

GROUPS = ("shared", "own", "option", "key", "total")
FACTORS = ("blocks", "kernel", "expansion", "squeeze-and-excitation", "width", "log MACs", "log params")
TOTALS = ("MACs", "params")
COUNTED = len(TOTALS)
FLOOR = 0.1  #: share of a layer's mean count that is added before the logarithm: a skip has a count of 0
SLOPE = 0.2  #: prior mean of the weight of each total, for accuracies and features with a standard deviation of 1
ENOUGH = 1e-9  #: largest root mean square of a factor that does not vary


@dataclass(frozen=True, eq=False)
class FeatureLayout:
    """What the columns of features are.

    groups  (features,): index of each feature's group in ``GROUPS``
    prior   (features,): prior mean of each weight, for accuracies with a standard deviation of 1: larger networks are
            better, all else is unknown
    layers  (options,): number of each option's layer, among the layers with more than one option
    """

    groups: Ints
    prior: Floats
    layers: Ints

    @cached_property
    def names(self) -> Ints:
        """Indices of the groups that have features."""
        return np.unique(self.groups)

    @cached_property
    def options(self) -> slice:
        """Columns of the options."""
        found = np.flatnonzero(self.groups == GROUPS.index("option"))
        return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, 0)


class NetworkFeatures:
    """Networks as rows of numbers, whose columns ``layout`` describes."""

    def __init__(self, space: Space, graph: Graph) -> None:
        self._graph = graph
        costs = (macs_cost().of, params_cost().of)
        self._counts = [np.column_stack([table.sums(of) for of in costs]) for table in space.edge_tables]
        self._factors = _scaled_factors(space, self._counts)
        self._options, self._keys, widths = _columns(space)
        self._starts = np.cumsum([0, len(FACTORS), len(FACTORS) * len(space.layers), *widths])
        sizes = [*np.diff(self._starts), COUNTED]
        free = [len(layer.options) for layer in space.layers if len(layer.options) > 1]
        groups = np.repeat(np.arange(len(GROUPS)), sizes)
        prior = np.where(groups == GROUPS.index("total"), SLOPE, 0.0)
        self.layout = FeatureLayout(groups, prior, np.repeat(np.arange(len(free)), free))
        self._share = 1 / np.sqrt(max(1, sum(len(layer.options) > 1 for layer in space.layers)))
        mean = np.maximum(np.sum([rows.mean(axis=0) for rows in self._counts], axis=0), 1.0)
        deviation = np.sqrt(np.sum([rows.var(axis=0) for rows in self._counts], axis=0))
        self._centre, self._spread = np.log(mean), np.maximum(deviation / mean, ENOUGH)

    def row(self, choice: Choice) -> Floats:
        """Return the features of a network, (features,)."""
        shared, own, option, key, total = self._starts.tolist()
        row = np.zeros(total + COUNTED)
        for i, edge in enumerate(self._graph.path(choice)):
            factors = self._factors[i][edge]
            row[shared:own] += factors
            row[own + i * len(FACTORS) : own + (i + 1) * len(FACTORS)] = factors
            for start, column in ((option, self._options[i][edge]), (key, self._keys[i][edge])):
                if column >= 0:
                    row[start + column] += 1.0
        row *= self._share
        row[total:] = (np.log(np.maximum(self._totals(choice), 1.0)) - self._centre) / self._spread
        return row

    def edge_values(self, weights: Floats, near: Choice) -> list[Floats]:
        """Return the contribution of each edge to a prediction, one array per layer, up to a constant.

        The logarithms of the totals are replaced by their tangents at the network ``near``, so that contributions are
        additive.
        """
        shared, own, option, key, total = self._starts.tolist()
        slopes = weights[total:] / self._spread / np.maximum(self._totals(near), 1.0)
        of_option, of_key = np.append(weights[option:key], 0.0), np.append(weights[key:total], 0.0)
        of_factor = weights[shared:own] + weights[own:option].reshape(-1, len(FACTORS))  # (layers, factors)
        return [
            self._share * (factors @ of_factor[i] + of_option[options] + of_key[keys]) + counts @ slopes
            for i, (factors, options, keys, counts) in enumerate(
                zip(self._factors, self._options, self._keys, self._counts, strict=True)
            )
        ]

    def _totals(self, choice: Choice) -> Floats:
        path = self._graph.path(choice)
        return np.asarray(np.sum([rows[edge] for rows, edge in zip(self._counts, path, strict=True)], axis=0))


def _scaled_factors(space: Space, counts: Sequence[Floats]) -> list[Floats]:
    """Factors of the edges, one array (edges, factors) per layer, centred and scaled."""
    layers = []
    for edges, table, counted in zip(space.edges, space.edge_tables, counts, strict=True):
        widths = np.log2([float(edge.target.width) for edge in edges])
        has_choice = np.array([not edge.source.ended for edge in edges])
        layers.append(_centred(_factors(table, widths, counted), has_choice))
    squares = np.array([(rows**2).mean(axis=0) for rows in layers])
    varying = np.maximum((squares > ENOUGH).sum(axis=0), 1)
    spread = np.sqrt(squares.sum(axis=0) / varying)
    return [np.where(spread > ENOUGH, rows / np.maximum(spread, ENOUGH), 0.0) for rows in layers]


def _factors(table: EdgeTable, widths: Floats, counts: Floats) -> Floats:
    """Factors of the edges of one layer, means over the blocks of an option; nan where it has no such factor."""
    computing = _over_blocks(table, lambda block: 1.0 if block.kind != "skip" else np.nan)
    kernels = _over_blocks(table, lambda block: float(block.kernel) if _shaped(block) else np.nan)
    expansions = _over_blocks(
        table, lambda block: float(np.log2((block.c_mid or block.c_in) / block.c_in)) if _shaped(block) else np.nan
    )
    gates = _over_blocks(table, lambda block: float(block.c_se > 0) if _shaped(block) else np.nan)
    means = [np.where(n > 0, total / np.maximum(n, 1.0), np.nan) for total, n in (kernels, expansions, gates)]
    parts = [computing[0], *means]
    used = counts > 0
    mean = counts.sum(axis=0) / np.maximum(used.sum(axis=0), 1)
    return np.column_stack([*parts, widths, np.log(counts + np.where(mean > 0, FLOOR * mean, 1.0))])


def _shaped(block: BlockSpec) -> bool:
    """Whether kernel, expansion and squeeze-and-excitation mean something for a block."""
    return block.kind not in ("skip", "head")


def _over_blocks(table: EdgeTable, of: Callable[[BlockSpec], float]) -> tuple[Floats, Floats]:
    """Sum of ``of`` over the blocks of each edge, and the number of these blocks; blocks whose value is nan are left
    out."""
    values = np.array([*(of(block) for block in table.blocks), np.nan])[table.places]
    return np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0).astype(float)


def _centred(rows: Floats, has_choice: Bools) -> Floats:
    """Factors of a layer less their means over its options; 0 where an option has no such factor."""
    known = ~np.isnan(rows)
    used = known & has_choice[:, None]
    mean = np.where(used, rows, 0.0).sum(axis=0) / np.maximum(used.sum(axis=0), 1)
    return np.where(known & used.any(axis=0), rows - mean, 0.0)


def _columns(space: Space) -> tuple[list[Ints], list[Ints], tuple[int, int]]:
    """For each layer, the column of each edge among the options and among the common keys, -1 for none; and the number
    of columns of both."""
    free = [layer for layer in space.layers if len(layer.options) > 1]
    found = Counter(key for layer in free for key in {option.key for option in layer.options})
    common = {key: number for number, key in enumerate(key for key, count in found.items() if count > 1)}
    options, keys, start = list[Ints](), list[Ints](), 0
    for layer, edges in zip(space.layers, space.edges, strict=True):
        chosen = [len(layer.options) > 1 and not edge.source.ended for edge in edges]
        named = [common.get(layer.options[edge.option].key, -1) for edge in edges]
        options.append(np.array([start + e.option if c else -1 for e, c in zip(edges, chosen, strict=True)], np.int64))
        keys.append(np.array([name if c else -1 for name, c in zip(named, chosen, strict=True)], np.int64))
        start += len(layer.options) if len(layer.options) > 1 else 0
    return options, keys, (start, len(common))
