"""The memory that tools print of themselves. Pure: nothing is run.

benchmark_model tells how much the most that was resident (ru_maxrss) grew since the tool began, and, told to watch, the
most there was in all: tensorflow/lite/tools/benchmark/benchmark_model.cc, tensorflow/lite/profiling/memory_info.cc and
memory_usage_monitor.cc. onnxruntime_perf_test tells the most in all: onnxruntime/test/perftest/posix/utils.cc. A line
that stands there twice, or garbled, tells nothing.
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

#: has benchmark_model watch the most that is resident, since TensorFlow 2.6
WATCH = ("--report_peak_memory_footprint=true",)


def benchmark_model_memory(stdout: str) -> Memory:
    """Of one run. A peak below what the tool grew by is none."""
    grew, peaks = _GREW.findall(stdout), _PEAK.findall(stdout)
    model_kib = _kib(grew[0][1]) if len(grew) == 1 else None
    peak_kib = _kib(peaks[0]) if len(peaks) == 1 else None
    if peak_kib is not None and peak_kib < (model_kib or 1):
        peak_kib = None
    return Memory(peak_kib, model_kib)


def perf_test_memory(stdout: str) -> Memory:
    """Of one run; the model's part of it is not told."""
    sizes = _WORKING_SET.findall(stdout)
    return Memory(int(sizes[0]) // 1024 if len(sizes) == 1 and int(sizes[0]) else None, None)


def _kib(mib: str) -> int:
    """Printed in MiB with six significant digits."""
    return math.floor(float(mib) * 1024 + 0.5)
