"""Any Python function of an architecture as an accuracy.

    def judge(architecture: Architecture) -> float: ...     percent, 0..100; with ``score`` any finite number

Given as an object or as text: 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or an entry point of
``edgenas.search.accuracy.by_name``. The same function must give the same network the same accuracy: what it answered
is kept, and not computed again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgenas.base.code import Code
from edgenas.base.errors import InputError, OutcomeError
from edgenas.base.plugins import GROUPS, Found, accepted, find
from edgenas.base.reloading import reloaded
from edgenas.blocks.architecture import Architecture
from edgenas.search.problem import Candidate

Judge = Callable[[Architecture], float]


class CallableAccuracy:
    """Calls ``judge`` for each network in turn; ``name`` defaults to where the function is defined.

    With ``score`` an answer may be any finite number, higher is better; else it is a percentage. OutcomeError for any
    other answer. What the function raises is passed on. ``code`` says which file of the user's own it comes from,
    where it is given as text.
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
        """Text and files travel: where they arrive, the function is loaded at the first network."""
        return {**self.__dict__, "_loaded": None}

    @property
    def name(self) -> str:
        return self._name

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """One call a candidate, in order."""
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
        try:
            number = float(answer) if not isinstance(answer, str | bytes | bool) else math.nan  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not math.isfinite(number):
            wanted = "a finite number, the higher the better" if self.score else "the accuracy in percent as a number"
            raise OutcomeError(
                f"{self._name} answered {answer!r} for {candidate.architecture.name}: it must return {wanted}"
            )
        return number


def load_judge(text: str) -> Found[Judge]:
    """Return the function that 'FILE.py:NAME', 'PACKAGE.MODULE:NAME' or an entry point of
    ``edgenas.search.accuracy.by_name`` names.

    InputError says which part of the text fails.
    """
    found = find(text, {}, "judge", GROUPS["judge"])
    accepted(found, callable(found.value), "a judge: a function of a network (an Architecture) that returns a number")
    return found
