"""Estimates and intervals from raw samples. Times are milliseconds per run, as arrays by process and round.

The interval is for repetitions of the whole measurement: the true value that it covers is the median of the statistic
over many independent repetitions of the same campaign (with as many processes, or the same stopping rule). Samples of
one process share its memory layout, and samples of one round share the disturbances of the machine at that time; the
independent unit is therefore a process (replications: Law, Simulation Modeling and Analysis, section 9.4; for run
times: Kalibera and Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013). ``tools/bench/coverage.py`` prints how
often the interval covers the true value; the constants below were chosen with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from edgenas.base.errors import InputError
from edgenas.base.naming import among
from edgenas.latency_tables.samples import Rounds

Times = NDArray[np.float64]
Processes = Sequence[Sequence[Times]]  # process -> round -> samples


def _median(times: Times) -> float:  # np.median takes five times as long for so few samples
    ranked, count = np.sort(times), len(times)
    return float(ranked[(count - 1) // 2] + ranked[count // 2]) / 2


def _p90(times: Times) -> float:
    rank = -(-9 * len(times) // 10) - 1
    return float(np.partition(times, rank)[rank])


#: name of a statistic -> function of all samples
STATISTICS: dict[str, Callable[[Times], float]] = {
    "min": lambda t: float(t.min()),
    "median": _median,
    "p90": _p90,  # by nearest rank: the 90th of 100 samples in order
}
DEFAULT = "median"  #: statistic of measured tables without a validation, and of the stopping rule of campaigns
TARGET = 0.02  #: relative half-width of the interval at which a block is settled
LEAST_PROCESSES = 3  #: fewest processes of a settled block
_PRIOR_SD = 0.006  # prior sd between fresh processes: between those of quiet and of busy machines
_INFLATION = 1.1  # factor for stopping at the first narrow interval: Chow and Robbins, Ann. Math. Statist. 36 (1965)


def check_statistic(name: str) -> None:
    """Raise InputError unless ``name`` is one of STATISTICS."""
    if name not in STATISTICS:
        raise InputError(f"statistic {name!r} is not one of {among(name, STATISTICS)}")


def rounds_ms(samples_ns: Sequence[Sequence[int]], loops: int) -> list[Times]:
    """Return raw samples (ns), each of ``loops`` runs, as milliseconds per run: one array for each round."""
    return (samples_ns if isinstance(samples_ns, Rounds) else Rounds(samples_ns)).each_ms(loops)


def pooled(processes: Processes) -> Times:
    """Return every sample in one array, in order of measurement within each process."""
    return np.concatenate([samples for rounds in processes for samples in rounds])


def estimate(processes: Processes, statistic: str) -> float:
    """Return the statistic over all samples of all processes, ms."""
    check_statistic(statistic)
    return STATISTICS[statistic](pooled(processes))


def spread(processes: Processes) -> float:
    """Return the spread between fresh processes: largest over smallest minimum of a process, minus 1."""
    minima = [min(float(samples.min()) for samples in rounds) for rounds in processes]
    return max(minima) / min(minima) - 1.0


def interval(processes: Processes, statistic: str, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of the estimate, ms, for a repetition of the whole measurement: a moderated t interval of
    logarithms, symmetric about the estimate.

    The variance between processes has few degrees of freedom, so a prior counts as one more (Smyth, Stat. Appl. Genet.
    Mol. Biol. 3, 2004): _PRIOR_SD and the difference between the halves of a process. One process has only the prior,
    and gets a wide interval. The sd of the estimate follows from the sd between processes:

    median     by the grouped jackknife: the median without each process in turn (Shao and Tu, The Jackknife and
               Bootstrap, section 2.3)
    min        as the smallest of normal draws, one per process (David and Nagaraja, Order Statistics, section 3.1),
               with the sd of the fastest two thirds: a process that was disturbed throughout holds no information on
               the minimum
    p90        as min, mirrored: the slowest tenth of samples depends on the few processes that were disturbed
    """
    half = _log_half_width(processes, statistic, confidence)
    middle = estimate(processes, statistic)
    return middle * math.exp(-half), middle * math.exp(half)


def relative_half_width(processes: Processes, statistic: str, confidence: float = 0.95) -> float:
    """Return half the width of the interval as a share of the estimate."""
    return math.sinh(_log_half_width(processes, statistic, confidence))


def settled(processes: Processes, statistic: str, target: float = TARGET) -> bool:
    """Return whether the statistic needs no further measurement: at least LEAST_PROCESSES, and a 95 % interval within
    ``target`` of the estimate. The coverage of the intervals also holds where a campaign stops by this rule."""
    return len(processes) >= LEAST_PROCESSES and relative_half_width(processes, statistic) <= target


def _log_half_width(processes: Processes, statistic: str, confidence: float) -> float:
    """Return half the width of the interval of the estimate's logarithm: see ``interval``."""
    check_statistic(statistic)
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence} is not between 0 and 1")
    compute, count = STATISTICS[statistic], len(processes)
    whole = [np.concatenate(rounds) for rounds in processes]
    values = np.log([compute(times) for times in whole])
    halves = np.square([_half_difference(rounds, compute) for rounds in processes])
    fastest = np.lexsort((halves, np.round(values, 9)))  # of times that are equal but for rounding, the steadiest
    used = fastest[: max(3, math.ceil(2 * count / 3))] if statistic == "min" else np.arange(count)
    if statistic == "median" and count > 1:
        others = np.log([compute(np.concatenate(whole[:k] + whole[k + 1 :])) for k in range(count)])
        between = others.var() * count * (count - 1)  # of one process: the jackknife's variance of the estimate * count
    else:
        between = values[used].var(ddof=1) if count > 1 else 0.0
    # the mean of two halves has a quarter of their squared difference as variance; a minimum gains less by a second
    # half
    within = halves[used].mean() / (2 if statistic == "min" else 4)
    freedom = len(used)  # one less than the processes, plus one of the prior
    sd = math.sqrt((_PRIOR_SD**2 + within + (freedom - 1) * between) / freedom)
    of_estimate = count**-0.5 if statistic == "median" else _sd_of_smallest(count)
    return _INFLATION * _t_quantile(freedom, confidence) * sd * of_estimate


def _half_difference(rounds: Sequence[Times], compute: Callable[[Times], float]) -> float:
    """Return the logarithm of the ratio of the statistic over the two halves of a process; 0 for a single round."""
    middle = len(rounds) // 2
    if not middle:
        return 0.0
    return math.log(compute(np.concatenate(rounds[:middle])) / compute(np.concatenate(rounds[middle:])))


@lru_cache(maxsize=1024)
def _t_quantile(freedom: int, confidence: float) -> float:
    """Return the quantile of Student's t that encloses ``confidence`` on both sides."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


@lru_cache(maxsize=1024)
def _sd_of_smallest(count: int) -> float:
    """Return the standard deviation of the smallest of ``count`` standard normal draws."""
    from scipy.special import log_ndtr

    x = np.linspace(-10, 10, 4001)
    density = np.exp(-(x**2) / 2 + (count - 1) * log_ndtr(-x))
    density /= density.sum()
    mean = density @ x
    return float(np.sqrt(density @ (x - mean) ** 2))
