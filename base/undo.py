"""Undo what a block has begun, where the block fails."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType


class UndoOnFailure:
    """Context manager that calls ``undo`` when the ``with`` block ends with any exception, Ctrl-C included, except
    ``unless``. The exception is raised further.
    """

    def __init__(self, undo: Callable[[], object], unless: type[BaseException] | tuple[()] = ()) -> None:
        self._undo = undo
        self._unless = unless

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, self._unless):
            self._undo()
