"""Command line of ``benchmark_model``, of TensorFlow Lite and of LiteRT 2. Nothing is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ToolFlags:
    """Flags of the tool. A series ends after its number of runs and its minimum time (the warm-up has its own), at the
    latest after ``max_s``. ``use_xnnpack`` None leaves the flag out; ``accelerator`` has the flags of a delegate, and
    a tool may lack those in ``optional``."""

    graph: str
    threads: int = 1
    use_xnnpack: bool | None = True
    warmup_runs: int = 10
    warmup_min_s: float = 0.02
    num_runs: int = 50
    min_s: float = 0.001
    max_s: float = 150.0
    accelerator: Mapping[str, str] = field(default_factory=dict, hash=False)
    optional: frozenset[str] = frozenset()


def command(binary: str, options: ToolFlags, cores: Sequence[int]) -> list[str]:
    """Return the command line on the device, pinned to ``cores`` by ``taskset HEXMASK`` (as util-linux and toybox have
    it)."""
    pin = ["taskset", f"{sum(1 << core for core in set(cores)):x}"] if cores else []
    flags = {
        "graph": options.graph,
        "num_threads": options.threads,
        **({} if options.use_xnnpack is None else {"use_xnnpack": "true" if options.use_xnnpack else "false"}),
        "warmup_runs": options.warmup_runs,
        "warmup_min_secs": f"{options.warmup_min_s:g}",
        "num_runs": options.num_runs,
        "min_secs": f"{options.min_s:g}",
        "max_secs": f"{options.max_s:g}",
        **options.accelerator,
    }
    return [*pin, binary, *(f"--{name}={value}" for name, value in flags.items())]
