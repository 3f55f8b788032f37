"""Parsers of the memory that tools report, and of their times of loading a model and running it first. Nothing is run.

benchmark_model prints the growth of its peak resident memory (ru_maxrss) since its start and, with the flag WATCH, the
peak itself: tensorflow/lite/tools/benchmark/benchmark_model.cc, tensorflow/lite/profiling/memory_info.cc and
memory_usage_monitor.cc. onnxruntime_perf_test prints the peak: onnxruntime/test/perftest/posix/utils.cc. A line that is
repeated or garbled is ignored.
"""

from __future__ import annotations

import math
import re

from edgenas.profiler.runtimes.sustained import Memory

_MIB = r"([0-9]{1,7}(?:\.[0-9]{1,8})?)"
_GREW = re.compile(
    r"^(?:INFO: )?(?:Memory footprint delta from the start of the tool|Peak memory footprint) \(MB\): "
    rf"init={_MIB} overall={_MIB}\r?$",
    re.MULTILINE,
)
_PEAK = re.compile(
    rf"^(?:INFO: )?Overall peak memory footprint \(MB\) via periodic monitoring: {_MIB}\r?$", re.MULTILINE
)
_WORKING_SET = re.compile(r"^Peak working set size: ([0-9]{1,15}) bytes\r?$", re.MULTILINE)

_INIT_US = re.compile(
    r"^(?:INFO: )?Inference timings in us: Init: ([0-9]{1,15}), First inference: ([0-9]{1,15}), ", re.MULTILINE
)
_SESSION_S = re.compile(r"^Session creation time cost: ([0-9]{1,9}\.[0-9]{1,9}) s\r?$", re.MULTILINE)
_FIRST_MS = re.compile(r"^First inference time cost: ([0-9]{1,9}) ms\r?$", re.MULTILINE)

#: flag that makes benchmark_model report its peak resident memory, since TensorFlow 2.6
WATCH = ("--report_peak_memory_footprint=true",)


def benchmark_model_memory(stdout: str) -> Memory:
    """Return the memory of one run of benchmark_model. A peak below the growth is invalid and becomes None."""
    grew, peaks = _GREW.findall(stdout), _PEAK.findall(stdout)
    model_kib = _kib(grew[0][1]) if len(grew) == 1 else None
    peak_kib = _kib(peaks[0]) if len(peaks) == 1 else None
    if peak_kib is not None and peak_kib < (model_kib or 1):
        peak_kib = None
    return Memory(peak_kib, model_kib, *_started(_INIT_US.findall(stdout), 1e-3))


def perf_test_memory(stdout: str) -> Memory:
    """Return the memory of one run of onnxruntime_perf_test, which does not report the model's part."""
    sizes = _WORKING_SET.findall(stdout)
    peak_kib = int(sizes[0]) // 1024 if len(sizes) == 1 and int(sizes[0]) else None
    loaded, ran = _SESSION_S.findall(stdout), _FIRST_MS.findall(stdout)
    both = len(loaded) == len(ran) == 1
    return Memory(peak_kib, None, 1000 * float(loaded[0]) if both else None, float(ran[0]) if both else None)


def _started(found: list[tuple[str, str]], ms: float) -> tuple[float | None, float | None]:
    """Return the times of loading and of the first run, from a line in units of ``ms`` that stands once."""
    return (float(found[0][0]) * ms, float(found[0][1]) * ms) if len(found) == 1 else (None, None)


def _kib(mib: str) -> int:
    """Return KiB from a text in MiB with six significant digits."""
    return math.floor(float(mib) * 1024 + 0.5)
