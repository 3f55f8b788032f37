"""Parser of the lines that only LiteRT 2's ``benchmark_model`` prints: the model that it loads, and a block of results.
This module starts no program.

LiteRT 2's tool has the name of TensorFlow Lite's and most of its flags and lines, but not its last line, 'Inference
timings in us'. Before its own lines it writes where they come from, as in '[benchmark_litert_model.h:94] Model
initialization: 23744.73 ms', usually to stderr. Times there are ms with two decimals. Source: google-ai-edge/LiteRT,
litert/tools/benchmark_litert_model.{cc,h}. It computes on the CPU with XNNPACK unless a flag says otherwise, and warns
of the flag --use_xnnpack, which it does not know.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edgenas.profiler.runtimes.benchmark_stat import Stat

#: the warning about the flag of TensorFlow Lite's tool that LiteRT 2's does not know
UNKNOWN_FLAG = "Unconsumed cmdline flags: --use_xnnpack=true"

_OWN = re.compile(r"\[[^\[\]]{0,200}benchmark_litert_model\.(?:cc|h):[0-9]{1,6}\] ?(.*)")
_LOADING = re.compile(r"Loading model from: (.*)")
_RESULT = re.compile(
    r"(Model initialization|Warmup \(first\)|Warmup \(avg\)|Inference \((?:avg|min|max)\)): +"
    r"([0-9]{1,12}\.[0-9]{2}) ms(?: \(([0-9]{1,12}) runs\))?"
)
_BEGINNINGS = ("Model initialization", "Warmup (", "Inference (avg)", "Inference (min)", "Inference (max)")
_NEEDED = ("Model initialization", "Warmup (first)", "Warmup (avg)", "Inference (avg)")
_ROUNDED_MS = 0.00501


@dataclass(slots=True)
class Results:
    """Lines of one run: the path of the model, and its results by label as (ms, number of runs or '')."""

    graph: str = ""
    found: dict[str, tuple[float, str]] = field(default_factory=dict)

    def take(self, text: str) -> bool:
        """Parse a line; return whether it is one of LiteRT 2's tool. ValueError for one that is garbled or repeated."""
        own = _OWN.fullmatch(text)
        if own is None:
            return False
        if loading := _LOADING.fullmatch(own[1]):
            if self.graph:
                raise ValueError("a second model is loaded")
            self.graph = loading[1]
        elif result := _RESULT.fullmatch(own[1]):
            if result[1] in self.found:
                raise ValueError(f"lines are out of order: {result[1]!r} twice")
            self.found[result[1]] = (float(result[2]), result[3] or "")
        elif own[1].startswith(_BEGINNINGS):
            raise ValueError(f"the line {text!r:.160} is not as the tool prints it")
        return True

    def check(self, init_ms: float, warmup: Stat, runs: Stat) -> None:
        """Raise ValueError where results are missing, or contradict the lines before them."""
        for label in _NEEDED:
            if label not in self.found:
                raise ValueError(f"the output is cut: the line of {label!r} is missing")
        counted = {
            "Model initialization": (init_ms, ""),
            "Warmup (first)": (warmup.first_us / 1e3, ""),
            "Warmup (avg)": (warmup.avg_us / 1e3, str(warmup.count)),
            "Inference (avg)": (runs.avg_us / 1e3, str(runs.count)),
            "Inference (min)": (runs.min_us / 1e3, ""),
            "Inference (max)": (runs.max_us / 1e3, ""),
        }
        for label, (ms, number) in self.found.items():
            before_ms, before = counted[label]
            if abs(ms - before_ms) > _ROUNDED_MS + 1e-5 * before_ms or number != before:
                raise ValueError(
                    f"the numbers contradict each other: {label} {ms:.2f} ms {number} at the end, {before_ms:g} ms "
                    f"{before} before"
                )
