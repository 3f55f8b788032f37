"""Published accuracies, read from the published file.

NAS-Bench-Macro (arXiv 2103.11922; github.com/xiusu/NAS-Bench-Macro, ``data/nas-bench-macro_cifar10.json``): CIFAR-10
test accuracy of three trainings of each of 6,561 networks. The file is not part of this project; the user provides it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from edgenas.base.errors import InputError
from edgenas.base.json_text import parse_json
from edgenas.base.reading import REMEDIES, read_bytes
from edgenas.search.problem import Candidate

Mode = Literal["mean", "one"]

REMEDY = REMEDIES["nas_bench_macro"]


class NasBenchMacro:
    """A judge that looks up the published table.

    mode 'mean'   the mean of the three trainings
         'one'    one of the three, drawn by ``seed`` for each network, as in a search that trains each network once
    InputError for a file that does not have the form of the published one.
    """

    def __init__(self, path: Path, mode: Mode = "mean", seed: int = 0) -> None:
        if mode not in get_args(Mode):
            raise InputError(f"mode {mode!r} is not one of {', '.join(get_args(Mode))}")
        self._mode, self._seed = mode, seed
        data = _read(path)
        self._rows = _checked(path, data)
        digest = hashlib.sha256(data).hexdigest()[:12]
        self._name = f"nas-bench-macro-{digest}-{mode}" + (f"-{seed}" if mode == "one" else "")

    @property
    def name(self) -> str:
        return self._name

    def __len__(self) -> int:
        return len(self._rows)

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Look up each candidate in order; candidates are members of the space ``nas_bench_macro`` at 32 pixels and 10
        classes."""
        for index, candidate in enumerate(candidates):
            yield index, self.accuracy(candidate)

    def accuracy(self, candidate: Candidate) -> float:
        """CIFAR-10 test accuracy of a candidate in percent; InputError for a network that is not in the table."""
        key = "".join(str(option) for option in candidate.choice[1:-2])  # the stem, last layer and head have no choice
        row = self._rows.get(key)
        network = candidate.architecture
        if row is None or (row["flops"], row["params"]) != (network.macs, network.params):
            raise InputError(
                f"{network.name} is not in the table: it holds the networks of nas_bench_macro at 32 pixels, 10 classes"
            )
        accuracies: list[float] = row["test_acc"]
        if self._mode == "mean":
            return sum(accuracies) / len(accuracies)
        return accuracies[random.Random(f"{self._seed}/{key}").randrange(len(accuracies))]


def _read(path: Path) -> bytes:
    return read_bytes(path, "nas_bench_macro")


def _checked(path: Path, data: bytes) -> dict[str, Any]:
    try:
        rows = parse_json(data)
    except ValueError as error:
        raise InputError(f"{path} is not JSON ({error}); {REMEDY}") from error
    if not isinstance(rows, dict) or len(rows) != 3**8:
        raise InputError(f"{path} does not hold the 6,561 networks of NAS-Bench-Macro; {REMEDY}")
    for key, row in rows.items():
        if not (len(key) == 8 and set(key) <= set("012") and isinstance(row, dict) and _is_row(row)):
            raise InputError(f"{path}: {key!r} is not a row of NAS-Bench-Macro; {REMEDY}")
    return rows


def _is_row(row: dict[str, Any]) -> bool:
    accuracies = row.get("test_acc")
    return (
        isinstance(accuracies, list)
        and len(accuracies) == 3
        and all(isinstance(a, int | float) and 0 <= a <= 100 for a in accuracies)
        and type(row.get("flops")) is int
        and type(row.get("params")) is int
    )
