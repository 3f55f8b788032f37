"""A latency table from times of whole networks: a CSV or JSON file of networks and ms, or networks measured here."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes
from edgenas.base.rows import read_rows
from edgenas.base.version import installed_version
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.imported import ImportedTable, TableSource
from edgenas.latency_tables.prediction.choice import counts_of
from edgenas.latency_tables.prediction.ratio_kernel import Features, Floats
from edgenas.latency_tables.prediction.ratios import Observations
from edgenas.latency_tables.prediction.whole import (
    MORE_NOISE,
    cross_validated,
    fitted,
    fitted_ms,
    networks_to_measure,
    noise_of,
    work_ms,
)
from edgenas.latency_tables.published import PublishedValue
from edgenas.latency_tables.records import Piece
from edgenas.latency_tables.statistics.agreement import agreement
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.whole import LEAST, WholeNetwork, error_share, mean_error
from edgenas.search.network_rows import check_columns, choice_of
from edgenas.tables.transfer import prior_of

if TYPE_CHECKING:
    from edgenas.search.space import Space

FORMAT = "networks"
POOL = 400  #: networks that those to measure are chosen from


@dataclass(frozen=True, slots=True)
class TimedNetwork:
    """A network, given as its blocks without skips, its time in ms, and the spread and number of its runs where they
    are known."""

    blocks: Piece
    ms: float
    sd_ms: float | None = None
    count: int | None = None


@dataclass(frozen=True)
class FitResult:
    """A table that was fitted to networks. ``one_number`` is the mean error, as a share, that the prior times one
    number makes on networks left out in the same way; ``spearman`` the rank correlation of the fit on these."""

    table: ImportedTable
    one_number: float
    spearman: float

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        networks = self.table.networks
        return {
            "networks": len(networks),
            "blocks": len(self.table.values),
            "error": mean_error(networks),
            "error_share": error_share(networks),
            "spearman": self.spearman,
            "one_number_error": self.one_number,
        }


def read_networks(path: Path, space: Space) -> list[TimedNetwork]:
    """Return the networks of a CSV or JSON file: ``edgenas.search.network_rows``, and the columns ms, and n and sd
    where they are known. InputError names the line."""
    try:
        columns, rows = read_rows(read_bytes(path, "networks").decode("utf-8-sig"), "network", "ms")
        if "ms" not in columns:
            raise InputError(f"it has no column ms; its columns are {', '.join(columns[:20])}")
        check_columns(columns, space)
        found: list[TimedNetwork] = []
        seen: dict[str, str] = {}
        for row in rows:
            choice = choice_of(row, space, columns)
            key = space.key(choice)
            if key in seen:
                raise InputError(f"{row.place}: network {key} is given twice, first in {seen[key]}")
            seen[key] = row.place
            ms, sd, n = row.number("ms"), row.number("sd"), row.whole("n")
            if ms is None or not 0 < ms < 1e7:
                raise InputError(f"{row.place}: ms is {row.text('ms')[:40]!r}, not a latency above 0")
            if sd is not None and sd < 0:
                raise InputError(f"{row.place}: sd is {sd:g}, but a standard deviation is 0 or more")
            if n is not None and not 1 <= n <= 10**9:
                raise InputError(f"{row.place}: n is {n}, but a time comes from 1 or more runs")
            found.append(TimedNetwork(without_skips(space.architecture(choice).blocks), ms, sd, n))
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text in UTF-8 ({error.reason})") from error
    except InputError as error:
        raise InputError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error
    return found


def measured_networks(table: LatencyTable, networks: Sequence[Piece], statistic: str = DEFAULT) -> list[TimedNetwork]:
    """Return those of ``networks`` that a measured table holds, with their times."""
    found = []
    for network in networks:
        if network in table:
            low, high = table_interval(table, network, statistic)
            found.append(TimedNetwork(network, table.piece_ms(network, statistic), (high - low) / 3.92, None))
    return found


def table_interval(table: LatencyTable, piece: Piece, statistic: str) -> tuple[float, float]:
    """Return the 95 % interval of a piece's time, ms."""
    from edgenas.latency_tables.statistics.estimates import interval

    return interval(table.processes(piece), statistic)


