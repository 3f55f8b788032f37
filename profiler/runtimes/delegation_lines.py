"""Parser of single lines in which a benchmark tool, a delegate or a runtime says which operators an accelerator takes.

The lines come from a device and are not trusted: a line that is cut or garbled says nothing, except where its beginning
can only be that of a bad message. Lines may have a prefix of logcat, of the level ('INFO: '), of the source
('[compiled_model.cc:829] ') or of glog ('I0000 00:00:1795974430.8 19255 delegate_webgpu.cc:692] '). Sources:
tensorflow/lite/core/subgraph.cc, delegates/utils/simple_delegate.cc, delegates/gpu/delegate.cc,
tools/delegates/*_provider.cc and tools/benchmark/benchmark_tflite_model.cc of TensorFlow; compiler_plugin.cc,
compiled_model.cc and dispatch_delegate.cc of LiteRT. This module starts no program.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from edgenas.profiler.runtimes.benchmark_delegate import parse_delegate_line

_COUNT = r"(0|[1-9][0-9]{0,8})"
_PREFIXES = (
    re.compile(r"[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{3} +[0-9]{1,7} +[0-9]{1,7} ([VDIWEF]) [^:]{1,40}: "),
    re.compile(r"(INFO|WARN|WARNING|VERBOSE|ERROR|FATAL): "),
    re.compile(r"([IWEF])[0-9]{4} [0-9:.]{1,30} +[0-9]{1,9} [^ \]]{1,100}:[0-9]{1,6}\] "),
    re.compile(r"\[[^\[\] ]{1,200}:[0-9]{1,6}\] ?"),
)
_REPLACING = re.compile(rf"Replacing {_COUNT}(?: out of {_COUNT})? node\(s\) with delegate \(([A-Za-z0-9_ ]{{1,60}})\)")
_YIELDING = re.compile(rf" node, yielding {_COUNT} partitions(?![0-9])")
_NODES = re.compile(
    rf"([A-Za-z0-9_ ]{{1,60}}) delegate: {_COUNT} nodes delegated out of {_COUNT} nodes,? with {_COUNT} partitions\."
)
_UNUSED = re.compile(r"Though ([A-Za-z0-9_]{1,20}) delegate is explicitly applied, ")
_SELECTED = re.compile(
    rf"Partitioned subgraph<[0-9]{{1,4}}>, selected {_COUNT} ops, from a total of {_COUNT} ops\. "
    rf"resulted in {_COUNT} partitions\."
)
_UNSUPPORTED = re.compile(r"Following operations are not supported by ([A-Za-z0-9_ ]{1,40}) delegate:")
_OPERATOR = re.compile(r"[A-Z][A-Z0-9_]{1,60}(?: [^:]{0,60})?: .{1,300}")
_REMAINING = re.compile(rf"{_COUNT} operations will run on the? ?[A-Z]{{0,20}}(?:, and the remaining {_COUNT} .*)?")
_NO_OPERATION = re.compile(rf"No operations will run on the [A-Z]{{1,20}}, and all {_COUNT} operations will run on .*")
_PLUGINS = re.compile(rf"{_COUNT} compiler plugins were applied successfully.*")
_API = re.compile(r"Initializ(?:ed|ing) (OpenCL|OpenGL|WebGPU|Vulkan|Metal)-based API(?: from graph)?\.")
_ADAPTER = re.compile(r"Selected adapter: ([^\x00-\x1f]{1,200})")
_AVAILABLE = re.compile(r"NNAPI accelerators available: \[([^\[\]]{0,400})\]")
_INIT = re.compile(r"(?:Initialized session in |Model initialization: {1,12})([0-9]{1,9}(?:\.[0-9]{1,9})?) ?ms\.?")
_ABSENT = re.compile(
    r"(?:GPU|NNAPI) acceleration is unsupported on this platform\.|Could not create Hexagon delegate: .*"
)
_FAILED = re.compile(
    r"Failed to apply .{1,60} delegate\.|Benchmarking failed\.|Disallowed CPU fallback detected\.|Failed to compile "
    r"model\..*|Failed to create litert environment\..*|Restored original execution plan after delegate application "
    r"failure\.|Node number [0-9]{1,9} \(.{1,60}\) failed to prepare\..*|Aborted.*|Segmentation fault.*"
)
_REFUSED = "Some ops are not accelerated"


class Share(NamedTuple):
    """``delegate`` takes ``taken`` of ``total`` nodes in ``partitions`` parts; ``total`` and ``partitions`` are None
    where the line does not print them. ``by`` is the program that says so: 'runtime', 'delegate', 'tool', 'compiler'.
    """

    delegate: str
    taken: int
    total: int | None
    partitions: int | None
    by: str


class Applied(NamedTuple):
    """The tool's own summary of ``delegate``: 'completely', 'partially' or 'not', in ``partitions`` parts."""

    delegate: str
    executed: str
    partitions: int


