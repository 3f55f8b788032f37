"""The one call of HiGHS, through scipy, which keeps its prints off stdout.

HiGHS prints a line of its own to stdout where it repairs a solution ("HighsMipSolverData::... tmpSolver.run();", in
versions of 2025, whatever its options say). It would spoil the output of ``--json``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from edgenas.search.graph import Floats


def solved(objective: Floats, integral: Floats, constraints: Sequence[Any], time_limit_s: float | None) -> Any:
    """Return scipy's ``OptimizeResult`` of the program: minimise ``objective``, variables within 0 .. 1 and whole where
    ``integral`` is 1. ``status`` is 1 where ``time_limit_s`` is over."""
    from scipy.optimize import Bounds, milp

    options: dict[str, Any] = {"mip_rel_gap": 0.0}
    if time_limit_s is not None:
        options["time_limit"] = time_limit_s
    with stdout_as_stderr():
        return milp(objective, integrality=integral, bounds=Bounds(0, 1), constraints=constraints, options=options)


@contextmanager
def stdout_as_stderr() -> Iterator[None]:
    """Redirect file descriptor 1 to stderr during the block, for libraries that print with C. This affects the whole
    process.
    """
    with suppress(OSError, ValueError, AttributeError):  # a closed stream, or none
        sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # stdout is closed: nothing can be spoiled
        yield
        return
    try:
        with suppress(OSError):  # stderr is closed
            os.dup2(2, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
