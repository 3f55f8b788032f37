"""Raw samples of one measurement in little memory."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

_SMALL_NS = 2**31 - 1  # 2.1 s: below it, a sample takes four bytes instead of eight


class Rounds(Sequence[tuple[int, ...]]):
    """Rounds of samples, ns: a sequence of tuples, equal to the same rounds as a tuple of tuples.

    The samples of all rounds are one array of four or eight bytes per sample. A tuple of ints takes forty, and a table
    has millions of samples.
    """

    __slots__ = ("_ends", "_ns")

    def __init__(self, rounds: Iterable[Sequence[int]]) -> None:
        held = tuple(rounds)
        flat = list(chain.from_iterable(held))
        self._ns = array("i" if max(flat, default=0) <= _SMALL_NS else "q", flat)
        self._ends = _ends(tuple(map(len, held)))

    @classmethod
    def within(cls, rounds: Iterable[Sequence[int]], flat: Sequence[int], most: int) -> Rounds:
        """Return rounds whose samples in order are ``flat``, none of them above ``most``."""
        made = cls.__new__(cls)
        made._ns = array("i" if most <= _SMALL_NS else "q", flat)
        made._ends = _ends(tuple(map(len, rounds)))
        return made

    @property
    def samples(self) -> int:
        """Number of samples in all rounds."""
        return len(self._ns)

    def each_ms(self, loops: int) -> list[NDArray[np.float64]]:
        """Return milliseconds per run, one array for each round, for samples of ``loops`` runs."""
        ms = self._ms(loops)
        return [ms[begin:end] for begin, end in self._ends]

    def minima_ms(self, loops: int) -> NDArray[np.float64]:
        """Return the smallest milliseconds per run of each round, for samples of ``loops`` runs."""
        return np.minimum.reduceat(self._ms(loops), [begin for begin, _ in self._ends])

    def _ms(self, loops: int) -> NDArray[np.float64]:
        return np.frombuffer(self._ns, dtype=f"i{self._ns.itemsize}") / (loops * 1e6)

    def __len__(self) -> int:
        return len(self._ends)

    @overload
    def __getitem__(self, index: int) -> tuple[int, ...]: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[tuple[int, ...], ...]: ...

    def __getitem__(self, index: int | slice) -> tuple[int, ...] | tuple[tuple[int, ...], ...]:
        if isinstance(index, slice):
            return tuple(tuple(self._ns[begin:end]) for begin, end in self._ends[index])
        begin, end = self._ends[index]
        return tuple(self._ns[begin:end])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Rounds):
            return self._ns == other._ns and self._ends == other._ends
        return self[:] == other

    def __hash__(self) -> int:
        return hash(self[:])

    def __repr__(self) -> str:
        return repr(self[:])

    def __reduce__(self) -> tuple[Any, ...]:
        return Rounds, (self[:],)


@lru_cache(maxsize=1024)
def _ends(sizes: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Return (begin, end) of each round among all samples; measurements of one plan share it."""
    return tuple(pairwise(accumulate(sizes, initial=0)))