class OperatorLeft(NamedTuple):
    """An operator that a delegate does not take, with its reason: 'UNPACK: Operation is not supported.'."""

    text: str


class LogFact(NamedTuple):
    """Another fact: ``kind`` is 'failed', 'refused' (not taken whole, and the CPU was not permitted), 'absent',
    'backend', 'adapter', 'available', 'init', 'plugins', 'dispatch', 'waits' or 'command'."""

    kind: str
    text: str


Event = Share | Applied | OperatorLeft | LogFact


def events(text: str) -> Iterator[Event]:
    """Yield what the lines of a log say, in their order."""
    listing = False  # within the list of operators that a GPU delegate does not take
    for raw in re.split(r"[\r\n]+", text):
        level, line = _bare(raw)
        if _UNSUPPORTED.fullmatch(line):
            listing = True
            continue
        if listing and level in ("", "E") and _OPERATOR.fullmatch(line):  # logcat puts its prefix before each of them
            yield OperatorLeft(line)
            continue
        listing = False
        event = _event(line)
        if event is not None:
            yield event


def _bare(raw: str) -> tuple[str, str]:
    """Return (first letter of the level, or ''; the line without its prefixes)."""
    line, level = raw.rstrip(), ""
    for prefix in _PREFIXES:
        if match := prefix.match(line):
            level = match[1][0] if match.re.groups else level
            line = line[match.end() :]
    return level, line


def _event(line: str) -> Event | None:
    if line.startswith("Replacing "):
        return _replacing(line)
    if line.startswith("$ "):
        return LogFact("command", line[2:])
    said = parse_delegate_line(line)
    if said is not None and said.applied:
        return Applied(said.name, said.executed, said.partitions)
    if match := _UNUSED.match(line):  # also where the rest of the line is cut: no other message begins so
        return Applied(match[1], "not", 0)
    if match := _NODES.fullmatch(line):
        return Share(match[1].strip(), int(match[2]), int(match[3]), int(match[4]), "delegate")
    if match := _SELECTED.fullmatch(line):
        return Share("compiler", int(match[1]), int(match[2]), int(match[3]), "compiler")
    if match := _NO_OPERATION.fullmatch(line):
        return Share("GPU", 0, int(match[1]), 0, "delegate")
    if match := _REMAINING.match(line):
        return Share("GPU", int(match[1]), int(match[1]) + int(match[2]) if match[2] else None, None, "delegate")
    return _fact(line)


def _replacing(line: str) -> Share | None:
    match = _REPLACING.match(line)
    if match is None:
        return None
    after = _YIELDING.match(line, match.end())
    total = None if match[2] is None else int(match[2])
    return Share(match[3].strip(), int(match[1]), total, int(after[1]) if after else None, "runtime")


def _fact(line: str) -> LogFact | None:
    if match := _PLUGINS.fullmatch(line):
        return LogFact("plugins", match[1])
    for kind, pattern in (("backend", _API), ("adapter", _ADAPTER), ("available", _AVAILABLE), ("init", _INIT)):
        if match := pattern.fullmatch(line):
            return LogFact(kind, match[1])
    if line.startswith("DispatchDelegate::Initialize"):
        return LogFact("dispatch", line)
    if line == "Benchmark mode is enabled.":
        return LogFact("waits", line)
    if _ABSENT.fullmatch(line):
        return LogFact("absent", line)
    if _REFUSED in line:
        return LogFact("refused", line)
    return LogFact("failed", line) if _FAILED.fullmatch(line) else None
