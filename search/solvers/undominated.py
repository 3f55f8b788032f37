"""Which of many labels no other beats: at least its value for at most each of its weights."""

from __future__ import annotations

import numpy as np

from edgenas.search.graph import Floats, Ints

CHUNK = 256


def undominated(weights: Floats, value: Floats) -> Ints:
    """Indices of ``weights`` (labels, kinds) and ``value`` (labels,), by descending value, then ascending weights; of
    equal labels the first.

    In that order a label can only be beaten by an earlier one, so each chunk is held against what is kept, then against
    itself (the block-nested loop of Börzsönyi, Kossmann and Stocker, The Skyline Operator, ICDE 2001).
    """
    order = np.lexsort((*weights.T[::-1], -value))
    kept = np.zeros((0, weights.shape[1]))
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(order), CHUNK):
        chunk = order[start : start + CHUNK]
        chunk = chunk[~_beaten(kept, weights[chunk])]
        within = weights[chunk]
        earlier = np.tri(len(chunk), k=-1, dtype=bool)
        beats = (within[None, :, :] <= within[:, None, :]).all(axis=2)  # [i, j]: j has no more of anything than i
        chunk = chunk[~(beats & earlier).any(axis=1)]
        kept = np.concatenate([kept, weights[chunk]])
        found.append(chunk)
    return np.concatenate(found)


def _beaten(kept: Floats, labels: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    found = np.zeros(len(labels), bool)
    for start in range(0, len(kept), 16 * CHUNK):
        part = kept[start : start + 16 * CHUNK]
        left = np.flatnonzero(~found)
        no_more = np.ones((len(left), len(part)), bool)
        for kind in range(labels.shape[1]):
            no_more &= part[None, :, kind] <= labels[left, kind][:, None]
        found[left] = no_more.any(axis=1)
    return found
