"""Sampling of long sequences for drawing: even steps, with the extreme items always among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def evenly(items: Sequence[T], most: int) -> list[T]:
    """Return at most ``most`` of ``items`` at even steps, the first and the last among them."""
    if len(items) <= most:
        return list(items)
    if most < 2:
        return list(items[:most])
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def sampled(items: Sequence[T], most: int, value: Callable[[T], float], always: Callable[[T], bool]) -> list[T]:
    """Return some of ``items`` in their order: those for which ``always`` is true (at most ``most``), those with the
    least and the greatest ``value``, and others at even steps up to ``most``."""
    if len(items) <= most:
        return list(items)
    order = range(len(items))
    kept = set(evenly([i for i in order if always(items[i])], most))
    kept |= {min(order, key=lambda i: value(items[i])), max(order, key=lambda i: value(items[i]))}
    kept |= set(evenly([i for i in order if i not in kept], max(0, most - len(kept))))
    return [items[i] for i in sorted(kept)]
