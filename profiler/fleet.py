"""Parallel campaigns, one thread each; Ctrl-C ends all of them cleanly, and each keeps its measurements."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

from edgenas.base.errors import DeviceError, EdgenasError
from edgenas.base.undo import UndoOnFailure
from edgenas.profiler.campaign import Campaign

Sleep = Callable[[float], None]


class FleetStoppedError(Exception):
    """Error that ends the wait of a campaign when all campaigns are to end; records on disk stay."""


def run_fleet(campaigns: Mapping[str, Callable[[Sleep], Campaign]]) -> dict[str, Campaign | Exception]:
    """Run each campaign with a ``sleep`` that ends early when all are to stop. Return for each name, in order, the
    campaign's result or its error.

    An error in one campaign stops no other. KeyboardInterrupt reaches each at its next wait, and is raised when all
    have ended: their devices are then free again and their clocks reset.
    """
    stop = threading.Event()

    def sleep(seconds: float) -> None:
        if stop.wait(seconds):
            raise FleetStoppedError("stopped by Ctrl-C")

    with ThreadPoolExecutor(max(1, len(campaigns)), thread_name_prefix="fleet") as threads:
        futures: dict[str, Future[Campaign]] = {n: threads.submit(run, sleep) for n, run in campaigns.items()}
        with UndoOnFailure(stop.set):
            left = set(futures.values())
            while left:  # in short waits, since a signal does not end a long one
                left = wait(left, timeout=0.2, return_when=FIRST_EXCEPTION).not_done
    return {name: _outcome(future) for name, future in futures.items()}


def _outcome(future: Future[Campaign]) -> Campaign | Exception:
    """Return the result of a campaign or its expected error; raise any other."""
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, EdgenasError | DeviceError):
        return error
    raise error
