"""Parsers of the files that a tool called benchmark_model writes: nodes by delegate, and results. Nothing is run.

Both are protocol buffers: tflite/profiling/proto/model_runtime_info.proto, which lists the nodes of the graph with the
delegate that replaces each, and tflite/tools/benchmark/proto/benchmark_result.proto. They come from a device and are
not trusted. The wire format is read here, since no package has the second one.
"""

from __future__ import annotations

import base64
import binascii
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from edgenas.profiler.runtimes.benchmark_stat import Stat

_MOST = 1 << 20  # bytes of a file
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FILE = re.compile(r"edgenas (info|result|numbers|reference) ([A-Za-z0-9+/=]{1,1500000})")
_TFLITE_SUBGRAPH = 1


@dataclass(frozen=True, slots=True)
class RuntimeInfo:
    """Nodes of a graph: ``taken`` maps each delegate to the number of operators that it replaces, of ``total``;
    ``left`` are the types of the others, such as 'RESHAPE'."""

    taken: dict[str, int]
    total: int
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultFile:
    """Results of one run: ms, as single-precision numbers, and numbers of runs."""

    avg_ms: float
    min_ms: float
    max_ms: float
    init_ms: float
    first_ms: float
    runs: int
    warmup_runs: int

    def contradicts(self, init_ms: float, warmup: Stat, runs: Stat) -> str:
        """Return the first number that differs from the log's, '' where none does."""
        for name, mine, theirs in (
            ("the mean", self.avg_ms, runs.avg_us / 1e3),
            ("the minimum", self.min_ms, runs.min_us / 1e3),
            ("the maximum", self.max_ms, runs.max_us / 1e3),
            ("the initialisation", self.init_ms, init_ms),
            ("the first inference", self.first_ms, warmup.first_us / 1e3),
            ("the number of runs", self.runs, runs.count),
            ("the number of warm-up runs", self.warmup_runs, warmup.count),
        ):
            if not abs(mine - theirs) <= 1e-4 * abs(theirs) + 1e-6:
                return f"{name} is {mine:g} in the result file and {theirs:g} in the log"
        return ""


def files_in(stderr: str) -> dict[str, bytes]:
    """Return the files that the script of a batch appends to a run's stderr: name -> content. ValueError where one is
    garbled or comes twice."""
    found: dict[str, bytes] = {}
    for line in stderr.split("\n"):
        if not line.startswith("edgenas "):
            continue
        match = _FILE.fullmatch(line)
        if match is None or match[1] in found:
            raise ValueError(f"a file of the tool came back garbled: {line!r:.80}")
        try:
            found[match[1]] = base64.b64decode(match[2], validate=True)
        except binascii.Error as error:
            raise ValueError(f"the file {match[1]!r} of the tool came back garbled: {error}") from error
    return found


def without_files(stderr: str) -> str:
    """Return the lines of the tool itself."""
    return "\n".join(line for line in stderr.split("\n") if not line.startswith("edgenas "))


def parse_runtime_info(raw: bytes) -> RuntimeInfo:
    """Parse a file of --model_runtime_info_output_file; ValueError for any other content."""
    taken: dict[str, int] = {}
    left: list[str] = []
    total = 0
    for subgraph in _messages(raw, 2):
        if _whole(subgraph, 5, _TFLITE_SUBGRAPH) != _TFLITE_SUBGRAPH:
            continue
        nodes = {_whole(node, 1, 0): node for node in _messages(subgraph, 3)}
        replaced: set[int] = set()
        for node in nodes.values():
            for details in _messages(node, 8):
                ids = set(_packed(details, 2))
                if not ids <= nodes.keys() or ids & replaced:
                    raise ValueError("a delegate replaces nodes that are not there, or that another one replaces")
                replaced |= ids
                name = _text(details, 1)
                taken[name] = taken.get(name, 0) + len(ids)
        own = {number: node for number, node in nodes.items() if not any(True for _ in _messages(node, 8))}
        total += len(own)
        left += [_text(node, 3) or _text(node, 2) for number, node in own.items() if number not in replaced]
    if not total:
        raise ValueError("no node is in the file of the runtime's nodes")
    return RuntimeInfo(taken, total, tuple(left))


def parse_result(raw: bytes) -> ResultFile:
    """Parse a file of --result_file_path; ValueError for any other content."""
    latency, misc = b"".join(_messages(raw, 2)), b"".join(_messages(raw, 4))
    ms = {number: value for number, value in _fields(latency) if isinstance(value, float)}
    try:
        mean, least, most, init, first = (ms[number] for number in (1, 2, 3, 8, 9))
    except KeyError as error:
        raise ValueError(f"the result file lacks field {error}") from error
    return ResultFile(mean, least, most, init, first, _whole(misc, 2, 0), _whole(misc, 3, 0))


def _fields(raw: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Yield (number, value) of the fields of a message; ValueError where it is cut or no message."""
    if len(raw) > _MOST:
        raise ValueError(f"a file of {len(raw):,} bytes, more than {_MOST:,}")
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(raw, at)
            yield number, value
            continue
        size = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
        if kind == _BYTES:
            size, at = _varint(raw, at)
        elif not size:
            raise ValueError(f"wire type {kind} at byte {at}")
        part, at = raw[at : at + size], at + size
        if len(part) != size or not number:
            raise ValueError("the file is cut, or no protocol buffer")
        if kind == _BYTES:
            yield number, part
        else:
            (single,) = struct.unpack("<f" if kind == _FIXED32 else "<d", part)
            yield number, float(single)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(raw) or shift > 63:
            raise ValueError("the file is cut, or no protocol buffer")
        value |= (raw[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if raw[at - 1] < 128:
            return value, at


def _messages(raw: bytes, number: int) -> Iterator[bytes]:
    for found, value in _fields(raw):
        if found == number:
            if not isinstance(value, bytes):
                raise ValueError(f"field {number} is no message")
            yield value


def _packed(raw: bytes, number: int) -> list[int]:
    """Return the values of a repeated int32, packed or not."""
    values: list[int] = []
    for found, value in _fields(raw):
        if found != number:
            continue
        if isinstance(value, bytes):
            at = 0
            while at < len(value):
                one, at = _varint(value, at)
                values.append(one)
        elif isinstance(value, int):
            values.append(value)
    return values


def _whole(raw: bytes, number: int, otherwise: int) -> int:
    return next((value for found, value in _fields(raw) if found == number and isinstance(value, int)), otherwise)


def _text(raw: bytes, number: int) -> str:
    text = next((value for found, value in _fields(raw) if found == number and isinstance(value, bytes)), b"")
    return text.decode("utf-8", "replace")[:80]
