"""One number, and how sure it is, from raw samples. Times are milliseconds a run, as arrays by process and round.

The interval is for what a repetition of the whole measurement gives: the truth it shall cover is the median of the
statistic over many independent repetitions of the same campaign (as many processes, or the same rule when to stop).
Samples of one process share its memory layout, and those of one round whatever disturbs the machine then; so what
counts as independent is a process (replications: Law, Simulation Modeling and Analysis, section 9.4; for run times:
Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013). ``tools/bench/coverage.py`` prints how often
the truth is covered, and chose the constants below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.naming import among

Times = NDArray[np.float64]
Processes = Sequence[Sequence[Times]]  # process -> round -> samples


def _median(times: Times) -> float:  # np.median takes five times as long for so few
    ranked, count = np.sort(times), len(times)
    return float(ranked[(count - 1) // 2] + ranked[count // 2]) / 2


def _p90(times: Times) -> float:
    rank = -(-9 * len(times) // 10) - 1
    return float(np.partition(times, rank)[rank])


#: name -> what it computes from all samples
STATISTICS: dict[str, Callable[[Times], float]] = {
    "min": lambda t: float(t.min()),
    "median": _median,
    "p90": _p90,  # the 90th of 100 samples in order
}
DEFAULT = "median"  #: of measured tables, where no validation has chosen one: what campaigns are measured until
TARGET = 0.02  #: relative half-width at which a block is settled
LEAST_PROCESSES = 3  #: that a settled block was measured in
_PRIOR_SD = 0.006  # between fresh processes, before any is seen: between the quiet and the busy machines measured
_INFLATION = 1.1  # for stopping at the first narrow interval: Chow and Robbins, Ann. Math. Statist. 36 (1965)


def check_statistic(name: str) -> None:
    """InputError unless ``name`` is one of STATISTICS."""
    if name not in STATISTICS:
        raise InputError(f"statistic {name!r} is not one of {among(name, STATISTICS)}")


def rounds_ms(samples_ns: Sequence[Sequence[int]], loops: int) -> list[Times]:
    """Raw samples, each of ``loops`` runs, as milliseconds a run: an array for each round."""
    return [np.array(samples, dtype=np.float64) / (loops * 1e6) for samples in samples_ns]


def pooled(processes: Processes) -> Times:
    """Every sample, in order of measurement within each process."""
    return np.concatenate([samples for rounds in processes for samples in rounds])


def estimate(processes: Processes, statistic: str) -> float:
    """The statistic over all samples of all processes."""
    check_statistic(statistic)
    return STATISTICS[statistic](pooled(processes))


def spread(processes: Processes) -> float:
    """How far apart fresh processes find the block: largest over smallest minimum of a process, less 1."""
    minima = [min(float(samples.min()) for samples in rounds) for rounds in processes]
    return max(minima) / min(minima) - 1.0


def interval(processes: Processes, statistic: str, confidence: float = 0.95) -> tuple[float, float]:
    """The estimate, less and more as much as a repetition of the whole measurement may differ: a moderated t interval
    of logarithms, symmetric about the estimate.

    The variance between processes has few degrees of freedom, so a prior is worth one more (Smyth, Stat. Appl. Genet.
    Mol. Biol. 3, 2004): _PRIOR_SD, and how far the halves of a process differ. One process has nothing but the prior
    and gets a wide interval. From the sd between processes follows that of the estimate:

    median     by the grouped jackknife: the median less each process in turn (Shao and Tu, The Jackknife and Bootstrap,
               section 2.3)
    min        as the smallest of normal draws, one a process (David and Nagaraja, Order Statistics, section 3.1), of
               the sd of the fastest two thirds: a process that was disturbed throughout says nothing of the minimum
    p90        as min, mirrored: how slow the slowest tenth is depends on the few processes that were disturbed
    """
    half = _log_half_width(processes, statistic, confidence)
    middle = estimate(processes, statistic)
    return middle * math.exp(-half), middle * math.exp(half)


def relative_half_width(processes: Processes, statistic: str, confidence: float = 0.95) -> float:
    """Half the interval as a share of the estimate."""
    return math.sinh(_log_half_width(processes, statistic, confidence))


def settled(processes: Processes, statistic: str, target: float = TARGET) -> bool:
    """Whether the statistic is known well enough to measure no further: LEAST_PROCESSES, and a 95 % interval within
    ``target`` of the estimate. Intervals cover as they say also where a campaign asks after each fresh process."""
    return len(processes) >= LEAST_PROCESSES and relative_half_width(processes, statistic) <= target


def _log_half_width(processes: Processes, statistic: str, confidence: float) -> float:
    check_statistic(statistic)
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence} is not between 0 and 1")
    compute, count = STATISTICS[statistic], len(processes)
    whole = [np.concatenate(rounds) for rounds in processes]
    values = np.log([compute(times) for times in whole])
    kept = np.argsort(values)[: max(3, math.ceil(2 * count / 3))] if statistic == "min" else np.arange(count)
    if statistic == "median" and count > 1:
        others = np.log([compute(np.concatenate(whole[:k] + whole[k + 1 :])) for k in range(count)])
        between = others.var() * count * (count - 1)  # of one process: the jackknife's variance of the estimate * count
    else:
        between = values[kept].var(ddof=1) if count > 1 else 0.0
    # a quarter is what a mean of two halves varies; a minimum gains less by the other half
    within = np.mean([_half_apart(processes[k], compute) ** 2 for k in kept]) / (2 if statistic == "min" else 4)
    freedom = len(kept)  # one less, and the one of the prior
    sd = math.sqrt((_PRIOR_SD**2 + within + (freedom - 1) * between) / freedom)
    of_estimate = count**-0.5 if statistic == "median" else _sd_of_smallest(count)
    return _INFLATION * _t_quantile(freedom, confidence) * sd * of_estimate


def _half_apart(rounds: Sequence[Times], compute: Callable[[Times], float]) -> float:
    """How far the two halves of a process differ, as a logarithm."""
    middle = len(rounds) // 2
    if not middle:
        return 0.0
    return math.log(compute(np.concatenate(rounds[:middle])) / compute(np.concatenate(rounds[middle:])))


@lru_cache(maxsize=1024)
def _t_quantile(freedom: int, confidence: float) -> float:
    """Student's t that encloses ``confidence``."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


@lru_cache(maxsize=1024)
def _sd_of_smallest(count: int) -> float:
    """Standard deviation of the smallest of ``count`` standard normal draws."""
    from scipy.special import log_ndtr

    x = np.linspace(-10, 10, 4001)
    density = np.exp(-(x**2) / 2 + (count - 1) * log_ndtr(-x))
    density /= density.sum()
    mean = density @ x
    return float(np.sqrt(density @ (x - mean) ** 2))
