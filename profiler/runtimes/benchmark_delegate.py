"""Parser of the lines in which ``benchmark_model`` of TensorFlow Lite and of LiteRT names the delegate that computes a
graph. This module starts no program.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: beginnings of these lines; such a line must be complete
BEGINNINGS = ("Explicitly applied", "Though ", "Replacing ")
#: line on stderr that says that XNNPACK is there, not how much it takes
CREATED = "Created TensorFlow Lite XNNPACK delegate for CPU."

_WHOLE = r"(0|[1-9][0-9]{0,11})"
_KERNELS = r"(completely|partially) executed by the delegate(?: w/ ([1-9][0-9]{0,5}) delegate kernels)?\."
_APPLIED = re.compile(rf"Explicitly applied ([A-Za-z]{{1,20}}) delegate, and the model graph will be {_KERNELS}")
_UNUSED = re.compile(
    r"Though ([A-Za-z]{1,20}) delegate is explicitly applied, the model graph will not be executed by the delegate\."
)
_REPLACING = re.compile(
    rf"Replacing {_WHOLE}(?: out of {_WHOLE})? node\(s\) with delegate \(([A-Za-z0-9_ ]{{1,60}})\) node, yielding "
    rf"{_WHOLE} partitions(?: for (?:the whole graph|subgraph [0-9]{{1,4}}(?: \([^()]{{0,200}}\))?))?\."
)


class DelegateLine(NamedTuple):
    """Delegate ``name``, how much of the graph it executes ('completely', 'partially', 'not'), and in how many parts;
    ``applied`` where the tool says that it applied the delegate, and False where only the delegate says so."""

    name: str
    executed: str
    partitions: int
    applied: bool


def parse_delegate_line(text: str) -> DelegateLine | None:
    """Parse one line; None for a line that says nothing of a delegate."""
    if match := _APPLIED.fullmatch(text):
        return DelegateLine(match[1], match[2], int(match[3]) if match[3] else 1, True)
    if match := _UNUSED.fullmatch(text):
        return DelegateLine(match[1], "not", 0, True)
    if match := _REPLACING.fullmatch(text):
        # older versions leave the total out: a graph in one part is executed by one
        complete = match[4] == "1" if match[2] is None else match[1] == match[2]
        how = "completely" if complete else "partially"
        name = "XNNPACK" if "XNNPack" in match[3] else match[3]
        return DelegateLine(name, how if int(match[1]) else "not", int(match[4]), False)
    return None
