"""A layered graph as the linear constraints of a flow of one unit from the start to the end, for HiGHS.

There is one variable per edge. One unit enters at the start; at every other state, inflow equals outflow. With binary
variables, a flow is a path.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenas.base.errors import OutcomeError
from edgenas.search.graph import Floats, Graph


def stacked(arrays: Sequence[Floats]) -> Floats:
    """Return the arrays of all layers as one array: variable k is edge k of the graph, layer by layer."""
    return np.concatenate(list(arrays))


def conservation(graph: Graph) -> tuple[Any, Floats]:
    """Return (sparse matrix A, right side b) of the flow constraints A x = b: one row for each state before a layer."""
    from scipy.sparse import coo_matrix

    first_row = np.cumsum((0, *graph.states[:-1]))
    rows, columns, signs = [], [], []
    start = 0
    for i, layer in enumerate(graph.layers):
        edges = np.arange(start, start + len(layer))
        rows.append(first_row[i] + layer.source)
        columns.append(edges)
        signs.append(np.ones(len(layer)))
        if i + 1 < len(graph.layers):
            rows.append(first_row[i + 1] + layer.target)
            columns.append(edges)
            signs.append(-np.ones(len(layer)))
        start += len(layer)
    shape = (int(first_row[-1]), start)
    matrix = coo_matrix((np.concatenate(signs), (np.concatenate(rows), np.concatenate(columns))), shape=shape)
    right = np.zeros(shape[0])
    right[0] = 1.0
    return matrix.tocsr(), right


def path_of(graph: Graph, flow: Floats) -> list[int]:
    """Return the edges of a binary flow, one per layer; OutcomeError when the flow is not a path."""
    state, start, edges = 0, 0, []
    for layer in graph.layers:
        part = np.where(layer.source == state, flow[start : start + len(layer)], -1.0)
        edge = int(np.argmax(part))
        if part[edge] < 0.5:
            raise OutcomeError(
                "HiGHS returned a flow that is not a path: the costs or values differ by too many orders of magnitude; "
                "use the dynamic program"
            )
        edges.append(edge)
        state = int(layer.target[edge])
        start += len(layer)
    return edges


def scaled_limits(graph: Graph, budget: float) -> list[tuple[Floats, float]]:
    """Return (coefficients, upper bound) for the budget and each further limit: one coefficient per variable, scaled to
    about 1."""
    weights = stacked([layer.weights for layer in graph.layers])
    scaled = []
    for row, most in zip(weights.T, (budget, *graph.most), strict=True):
        scale = max(scale_of(row), abs(most) / len(graph.layers))
        scaled.append((row / scale, most / scale))
    return scaled


def scale_of(values: Floats) -> float:
    """Largest magnitude of ``values``; 1 for all zeros. HiGHS's tolerances are absolute, for numbers of about 1."""
    return float(np.abs(values).max(initial=0.0)) or 1.0
