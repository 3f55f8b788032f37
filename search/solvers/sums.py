"""The pairs of two sets of (cost, value) whose sums may be undominated: a step of the exact front.

A layer of thousands of options and a front of thousands of labels have millions of sums, and nearly all are dominated.
Labels are taken in runs of neighbours. The sums with the first label of each run are computed first; a sum is left out
where one of them costs no more than the cheapest sum of its run, and has a higher value. Nothing that is left out can
be part of a front, so fronts stay exact; ties are never left out.
"""

from __future__ import annotations

import numpy as np

from edgenas.search.graph import Floats, GraphLayer, Ints

RUN = 16  #: labels of a run
FEW = 20_000  #: so few sums are all computed


def pairs(edge_cost: Floats, edge_value: Floats, cost: Floats, value: Floats) -> tuple[Ints, Ints]:
    """Return (numbers of edges, numbers of labels) of the sums that may be undominated, by edge, then by label.

    ``cost`` and ``value`` are those of the labels, both ascending.
    """
    edges, labels = len(edge_cost), len(cost)
    if edges * labels <= FEW:
        return np.repeat(np.arange(edges), labels), np.tile(np.arange(labels), edges)
    starts = np.arange(0, labels, RUN)
    low = np.add.outer(edge_cost, cost[starts])  # (edges, runs): the cheapest sum of a run
    high = np.add.outer(edge_value, value[np.minimum(starts + RUN, labels) - 1])  # its best sum
    reached_cost, reached_value = low.ravel(), np.add.outer(edge_value, value[starts]).ravel()
    order = np.argsort(reached_cost, kind="stable")
    reached_cost = reached_cost[order]
    reached_value = np.maximum.accumulate(reached_value[order])
    least = reached_value[np.searchsorted(reached_cost, low, side="right") - 1]  # a sum of a run below it is dominated
    edge, run = np.nonzero(high >= least)
    label = starts[run][:, None] + np.arange(RUN)
    here = edge_value[edge][:, None] + value[np.minimum(label, labels - 1)]
    left = (label < labels) & (here >= least[edge, run][:, None])
    return np.broadcast_to(edge[:, None], label.shape)[left], label[left]


def front(cost: Floats, value: Floats) -> Ints:
    """Return the indices of the undominated labels, by ascending cost; of equal labels the first."""
    order = np.argsort(cost, kind="stable")
    sorted_value = value[order]
    best_so_far = np.maximum.accumulate(sorted_value)
    rises = np.ones(len(order), bool)
    rises[1:] = sorted_value[1:] > best_so_far[:-1]
    kept = order[rises]
    cheaper_than_next = np.ones(len(kept), bool)  # a later label of equal cost has a higher value
    cheaper_than_next[:-1] = cost[kept[:-1]] < cost[kept[1:]]
    return kept[cheaper_than_next]


def useful_edges(layer: GraphLayer) -> Ints:
    """Return the edges not dominated by a parallel edge (same source, same target), in the order of the graph."""
    ends = layer.source * (layer.target.max(initial=0) + 1) + layer.target
    order = np.argsort(ends, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(ends[order])) + 1)
    return np.sort(np.concatenate([edges[front(layer.cost[edges], layer.value[edges])] for edges in groups]))