def fit_table(
    networks: Sequence[TimedNetwork], space: Space, source: TableSource, old: Path | None = None
) -> FitResult:
    """Return the table of all blocks of ``space`` that predicts ``networks`` best. Its prior is the table ``old``, or
    what blocks compute. InputError where there are fewer than LEAST networks."""
    blocks = space.blocks()
    if len(networks) < LEAST:
        raise InputError(f"{len(networks)} networks: {LEAST} are the least that a table can be fitted to and tested on")
    prior_ms, words = _prior(blocks, old)
    features = Features.of(blocks, prior_ms)
    ms = np.array([network.ms for network in networks])
    sd = noise_of(ms, [network.sd_ms for network in networks], [network.count for network in networks])
    observed = Observations(counts_of([network.blocks for network in networks], blocks), ms, sd, MORE_NOISE)
    times = fitted(features, prior_ms, observed)
    left_out = cross_validated(lambda some: fitted_ms(features, prior_ms, some), observed)
    plain = cross_validated(lambda some: _one_number(prior_ms, some), observed)
    values = {
        block: PublishedValue(float(t), None, None, (float(low), float(high)))
        for block, t, low, high in zip(blocks, times.ms, times.low_ms, times.high_ms, strict=True)
    }
    kept = tuple(
        WholeNetwork(network.blocks, network.ms, network.sd_ms, network.count, float(predicted))
        for network, predicted in zip(networks, left_out, strict=True)
    )
    noted = TableSource(**{**source.as_dict(), "left_out": (), "notes": (words,)})
    table = ImportedTable(noted, values, installed_version(), "", kept)
    return FitResult(table, float(np.mean(np.abs(plain / ms - 1))), agreement(left_out, ms).spearman[0])


def source_of(path: Path, space: Space, device: str) -> TableSource:
    """Return the origin of a table that is fitted to the networks in ``path``."""
    name = path.name if path.name.isprintable() else "unnamed"
    digest = hashlib.sha256(read_bytes(path, "networks")).hexdigest()
    return TableSource(FORMAT, name, digest, device or "unknown", space.name, "user")


def chosen_networks(space: Space, count: int, old: Path | None = None) -> list[Piece]:
    """Return the ``count`` networks of a space whose times say most about all its networks, without their skips; fewer
    where the space has no more."""
    blocks = space.blocks()
    prior_ms, _ = _prior(blocks, old)
    rng = random.Random(0)
    drawn = [without_skips(space.architecture(space.sample(rng)).blocks) for _ in range(POOL)]
    pool = list(dict.fromkeys(drawn))
    features = Features.of(blocks, prior_ms)
    return [pool[i] for i in networks_to_measure(features, prior_ms, counts_of(pool, blocks), count)]


def without_skips(network: Piece) -> Piece:
    """Return the blocks of a network that compute something."""
    return tuple(block for block in network if block.kind != "skip")


def _prior(blocks: Sequence[BlockSpec], old: Path | None) -> tuple[Floats, str]:
    """Return the prior times of blocks, ms, and where they are from, in words."""
    if old is None:
        return work_ms(blocks), "the prior is what the blocks compute: MACs, bytes and calls"
    prior = prior_of(old, blocks)
    words = f"the prior is the table {prior.file} ({prior.device})"[:900]
    return np.array([prior.ms[block] for block in blocks]), words


def _one_number(prior_ms: Floats, some: Observations) -> Floats:
    """Return the prior times the number with which it predicts networks best."""
    return np.asarray(prior_ms * np.exp(np.mean(np.log(some.ms / (some.counts @ prior_ms)))), dtype=np.float64)
