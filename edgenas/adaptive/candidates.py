"""The front of a search from which a menu is chosen, under all limits of the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edgenas.adaptive.device.policy import Policy
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.search.menu import Menu, best_within, choose_menu

if TYPE_CHECKING:
    from edgenas.runs.search import SavedSearch
    from edgenas.search.budgets import BudgetRequest, Budgets
    from edgenas.search.space import Choice, Space

#: unit of a limit in search.json -> field of BudgetRequest, for limits that need no file
_COUNTED = {"MACs": "macs", "params": "params", "MB": "mb"}
PEAK = "peak activations"  #: name of the limit of --budget-memory-mb
MARGIN = 1 + Policy([1.0], 1.0).margin  #: the policy uses a network up to the budget / MARGIN


MOST_JUDGED = 100  #: networks of a predicted front that a supernet judges, at most, evenly spaced

#: function that judges networks, in percent
Judging = Callable[[Sequence["Choice"]], Sequence[float]]


@dataclass(frozen=True, slots=True)
class MenuCandidate:
    """A network of the front: predicted time in ms, accuracy in percent (predicted or judged)."""

    ms: float
    accuracy: float
    choice: Choice


@dataclass(frozen=True, slots=True)
class ChosenMenu:
    """The networks of a menu, of the ``front`` ('predicted' or 'judged') of ``networks`` networks."""

    chosen: tuple[MenuCandidate, ...]
    menu: Menu
    front: str
    networks: int


def with_limits(request: BudgetRequest, saved: SavedSearch, listener: Listener = SILENT) -> BudgetRequest:
    """Return a request with the limits of a search that need no file. The listener gets a message for each other limit
    that the request does not repeat."""
    left = []
    for limit in saved.winner.limits:
        name = _COUNTED.get(limit.unit) if not limit.name else "memory_mb" if limit.name == PEAK else None
        if name is not None and not getattr(request, name):
            changes: dict[str, Any] = {name: (limit.most,)}
            request = replace(request, **changes)
        elif name is None and limit.unit != "ms" and not request.limits:
            left.append(f"--limit FILE={limit.most:g} ({limit.name or limit.unit})")
        elif limit.unit == "ms" and limit.name and not request.also:
            left.append(f"--also TABLE={limit.most:g} ({limit.name})")
    if left:
        listener.message(f"the menu does not keep limits of the search that are not repeated: {', '.join(left)}")
    return request


def choose(
    saved: SavedSearch,
    space: Space,
    kept: Budgets,
    nets: int,
    slowdown: float,
    judge: Judging | None = None,
    listener: Listener = SILENT,
) -> ChosenMenu:
    """Choose the networks of a menu within the budget of ``kept`` and its limits.

    The front is the exact one that block values predict over the whole space. With ``judge``, a supernet, its networks
    are judged, and the front is that of all judged networks; the same without block values. A space that chooses the
    size of images gives the networks of one size. InputError where the front has fewer than two networks within the
    budget.
    """
    (budget,) = kept.budgets
    predicted = _predicted(saved, space, kept)
    if judge is not None or not predicted:
        kind, front = "judged", _judged(saved, space, kept, predicted, judge)
    else:
        kind, front = "predicted", predicted
    fitting = [each for each in front if each.ms * MARGIN <= budget]
    if len(space.sizes) > 1 and fitting:
        size = space.size_of(fitting[-1].choice)
        front = [each for each in front if space.size_of(each.choice) == size]
        listener.message(f"the networks of a menu take one size of images: {size} pixels, as the best one does")
    if len([each for each in front if each.ms * MARGIN <= budget]) < 2:
        least = f"the fastest needs {front[0].ms * MARGIN:.4g} ms with the margin" if front else "it is empty"
        raise InputError(
            f"the {kind} front of {len(front)} networks has fewer than two within {budget:g} ms: {least}; give a "
            "larger --budget-ms, or search at several budgets"
        )
    costs, accuracies = [each.ms for each in front], [each.accuracy for each in front]
    menu = choose_menu(costs, accuracies, budget / MARGIN, nets, slowdown)
    if len(menu.members) < 2:  # one network serves all slowdowns: the next smaller one joins it
        last = best_within(costs, budget / MARGIN)
        menu = Menu((last - 1, last), {2: menu.loss})
    return ChosenMenu(tuple(front[i] for i in menu.members), menu, kind, len(front))


def _predicted(saved: SavedSearch, space: Space, kept: Budgets) -> list[MenuCandidate]:
    """Return the exact front that the block values of a search predict; empty where it has none."""
    from edgenas.runs.from_search import values_of
    from edgenas.search.record import front_points

    if saved.block_values is None:
        return []
    values = values_of(space, saved.block_values, "the search")
    points = front_points(space, kept.priced.cost, values, kept.limits)
    return [MenuCandidate(ms, accuracy, space.parse(key)) for ms, accuracy, key in points]


def _judged(
    saved: SavedSearch, space: Space, kept: Budgets, predicted: Sequence[MenuCandidate], judge: Judging | None
) -> list[MenuCandidate]:
    """Return the front of the networks that the search judged, and of the predicted front where ``judge`` judges it."""
    judged = {space.parse(trial.key): trial.accuracy for trial in saved.trials}
    if judge is not None:
        step = max(1, -(-len(predicted) // MOST_JUDGED))
        new = [each.choice for each in predicted[::-1][::step] if each.choice not in judged]
        judged |= dict(zip(new, judge(new), strict=True))
    found = []
    for choice, accuracy in judged.items():
        network = space.architecture(choice)
        if all(limit.keeps(network) for limit in kept.limits):
            found.append(MenuCandidate(kept.priced.cost.total(network), accuracy, choice))
    found.sort(key=lambda each: (each.ms, -each.accuracy))
    front: list[MenuCandidate] = []
    for each in found:
        if not front or each.accuracy > front[-1].accuracy:
            front.append(each)
    return front
