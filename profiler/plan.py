"""Measurement plans: conditions of a batch of models, the same for blocks and whole networks so that sums are valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.latency_tables.setting import Setting
from edgenas.profiler.export.quantize import MEASURED
from edgenas.profiler.runtimes.delegates import is_partial, is_software, requested
from edgenas.profiler.runtimes.output import SCHEDULERS, Description

_LIMITS = {
    "rounds": (1, 10_000),
    "samples": (1, 10_000),
    "min_sample_us": (0, 1_000_000),
    "max_round_ms": (1, 60_000),
    "warmup_runs": (1, 10_000),
    "warmup_ms": (0, 60_000),
    "warmup_limit_ms": (1, 600_000),
    "threads": (1, 256),
    "seed": (0, 2**31 - 1),
    "cold_kib": (0, 1 << 20),
    "limit_s": (1, 86_400),
}

#: fields of a plan that a setting has too: they must be equal before two times may be compared
HELD = ("threads", "cores", "scheduler", "precision", "cold_kib")


@dataclass(frozen=True, slots=True)
class Plan:
    """Conditions in which the runner measures a batch. With the defaults 50 blocks take about 4 s per process on a
    laptop.

    rounds            number of rounds; in each, every model is measured once, in a newly shuffled order
    samples           samples per model and round, consecutive: all but the first have a warm cache, as in a network
    cold_kib          KiB of weights that another model reads before every sample, which is then a single run: caches
                      are as in the middle of a network, so that sums of blocks predict networks; 0 for runs back to
                      back, and for runtimes that do not support it
    min_sample_us     shortest sample, us: a faster model is run several times per sample
    max_round_ms      longest turn of a model in a round, ms: a slower model gets fewer samples, at least one
    warmup_runs/_ms   shortest warm-up; it continues until two windows of 5 runs agree within 5 %, or to warmup_limit_ms
    cores             CPUs to pin to; () for none; None for the last ``threads`` of the fastest cluster that has so many
    scheduler         'fifo' keeps other programs off the core where the device permits it; else 'normal'
    seed              random seed of the inputs and of the order
    precision         precision of the models, 'fp32' or 'int8'; their writer must use the same (``export.quantize``)
    limit_s           seconds after which no model and no further round is started
    requested         delegate that computes (``runtimes.delegates``), such as 'gpu:fp32'; '' for the runtime's own
    partial           whether the CPU may compute the operators that the delegate does not take
    software          whether an adapter or emulator that computes on the CPU may be measured
    """

    rounds: int = 10
    samples: int = 8
    min_sample_us: int = 50
    max_round_ms: int = 100
    warmup_runs: int = 10
    warmup_ms: int = 20
    warmup_limit_ms: int = 500
    threads: int = 1
    cores: tuple[int, ...] | None = None
    scheduler: str = "fifo"
    seed: int = 0
    precision: str = "fp32"
    cold_kib: int = 8192
    limit_s: int = 300
    requested: str = ""
    partial: bool = False
    software: bool = False

    def __post_init__(self) -> None:
        for name, (least, most) in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise InputError(f"plan: {name} is {value!r}, not a whole number within {least} .. {most}")
        if self.scheduler not in SCHEDULERS:
            raise InputError(f"plan: scheduler {self.scheduler!r} is not one of {', '.join(SCHEDULERS)}")
        if self.precision not in MEASURED:
            raise InputError(f"plan: precision {self.precision!r} is not one of {among(self.precision, MEASURED)}")
        if self.cores and self.threads > len(self.cores):
            raise InputError(f"plan: {self.threads} threads do not fit on cores {list(self.cores)}; name as many cores")

    @classmethod
    def of(cls, setting: Setting, **changes: Any) -> Plan:
        """Return the plan that measures in ``setting`` again: its threads, cores, scheduler, precision and caches.

        Its delegate is requested again, on the same terms. ``changes`` are fields that a setting does not have, such as
        ``rounds``, or that are to differ. On the device of the setting, ``on`` gives the same setting. InputError for a
        setting that a plan cannot express, such as one of fp16 blocks.
        """
        held: dict[str, Any] = {name: getattr(setting, name) for name in HELD}
        held |= {"requested": requested(setting), "partial": is_partial(setting)}
        held |= {"software": is_software(setting.accelerator)}
        return cls(**{**held, **changes})

    def on(self, description: Description, clusters: Sequence[Sequence[int]] = ()) -> Plan:
        """Return this plan settled for a device: cores chosen, scheduler as permitted; InputError for cores or threads
        that the device does not have. ``clusters`` are groups of equal CPUs, slowest first: threads are never spread
        over two of them."""
        cpus = description.cpus
        if self.threads > len(cpus):
            raise InputError(
                f"plan: {counted(self.threads, 'thread')}, but the device has {len(cpus)} CPUs; lower threads"
            )
        groups = [allowed for group in clusters or [cpus] if (allowed := [cpu for cpu in cpus if cpu in group])]
        fitting = [group for group in groups if len(group) >= self.threads]
        if self.cores is None and not fitting:
            sizes = " + ".join(str(len(group)) for group in groups)
            raise InputError(
                f"plan: {self.threads} threads fit in no cluster of equal cores (it has {sizes}); lower threads, or "
                "name the cores to pin to"
            )
        cores = tuple(fitting[-1][-self.threads :]) if self.cores is None else self.cores
        absent = sorted(set(cores) - set(cpus))
        if absent:
            raise InputError(f"plan: the device has no CPU {absent[0]}; it allows {', '.join(map(str, cpus))}")
        scheduler = self.scheduler if self.scheduler in description.schedulers else "normal"
        cold_kib = self.cold_kib if description.cold else 0
        return replace(self, cores=tuple(sorted(cores)), scheduler=scheduler, cold_kib=cold_kib)

    def as_dict(self) -> dict[str, Any]:
        """Return every field by name, as plain JSON values."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "cores": None if self.cores is None else list(self.cores)}
