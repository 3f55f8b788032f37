"""Any Python function of an architecture as a judge of accuracy.

    def judge(architecture: Architecture) -> float: ...     percent, 0..100; with ``score`` any finite number

The function is given as an object or as text: 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or an entry point of
``edgenas.search.accuracy.by_name``. It must return the same accuracy for the same network: results are cached and not
computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, SupportsFloat, SupportsIndex

from edgenas.base.code import Code
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.plugins import GROUPS, Found, accepted, find
from edgenas.base.reloading import reloaded
from edgenas.blocks.architecture import Architecture
from edgenas.search.problem import Candidate

Judge = Callable[[Architecture], float]


class CallableAccuracy:
    """A judge that calls the function ``judge`` for each network; ``name`` defaults to the place of its definition.

    With ``score`` the result may be any finite number, higher is better; else it is a percentage. OutcomeError for any
    other result. Exceptions of the function are passed on. ``code`` is the user's file that defines the function, where
    it is given as text.
    """

    def __init__(self, judge: Judge | str, name: str | None = None, *, score: bool = False) -> None:
        self._given = judge
        self._loaded: Judge | None = None
        self.score = score
        self.code: Code | None = None
        if isinstance(judge, str):
            found = load_judge(judge)
            self._loaded, self.code, default = found.value, found.code, judge
        elif callable(judge):
            kind = judge if hasattr(judge, "__qualname__") else type(judge)
            default = f"{kind.__module__}:{kind.__qualname__}"
        else:
            raise InputError(f"{judge!r} is neither a function nor text such as 'my_judge.py:judge'")
        self._name = f"callable:{default}" if name is None else name

    def __getstate__(self) -> dict[str, Any]:
        """Return the state without the function where it is given as text: another process loads it again at the first
        network."""
        return {**self.__dict__, "_loaded": None}

    @property
    def name(self) -> str:
        return self._name

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Judge the candidates in order, with one call each."""
        judge = self._judge()
        for index, candidate in enumerate(candidates):
            answer = judge(candidate.architecture)
            accuracy = self._number(answer, candidate)
            if not self.score and not 0 <= accuracy <= 100:
                raise OutcomeError(
                    f"{self._name} judged {candidate.architecture.name} as {answer!r}, not a percentage within 0..100; "
                    "where it is a score on another scale, add --score"
                )
            yield index, accuracy

    def _judge(self) -> Judge:
        if not isinstance(self._given, str):
            return self._given
        if self._loaded is None:
            assert self.code is not None
            judge: Judge = reloaded(self.code, "judge")
            self._loaded = judge
        return self._loaded

    def _number(self, answer: object, candidate: Candidate) -> float:
        number = math.nan
        if isinstance(answer, SupportsFloat | SupportsIndex) and not isinstance(answer, bool):
            with suppress(TypeError, ValueError, OverflowError):
                number = float(answer)
        if not math.isfinite(number):
            wanted = "a finite number, the higher the better" if self.score else "the accuracy in percent as a number"
            raise OutcomeError(
                f"{self._name} answered {answer!r} for {candidate.architecture.name}: it must return {wanted}"
            )
        return number


def load_judge(text: str) -> Found[Judge]:
    """Load the function named by 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or an entry point of
    ``edgenas.search.accuracy.by_name``.

    InputError names the part of the text that fails.
    """
    found = find(text, {}, "judge", GROUPS["judge"])
    accepted(found, callable(found.value), "a judge: a function of a network (an Architecture) that returns a number")
    return found
