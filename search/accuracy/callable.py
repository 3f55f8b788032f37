"""Any Python function of an architecture as an accuracy.

    def judge(architecture: Architecture) -> float: ...     percent, 0..100

Given as an object or as text, 'package.module:function'. The same function must give the same network the same
accuracy: what it said is kept and not asked again.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from edgenas.base.errors import InputError, OutcomeError
from edgenas.blocks.architecture import Architecture
from edgenas.search.problem import Candidate

Judge = Callable[[Architecture], float]


class CallableAccuracy:
    """Asks ``judge`` for each network in turn; ``name`` defaults to where the function is defined.

    OutcomeError when it answers with anything but a number within 0..100. What it raises is passed on.
    """

    def __init__(self, judge: Judge | str, name: str | None = None) -> None:
        self._given = judge
        self._loaded: Judge | None = None
        if isinstance(judge, str):
            self._loaded, default = load_judge(judge), judge
        elif callable(judge):
            kind = judge if hasattr(judge, "__qualname__") else type(judge)
            default = f"{kind.__module__}:{kind.__qualname__}"
        else:
            raise InputError(f"{judge!r} is neither a function nor 'package.module:function'")
        self._name = f"callable:{default}" if name is None else name

    def __getstate__(self) -> dict[str, Any]:
        """Text travels as text: where it arrives, the module is imported at the first question."""
        return {**self.__dict__, "_loaded": None}

    @property
    def name(self) -> str:
        return self._name

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """One call a candidate, in order."""
        if isinstance(self._given, str):
            judge = self._loaded = self._loaded or load_judge(self._given)
        else:
            judge = self._given
        for index, candidate in enumerate(candidates):
            answer = judge(candidate.architecture)
            accuracy = self._number(answer, candidate)
            if not 0 <= accuracy <= 100:
                raise OutcomeError(
                    f"{self._name} judged {candidate.architecture.name} as {answer!r}, not a percentage within 0..100"
                )
            yield index, accuracy

    def _number(self, answer: object, candidate: Candidate) -> float:
        try:
            number = float(answer) if not isinstance(answer, str | bytes | bool) else math.nan  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise OutcomeError(
                f"{self._name} answered {answer!r} for {candidate.architecture.name}: it must return the accuracy in "
                f"percent as a number"
            )
        return number


def load_judge(text: str) -> Judge:
    """The function that 'package.module:function' names; InputError says which part of it fails."""
    module_name, colon, attribute = text.partition(":")
    if not (colon and module_name and attribute.isidentifier()):
        raise InputError(f"{text!r} does not read 'package.module:function'")
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"{text!r}: cannot import {module_name} ({error}); install it, or put its folder on PYTHONPATH"
        ) from error
    judge = getattr(module, attribute, None)
    if not callable(judge):
        raise InputError(f"{text!r}: {module_name} has no function {attribute}")
    return judge  # type: ignore[no-any-return]
