"""One number, and how sure it is, from raw samples. Times are milliseconds a run, as arrays by process and round.

Samples of one round follow each other within milliseconds and share whatever disturbs the machine then, so a round, not
a sample, is what counts as independent below.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from blocks.errors import InputError

Times = NDArray[np.float64]
Processes = Sequence[Sequence[Times]]  # process -> round -> samples

#: name -> what it computes from all samples. ``min`` is the default: disturbances only ever add time, and sums of
#: minima of interleaved rounds predict whole networks best.
STATISTICS: dict[str, Callable[[Times], float]] = {
    "min": lambda t: float(t.min()),
    "median": lambda t: float(np.median(t)),
    "p90": lambda t: float(np.percentile(t, 90, method="inverted_cdf")),  # the 90th of 100 samples in order
}
_RESAMPLES = 400
_QUANTILE = {"min": 0.0, "p90": 0.9}


def check_statistic(name: str) -> None:
    """InputError unless ``name`` is one of STATISTICS."""
    if name not in STATISTICS:
        raise InputError(f"statistic {name!r} is not one of {', '.join(STATISTICS)}")


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
    """A nonparametric interval for the statistic.

    median     order statistics of the medians of rounds (binomial; exact if rounds were independent draws); with
               too few rounds for ``confidence`` it is their whole range, see ``median_ranks``
    min, p90   percentile bootstrap, resampling processes and then rounds within each (seeded: equal samples give
               equal intervals). The lower end for ``min`` is the smallest sample itself: resampling cannot tell how
               much faster the block could ever be, only how much slower a repetition may come out.
    """
    check_statistic(statistic)
    if not 0 < confidence < 1:
        raise InputError(f"confidence {confidence} is not between 0 and 1")
    if statistic == "median":
        medians = np.sort([float(np.median(samples)) for rounds in processes for samples in rounds])
        low, high = median_ranks(len(medians), confidence)
        return float(medians[low]), float(medians[high])
    tail = 50 * (1 - confidence)
    low_ms, high_ms = np.percentile(_resampled(processes, _QUANTILE[statistic]), [tail, 100 - tail])
    return float(low_ms), float(high_ms)


def median_ranks(count: int, confidence: float) -> tuple[int, int]:
    """Positions from 0 of the two order statistics of ``count`` draws that enclose the median with at least
    ``confidence`` (Conover, Practical Nonparametric Statistics, section 3.2); the first and the last where none do."""
    tail, low = 0.0, -1
    for k in range(count // 2):
        tail += math.comb(count, k) / 2.0**count
        if 2 * tail > 1 - confidence:
            break
        low = k
    low = max(low, 0)
    return low, count - 1 - low


def _resampled(processes: Processes, quantile: float) -> Times:
    """The quantile in each of _RESAMPLES repetitions of the whole measurement: as many processes drawn from those
    there are, then as many rounds drawn within each. A repetition is a weight a sample, how often its round was drawn.
    """
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(processes), np.full(len(processes), 1 / len(processes)), _RESAMPLES)
    weights = []  # a column a sample: (_RESAMPLES, samples)
    for i, rounds in enumerate(processes):
        times = rng.multinomial(drawn[:, i] * len(rounds), np.full(len(rounds), 1 / len(rounds)))
        weights.append(np.repeat(times, [len(samples) for samples in rounds], axis=1))
    values = pooled(processes)
    order = np.argsort(values)
    below = np.cumsum(np.concatenate(weights, axis=1)[:, order], axis=1)
    reached = below >= np.maximum(quantile * below[:, -1:], 1)
    return np.asarray(values[order][np.argmax(reached, axis=1)], dtype=np.float64)
