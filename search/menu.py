"""Menus: the few networks of a front that lose least accuracy over a range of slowdowns.

A device that is m times slower than when it was measured runs a network of latency t in m t, so the budget B is kept
by the networks with t <= B / m: the front stays the same, and the best network is found by bisection. On the device a
menu of K networks replaces the front. Slowdowns count by their logarithm, from 1 to the largest one.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError

MOST_NETWORKS = 64  #: of a menu
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Menu:
    """The best menu of ``len(members)`` networks.

    members   indices into the front, in order of cost
    losses    number of networks -> mean loss of accuracy of the best menu of that size against the whole front, over
              the slowdowns, in percentage points
    """

    members: tuple[int, ...]
    losses: dict[int, float]

    @property
    def loss(self) -> float:
        """Loss of this menu, in percentage points."""
        return self.losses[len(self.members)]


def best_within(costs: Sequence[float], budget: float) -> int:
    """Return the last network whose cost is at most ``budget``; the first where there is none. ``costs`` ascend."""
    return max(0, bisect_right(costs, budget) - 1)


def choose_menu(costs: Sequence[float], accuracies: Sequence[float], budget: float, nets: int, slowdown: float) -> Menu:
    """Return the menu of at most ``nets`` networks of a front that loses least for slowdowns from 1 to ``slowdown``.

    ``costs`` and ``accuracies`` ascend. The choice is exact: dynamic programming over the front, where a network of the
    menu is used from its own cost up to the cost of the next one. A menu always has the best network within ``budget``,
    which an undisturbed device runs, and the best one within ``budget`` / ``slowdown``.

    InputError where no network costs at most ``budget``, or the numbers are no menu.
    """
    if not 2 <= nets <= MOST_NETWORKS:
        raise InputError(f"nets={nets}: a menu has 2 to {MOST_NETWORKS} networks")
    if not (math.isfinite(slowdown) and slowdown > 1):
        raise InputError(f"slowdown={slowdown:g} must be a number above 1, such as 3: three times slower")
    if not costs or costs[0] > budget:
        least = f"the cheapest costs {costs[0]:.6g}" if costs else "the front is empty"
        raise InputError(f"no network of the front costs at most {budget:g}: {least}; give a larger budget")
    first, last = best_within(costs, budget / slowdown), best_within(costs, budget)
    values = np.array(accuracies[first : last + 1], float)
    weights = _weights(np.array(costs[first : last + 1], float), budget, slowdown)
    if len(values) == 1:
        return Menu((first,), {1: 0.0})
    parts = _best_parts(values, weights, min(nets, len(values)))
    losses = {len(members): max(0.0, loss) for loss, members in parts}
    return Menu(tuple(first + i for i in parts[-1][1]), losses)


def menu_loss(
    costs: Sequence[float], accuracies: Sequence[float], members: Sequence[int], budget: float, slowdown: float
) -> float:
    """Return the mean loss of the ``members`` of a front against the whole front, in percentage points. Where no member
    is within the budget, the cheapest is used."""
    first, last = best_within(costs, budget / slowdown), best_within(costs, budget)
    weights = _weights(np.array(costs[first : last + 1], float), budget, slowdown)
    kept = sorted(members)
    at = [kept[max(0, bisect_right(kept, i) - 1)] for i in range(first, last + 1)]
    values = np.array(accuracies, float)
    return float(weights @ (values[first : last + 1] - values[at]))


def _weights(costs: Floats, budget: float, slowdown: float) -> Floats:
    """Return the share of the slowdowns, by logarithm, at which each network is the best of the front."""
    switch = np.clip(np.log(budget / costs), 0, math.log(slowdown))  # the network fits up to this slowdown
    switch[0] = math.log(slowdown)  # where nothing fits, the cheapest is used
    return np.asarray(switch - np.append(switch[1:], 0.0)) / math.log(slowdown)


def _best_parts(values: Floats, weights: Floats, most: int) -> list[tuple[float, list[int]]]:
    """Return (loss, members) of the best menus of 2 .. ``most`` networks, all with the first network and the last.

    The networks from i to j - 1 of the front are all answered by network i, with the loss
    (total[j] - total[i]) - values[i] * (weight[j] - weight[i]).
    """
    last = len(values) - 1
    weight = np.concatenate([[0.0], np.cumsum(weights)])
    total = np.concatenate([[0.0], np.cumsum(weights * values)])
    best = (total - values[0] * weight)[: last + 1]  # best[j]: loss of the networks before j, where the first answers
    befores: list[NDArray[np.intp]] = []
    found = [(float(best[last]), [0, last])]
    for _ in range(3, most + 1):
        after, before = np.full(last + 1, np.inf), np.zeros(last + 1, np.intp)
        for j in range(2, last + 1):
            losses = best[1:j] + (total[j] - total[1:j]) - values[1:j] * (weight[j] - weight[1:j])
            before[j] = 1 + losses.argmin()
            after[j] = losses[before[j] - 1]
        befores.append(before)
        best, at, members = after, last, [last]
        for came in reversed(befores):
            at = int(came[at])
            members.append(at)
        found.append((float(best[last]), [0, *reversed(members)]))
    return found
