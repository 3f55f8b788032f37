"""NAS-Bench-201 with the latencies of real devices, read from one table that joins accuracies and latencies.

15,625 cells (arXiv 2001.00326; NATS-Bench, arXiv 2009.00437): validation accuracy after 12 epochs, test accuracy after
200, and the measured latency of the whole network (HW-NAS-Bench, arXiv 2103.10584; HELP, arXiv 2106.08630), one row per
cell: columns ``arch_str``, ``acc12_cifar10-val``, ``acc200_cifar10_test``, the same for CIFAR-100, ``lat_<device>``.
The file is not part of this project; the user provides it.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes, unreadable
from edgenas.search.problem import Candidate
from edgenas.search.space import Choice, Space

CELLS = 5**6
MOST_BYTES = 256 << 20  #: of an unpacked table: 17 kB for each of its cells
_OPERATION = re.compile(r"([a-z_0-9]+)~([0-2])")

Cell = frozenset[tuple[str, str]]  #: one operation per edge, such as ('2<0', 'nor_conv_3x3')


def cell_of(space: Space, choice: Choice) -> Cell:
    """Return the cell of a choice; the order of the layers of ``space`` does not matter."""
    return frozenset((layer.name, layer.options[i].key) for layer, i in zip(space.layers, choice, strict=True))


def read_columns(path: Path, names: Sequence[str]) -> dict[str, dict[Cell, float]]:
    """Read the columns ``names`` of the table, each as cell -> number; InputError for a file of another form."""
    data = read_bytes(path, "nas_bench_201")
    try:
        data = _unpacked(data) if path.suffix == ".gz" else data
        rows = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
        columns = {name: {_cell(row["arch_str"]): float(row[name]) for row in rows} for name in names}
    except OSError as error:
        raise InputError(unreadable(path, error, "nas_bench_201")) from error
    except (KeyError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is no table of NAS-Bench-201 with the columns {', '.join(names)} ({error})"
        ) from error
    if any(len(column) != CELLS for column in columns.values()):
        raise InputError(f"{path} does not hold the {CELLS:,} cells of NAS-Bench-201; take the whole table")
    return columns


def _unpacked(data: bytes) -> bytes:
    """Return the content of a gzip file; ValueError where it is larger than any table of these cells."""
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"it unpacks to more than {MOST_BYTES >> 20} MiB")
    return content


class NasBench201:
    """A judge that looks up one column, for a space whose layers have the names of a cell's edges."""

    def __init__(self, space: Space, column: Mapping[Cell, float], name: str) -> None:
        self._space, self._column = space, column
        digest = hashlib.sha256(repr(sorted(column.values())).encode()).hexdigest()[:12]
        self._name = f"nas-bench-201-{name}-{digest}"

    @property
    def name(self) -> str:
        return self._name

    def evaluate(self, candidates: Sequence[Candidate]) -> Iterator[tuple[int, float]]:
        """Look up the accuracy of each candidate, in order."""
        return ((i, self._column[cell_of(self._space, c.choice)]) for i, c in enumerate(candidates))


def _cell(text: str) -> Cell:
    nodes = [_OPERATION.findall(node) for node in text.split("+")]
    cell = frozenset((f"{n}<{source}", operation) for n, node in enumerate(nodes, 1) for operation, source in node)
    if len(cell) != 6:
        raise ValueError(f"{text!r} is not a cell")
    return cell
