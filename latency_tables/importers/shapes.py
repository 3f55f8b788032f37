"""Reading of ProxylessNAS's and Once-for-all's tables, keyed by shape: YAML, ``TYPE-input:HxWxC-output:...`` to mean.

Both formats come from the same code, ``ofa/nas/efficiency_predictor/latency_lookup_table.py`` of
github.com/mit-han-lab/once-for-all. They differ in the meaning of ``expand`` and in the flags behind it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize, axes, of_axes
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import PublishedValue
from edgenas.latency_tables.importers.reading import check_ms
from edgenas.latency_tables.importers.yaml_text import entries
from edgenas.latency_tables.store.fields import Fields

_NUMBER = re.compile(r"[+-]?(\d{1,30}\.?\d{0,30}|\.\d{1,30})(e[+-]?\d{1,3})?", re.IGNORECASE | re.ASCII)
_SHAPE = re.compile(r"[1-9]\d{0,5}(x[1-9]\d{0,5}){0,2}", re.ASCII)
_FLAG = re.compile(r"\d{1,6}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ShapeRow:
    """One entry: shapes of the input (``source``) and of the output (``target``), (H, W, C) or (C,), and the numbers
    behind them, by name."""

    place: str
    kind: str
    source: tuple[int, ...]
    target: tuple[int, ...]
    numbers: dict[str, int]
    value: PublishedValue

    def size(self) -> ImageSize:
        """Return the size of the input; InputError unless it is (H, W, C)."""
        if len(self.source) != 3:
            raise InputError(f"{self.place}: the input is not HxWxC")
        return of_axes(self.source)

    def block(self, make: Callable[[ShapeRow], BlockSpec]) -> BlockSpec:
        """Return the block that ``make`` builds from the row; its InputError gets the place as a prefix."""
        try:
            return make(self)
        except InputError as error:
            raise InputError(f"{self.place}: {str(error).removeprefix(f'{self.place}: ')}") from error

    def check_output(self, size: ImageSize, c_out: int) -> None:
        """Raise InputError unless the output has ``size`` and ``c_out`` channels."""
        wanted = (*axes(size), c_out)
        if self.target != wanted:
            shape = "x".join(map(str, wanted))
            raise InputError(f"{self.place}: the output is not {shape}, which its input and stride give")


def rows(text: str, kinds: dict[str, tuple[str, ...]]) -> tuple[ShapeRow, ...]:
    """Return every entry of a table. ``kinds`` maps each kind of entry to the names of its numbers; InputError names
    the line."""
    found = []
    for line, key, fields in entries(text):
        place = f"line {line}, {key[:120]}"
        try:
            found.append(_row(place, key, fields, kinds))
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"{place}: {error}") from error
    return tuple(found)


def _row(place: str, key: str, fields: dict[str, str], kinds: dict[str, tuple[str, ...]]) -> ShapeRow:
    """Parse one key and its fields; ValueError for anything but a key of ``kinds``."""
    kind, *parts = key.rstrip(":").split("-")
    if kind not in kinds:
        raise ValueError(f"{kind[:40]!r} is not one of {', '.join(kinds)}")
    pairs = dict(part.partition(":")[::2] for part in parts)
    if len(pairs) != len(parts) or list(pairs) != ["input", "output", *kinds[kind]]:
        raise ValueError(f"after {kind} come {', '.join(('input', 'output', *kinds[kind]))}, each once")
    for name, value in pairs.items():
        if not (_SHAPE if name in ("input", "output") else _FLAG).fullmatch(value):
            raise ValueError(f"{name} is {value[:40]!r}")
    source, target = (tuple(map(int, pairs.pop(name).split("x"))) for name in ("input", "output"))
    return ShapeRow(place, kind, source, target, {n: int(v) for n, v in pairs.items()}, _value(place, fields))


def _value(place: str, fields: dict[str, str]) -> PublishedValue:
    """Return the value of an entry: its ``mean``, and ``count`` and ``var`` or ``std`` where they are given."""
    take = Fields({name: _number(name, text) for name, text in fields.items()}, "the entry")
    mean_ms = check_ms(take.number("mean"), place)
    sd_ms, count = None, None
    if "var" in fields:
        variance = take.number("var")
        if variance < 0:
            raise ValueError(f"var is {variance:g}, below 0")
        sd_ms = math.sqrt(variance)
    if "std" in fields:
        if sd_ms is not None:
            raise ValueError("it has var and std")
        sd_ms = take.number("std")
        if sd_ms < 0:
            raise ValueError(f"std is {sd_ms:g}, below 0")
    if "count" in fields:
        count = take.whole("count", 1, 10**9)
    take.done()
    return PublishedValue(mean_ms, sd_ms, count)


def _number(name: str, text: str) -> int | float:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{name[:40]} is {text[:40]!r}, not a number")
    return int(text) if re.fullmatch(r"\d+", text, re.ASCII) else float(text)
