"""Setting, Measurement, LatencyTable: what was measured, and under which conditions.

Times are kept as they came, in whole nanoseconds; statistics are computed in milliseconds and never stored instead. A
table holds one setting: what must be equal before two numbers may be compared or added.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blocks.architecture import Architecture
from blocks.errors import InputError
from blocks.spec import BlockSpec
from latency_tables import statistics
from latency_tables.fields import Fields, whole

if TYPE_CHECKING:
    import pandas as pd

Fact = str | int | float
SAMPLE_LIMIT_NS = 10**13  # nothing measured here runs for hours


@dataclass(frozen=True, slots=True)
class Setting:
    """What one table holds constant.

    device           the facts that identify the machine, as (name, value) pairs in order of name
    version          the package that brings the runtime, and its version: 'ai_edge_litert 2.3.0'
    library_sha256   of the runtime's shared libraries: the build, where the version alone does not tell
    delegate         who computes: 'xnnpack', 'cpu' (onnxruntime's own provider), 'none' (built-in kernels)
    cores            CPUs the process is pinned to; empty for not pinned
    scheduler        'fifo' or 'normal'
    """

    device: tuple[tuple[str, Fact], ...]
    runtime: str
    version: str
    library_sha256: str
    delegate: str
    precision: str
    threads: int
    cores: tuple[int, ...]
    scheduler: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        values: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "device": dict(self.device), "cores": list(self.cores)}

    @classmethod
    def from_dict(cls, data: Any) -> Setting:
        """Inverse of ``as_dict``; ValueError names the field that is missing, unknown or of the wrong type."""
        take = Fields(data, "setting")
        setting = cls(
            device=device_pairs(take.values("device")),
            runtime=take.text("runtime"),
            version=take.text("version"),
            library_sha256=take.text("library_sha256"),
            delegate=take.text("delegate"),
            precision=take.text("precision"),
            threads=take.whole("threads", 1, 1024),
            cores=take.wholes("cores", 0, 4095, 1024),
            scheduler=take.text("scheduler"),
        )
        take.done()
        return setting

    def differences(self, other: Setting) -> list[str]:
        """What differs, as 'threads 1 / 2' with this setting's value first."""
        mine, theirs = ({**s.as_dict(), **{f"device {k}": v for k, v in s.device}} for s in (self, other))
        names = [name for name in {**mine, **theirs} if name != "device"]
        return [f"{n} {mine.get(n)} / {theirs.get(n)}" for n in names if mine.get(n) != theirs.get(n)]


def device_pairs(device: Mapping[str, Fact]) -> tuple[tuple[str, Fact], ...]:
    """A fingerprint in the form Setting holds."""
    return tuple(sorted(device.items()))


@dataclass(frozen=True, slots=True)
class Measurement:
    """One block in one fresh process of the runner.

    samples_ns   round -> samples, each the time of ``loops`` consecutive runs
    checksum     sum and absolute sum of the outputs for the seeded input: equal models give equal ones; None where
                 the runtime is a tool that does not show its outputs
    before       state of the device before and after the batch: clock, temperature, load, host time
    """

    block: BlockSpec
    process: int
    samples_ns: tuple[tuple[int, ...], ...]
    loops: int
    checksum: tuple[float, float] | None
    before: Mapping[str, Fact]
    after: Mapping[str, Fact]

    @property
    def key(self) -> tuple[BlockSpec, int]:
        """What a table holds at most once."""
        return self.block, self.process

    def rounds_ms(self) -> list[statistics.Times]:
        """Milliseconds a run, an array for each round."""
        return statistics.rounds_ms(self.samples_ns, self.loops)


def check_samples(value: Any) -> tuple[tuple[int, ...], ...]:
    """Rounds of samples in ns out of JSON; ValueError unless there is at least one round, no round is empty and every
    sample is a whole number above 0."""
    if not isinstance(value, list) or not value or not all(isinstance(r, list) and r for r in value):
        raise ValueError("samples_ns is not a list of rounds, each a list of at least one sample")
    return tuple(tuple(whole(ns, "samples_ns", 1, SAMPLE_LIMIT_NS) for ns in samples) for samples in value)


@dataclass(frozen=True)
class LatencyTable:
    """Measurements of one setting, keyed by block and process; InputError where a key is given twice."""

    setting: Setting
    measurements: tuple[Measurement, ...]

    def __post_init__(self) -> None:
        seen: set[tuple[BlockSpec, int]] = set()
        for m in self.measurements:
            if m.key in seen:
                raise InputError(f"block {m.block} is measured twice as process {m.process}; a table holds it once")
            seen.add(m.key)

    @cached_property
    def _by_block(self) -> dict[BlockSpec, list[Measurement]]:
        found: dict[BlockSpec, list[Measurement]] = {}
        for m in self.measurements:
            found.setdefault(m.block, []).append(m)
        return found

    @cached_property
    def _cache(self) -> dict[tuple[BlockSpec, str], float]:
        return {}

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Every block measured, in order of first measurement."""
        return tuple(self._by_block)

    def processes(self, block: BlockSpec) -> list[list[statistics.Times]]:
        """Milliseconds a run: process -> round -> samples; InputError when the block was not measured."""
        if block not in self._by_block:
            raise InputError(
                f"block {block} is not in this table ({self.setting.runtime}, {len(self._by_block)} blocks); measure "
                f"it: edgenas profile --block {block}"
            )
        return [m.rounds_ms() for m in self._by_block[block]]

    def ms(self, block: BlockSpec, statistic: str = "min") -> float:
        """Milliseconds a run; 0 for a skip, which is nothing. InputError when the block was not measured."""
        if block.kind == "skip":
            return 0.0
        key = (block, statistic)
        if key not in self._cache:
            self._cache[key] = statistics.estimate(self.processes(block), statistic)
        return self._cache[key]

    def interval(self, block: BlockSpec, statistic: str = "min", confidence: float = 0.95) -> tuple[float, float]:
        """Milliseconds: see ``statistics.interval`` for which interval it is."""
        if block.kind == "skip":
            return 0.0, 0.0
        return statistics.interval(self.processes(block), statistic, confidence)

    def spread(self, block: BlockSpec) -> float:
        """How far apart fresh processes found the block, as a share: ``statistics.spread``."""
        return 0.0 if block.kind == "skip" else statistics.spread(self.processes(block))

    def total_ms(self, architecture: Architecture, statistic: str = "min") -> float:
        """Sum over the blocks of a network."""
        return sum(self.ms(block, statistic) for block in architecture.blocks)

    def missing(self, blocks: Iterable[BlockSpec]) -> tuple[BlockSpec, ...]:
        """Those of ``blocks`` that no process has measured, each once, in order; skips are never missing."""
        return tuple(dict.fromkeys(b for b in blocks if b.kind != "skip" and b not in self._by_block))

    def to_frame(self) -> pd.DataFrame:
        """A row a block: its text and fields, macs and params, statistics and interval in ms, counts."""
        import pandas as pd

        return pd.DataFrame([self._row(block) for block in self.blocks])

    def to_csv(self, path: Path) -> None:
        """Write ``to_frame`` as CSV."""
        self.to_frame().to_csv(path, index=False)

    def _row(self, block: BlockSpec) -> dict[str, Any]:
        processes = self.processes(block)
        low, high = self.interval(block)
        estimates = {f"{name}_ms": self.ms(block, name) for name in statistics.STATISTICS}
        return {
            "block": str(block),
            **block.as_dict(),
            "macs": block.macs,
            "params": block.params,
            **estimates,
            "min_low_ms": low,
            "min_high_ms": high,
            "spread": self.spread(block),
            "processes": len(processes),
            "rounds": sum(len(rounds) for rounds in processes),
            "samples": sum(len(samples) for rounds in processes for samples in rounds),
        }
