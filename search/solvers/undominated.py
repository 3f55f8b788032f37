"""Filter of undominated labels: a label is dominated by one with at least its value and at most each of its weights."""

from __future__ import annotations

import numpy as np

from edgenas.search.graph import Floats, Ints

CHUNK = 256


def undominated(weights: Floats, value: Floats) -> Ints:
    """Return the indices of undominated labels, by descending value, then ascending weights; of equal labels the first.

    ``weights`` is (labels, kinds), ``value`` (labels,). In that order a label can only be dominated by an earlier one,
    so each chunk is compared with the labels kept so far, then within itself (the block-nested loop of Börzsönyi,
    Kossmann and Stocker, The Skyline Operator, ICDE 2001).
    """
    order = np.lexsort((*weights.T[::-1], -value))
    kept = np.zeros((0, weights.shape[1]))
    indices = [np.zeros(0, np.int64)]
    for start in range(0, len(order), CHUNK):
        chunk = order[start : start + CHUNK]
        chunk = chunk[~_dominated(kept, weights[chunk])]
        within = weights[chunk]
        earlier = np.tri(len(chunk), k=-1, dtype=bool)
        no_heavier = (within[None, :, :] <= within[:, None, :]).all(axis=2)  # [i, j]: every weight of j is <= that of i
        chunk = chunk[~(no_heavier & earlier).any(axis=1)]
        kept = np.concatenate([kept, weights[chunk]])
        indices.append(chunk)
    return np.concatenate(indices)


def _dominated(kept: Floats, labels: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    dominated = np.zeros(len(labels), bool)
    for start in range(0, len(kept), 16 * CHUNK):
        part = kept[start : start + 16 * CHUNK]
        left = np.flatnonzero(~dominated)
        no_more = np.ones((len(left), len(part)), bool)
        for kind in range(labels.shape[1]):
            no_more &= part[None, :, kind] <= labels[left, kind][:, None]
        dominated[left] = no_more.any(axis=1)
    return dominated
