"""Listener: receiver of the steps, progress and messages of a long computation.

    class Shown(Listener):
        def message(self, text: str) -> None:
            print(text, file=sys.stderr)

Every function that takes long, or that reports what a person should know, has one parameter ``listener``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext


class Listener:
    """Receiver of the steps, progress and messages of a computation; this class ignores them. Override the methods that
    you need.

    Several threads may call one listener at the same time. An exception that a method raises ends the computation.
    """

    def step(self, text: str) -> None:
        """Receive the beginning of the next step of a computation that has several."""

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        """Receive the progress: ``done`` of ``total`` units are complete.

        total   None where the number is not known
        note    the state in a few words, such as the device and its temperature
        name    what progresses, such as 'pictures decoded'; '' where the caller of the computation knows it
        detail  the same as a value where a computation has more to report, such as ``CampaignProgress``
        """

    def message(self, text: str) -> None:
        """Receive one line that a person should read: a warning, or a decision that was made."""

    def warning(self, text: str, topic: str) -> None:
        """Receive a warning that comes again while its cause lasts, such as the load of a device. ``topic`` is the same
        each time; numbers in ``text`` may differ. Without an override, each is a message."""
        self.message(text)

    def task(self, label: str, rows: Sequence[str] = ()) -> AbstractContextManager[Listener]:
        """Return a context that yields the listener of one task, which begins and ends with the context.

        Override it to show progress only while there is some, such as a bar. Progress of the task is named ``label``,
        or by one of ``rows`` where several parts run at the same time.
        """
        return nullcontext(self if rows else self.named(label))

    def named(self, name: str, total: int | None = None) -> Listener:
        """Return a listener that adds a name and a total to progress, and passes everything on to this one.

        Progress without a name gets ``name``; progress without a total gets ``total``.
        """
        return _Named(self, name, total)

    def quiet(self) -> Listener:
        """Return a listener that passes steps and progress on to this one, and drops messages."""
        return _Quiet(self)


SILENT = Listener()  #: drops everything; the default of every parameter ``listener``


class _Named(Listener):
    def __init__(self, inner: Listener, name: str, total: int | None) -> None:
        self._inner, self._name, self._total = inner, name, total

    def step(self, text: str) -> None:
        self._inner.step(text)

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        known = self._total if total is None else total
        self._inner.progress(done, known, note, name=name or self._name, detail=detail)

    def message(self, text: str) -> None:
        self._inner.message(text)

    def warning(self, text: str, topic: str) -> None:
        self._inner.warning(text, topic)

    def task(self, label: str, rows: Sequence[str] = ()) -> AbstractContextManager[Listener]:
        return self._inner.task(label, rows)


class _Quiet(Listener):
    def __init__(self, inner: Listener) -> None:
        self._inner = inner

    def step(self, text: str) -> None:
        self._inner.step(text)

    def progress(
        self, done: int, total: int | None, note: str = "", *, name: str = "", detail: object | None = None
    ) -> None:
        self._inner.progress(done, total, note, name=name, detail=detail)

    @contextmanager
    def task(self, label: str, rows: Sequence[str] = ()) -> Iterator[Listener]:
        with self._inner.task(label, rows) as listener:
            yield listener.quiet()
