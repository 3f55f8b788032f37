"""Parser of the line of statistics that TensorFlow's tools print: ``count=50 first=.. curr=.. min=.. max=.. avg=..``.

Format: ``Stat::OutputToStream`` in tensorflow/core/util/stats_calculator.h (later tensorflow/compiler/xla/tsl/util), up
to the version that adds p5, median and p95. Averages have six significant digits, the rest are whole microseconds. The
numbers are redundant: a line whose numbers no series can have is refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import NamedTuple

_N = r"(0|[1-9][0-9]{0,11})"
FLOAT = r"([0-9](?:[0-9.]{0,11})(?:e[+-][0-9]{2})?)"
_SAME = re.compile(rf"count={_N} curr={_N}(\(all same\))?")
_FULL = re.compile(
    rf"count={_N} first={_N} curr={_N} min={_N} max={_N} avg={FLOAT} std={_N}(?: p5={_N} median={_N} p95={_N})?"
)


_STRAY_S = 0.25  # seconds of a series outside of its counted times: copying of inputs, and other load of the machine
_STRAY_RUN_S = 0.001  # additional seconds for each run


class SeriesLimit(NamedTuple):
    """Limits of a series: it ends after ``runs`` runs and ``least_s`` seconds, at the latest after ``most_s``
    seconds."""

    runs: int
    least_s: float
    most_s: float | None


@dataclass(frozen=True, slots=True)
class Stat:
    """A series of times in microseconds: count, first, last, minimum, maximum, mean as printed (``avg_text``), standard
    deviation of the population (truncated to a whole number), and (p5, median, p95) where printed."""

    count: int
    first_us: int
    last_us: int
    min_us: int
    max_us: int
    avg_text: str
    std_us: int
    percentiles_us: tuple[int, int, int] | None = None

    @property
    def avg_us(self) -> float:
        """Mean time, us, to six significant digits."""
        return float(self.avg_text)


def parse_stat(line: str) -> Stat:
    """Parse the line of a series; ValueError names its fault."""
    same = _SAME.fullmatch(line)
    if same is not None:
        count, value = int(same[1]), int(same[2])
        if count < 1 or (count > 1) != (same[3] is not None):
            raise ValueError(f"{line!r:.120} is not a series")
        return Stat(count, value, value, value, value, f"{value:g}", 0)
    full = _FULL.fullmatch(line)
    if full is None:
        raise ValueError(
            "nothing was run" if line == "count=0" else f"{line!r:.120} is not a series as the tool prints it"
        )
    count, first, last, least, most = (int(text) for text in full.groups()[:5])
    parse_float(full[6])
    percentiles = (int(full[8]), int(full[9]), int(full[10])) if full[8] is not None else None
    stat = Stat(count, first, last, least, most, full[6], int(full[7]), percentiles)
    if not _possible(stat):
        raise ValueError(f"{line!r:.160}: no series of times has these numbers")
    return stat


def parse_float(text: str) -> float:
    """Parse a number as C++ prints it, with six significant digits; ValueError for any other spelling."""
    value = float(text)
    if not math.isfinite(value) or f"{value:g}" != text:
        raise ValueError(f"{text!r:.40} is not a number as the tool prints it")
    return value


def is_cut(stat: Stat, bound: SeriesLimit) -> bool:
    """Return whether the time limit ended the series; ValueError where neither the limit nor the number of runs
    explains its count.

    The tool continues until both the number of runs and the minimum time are reached, and stops once the limit has
    passed, by a clock that also counts the time between runs.
    """
    runs, least_s, most_s = bound
    total_s = stat.count * stat.avg_us / 1e6
    before_last_s = total_s * (1 - 1e-5) - stat.last_us / 1e6
    if before_last_s > (least_s if stat.count > runs else most_s or before_last_s):
        raise ValueError(f"{stat.count} runs of {stat.avg_us:g} us are more than {runs} and the time allowed explain")
    if stat.count < runs and (most_s is None or total_s + _STRAY_S + stat.count * _STRAY_RUN_S < most_s):
        raise ValueError(f"{stat.count} runs of {stat.avg_us:g} us are fewer than {runs}, with no limit reached")
    return stat.count < runs


def _possible(stat: Stat) -> bool:
    """Return whether a series can have these numbers: their order, and the bounds of the variance given the mean and
    some values, from above by Bhatia and Davis (2000), from below by placing all unknown values at one point."""
    n, mean, low, high = stat.count, stat.avg_us, stat.min_us, stat.max_us
    slack = 10.0 ** (math.floor(math.log10(mean)) - 5) if mean > 0 else 0.0  # half a unit of the sixth digit, and more
    inside = low <= min(stat.first_us, stat.last_us) and max(stat.first_us, stat.last_us) <= high
    if n < 2 or low >= high or not inside or not low - slack <= mean <= high + slack:
        return False
    known = [low, high]
    known += [value for value in (stat.first_us, stat.last_us) if value not in (low, high)]
    rest = n - len(known)
    if rest < 0:
        return False
    deviations = [value - mean for value in known]
    squares = sum(x * x for x in deviations) + (sum(deviations) ** 2 / rest if rest else 0.0)
    blur = slack * math.sqrt(len(known) / rest) if rest else slack
    least = math.sqrt(squares / n) - blur
    if not rest and abs(sum(deviations)) > n * slack:
        return False
    most = math.sqrt(max(0.0, (mean - low + slack) * (high - mean + slack)))
    if not least - 1.01 <= stat.std_us <= most + 0.01:
        return False
    if stat.percentiles_us is not None:
        p5, median, p95 = stat.percentiles_us
        # the tool's median may be one rank from the middle, which is negligible in a long series
        return low <= p5 <= median <= p95 <= high and abs(mean - median) <= (stat.std_us + 1) * math.sqrt(n) + slack
    return True
