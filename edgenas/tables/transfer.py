"""Transfer of a table to another device: the choice of the blocks to measure there, and the report on the result."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenas.base.errors import InputError
from edgenas.base.reading import read_bytes
from edgenas.base.version import installed_version
from edgenas.blocks.spec import BlockSpec
from edgenas.latency_tables.estimated import EstimatedTable
from edgenas.latency_tables.imported import STATISTIC, ImportedTable
from edgenas.latency_tables.prediction.choice import NetworkVariance, chosen, counts_of, needed
from edgenas.latency_tables.prediction.ratio_kernel import Features
from edgenas.latency_tables.prediction.transfer import TransferredTable, transferred
from edgenas.latency_tables.records import Piece, Prior
from edgenas.latency_tables.statistics.estimates import DEFAULT
from edgenas.latency_tables.store.journal import TableWriter, read_table
from edgenas.latency_tables.store.open import open_table
from edgenas.latency_tables.validation import Validation, latest

if TYPE_CHECKING:
    from edgenas.search.space import Space

NETWORKS = 200  #: networks of the space that the choice of blocks and the report are about
ENOUGH = 0.05  #: mean half-width of the 90 % intervals of networks, as a share, up to which no more blocks are needed


@dataclass(frozen=True, slots=True)
class TransferReport:
    """Result of a transfer.

    measured, predicted  numbers of blocks
    ratio                geometric mean of the new times over the old ones, of the measured blocks
    left_out             median absolute error of a measured block that is predicted from the others, as a share
    half_width           mean half-width of the 90 % intervals of NETWORKS networks of the space, as a share
    inside               share of the networks of the last validation inside their 90 % intervals, calibrated, and ...
    error                ... their mean absolute error, as a share; both None without a validation
    needs                number of blocks at which ``half_width`` should be ENOUGH; None where it is already, or where
                         no number of blocks gets there
    """

    measured: int
    predicted: int
    ratio: float
    left_out: float
    half_width: float
    inside: float | None
    error: float | None
    needs: int | None

    @property
    def enough(self) -> bool:
        """Return whether the intervals of networks are as narrow as ENOUGH."""
        return self.half_width <= ENOUGH

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {**asdict(self), "enough": self.enough}


def prior_of(path: Path, blocks: Sequence[BlockSpec]) -> Prior:
    """Return the times of a table's file, measured or imported; InputError where it lacks one of ``blocks``, or where
    one has no time above 0."""
    table = open_table(path)
    if isinstance(table, ImportedTable):
        statistic, device = STATISTIC, table.source.device
    else:
        found = latest(table)
        statistic = DEFAULT if found is None else found.statistic
        facts = dict(table.setting.device)
        named = facts.get("model") or facts.get("cpu") or "unknown device"
        threads = f"{table.setting.threads} thread{'s' if table.setting.threads > 1 else ''}"
        device = f"{named}, {table.setting.runtime} {table.setting.precision}, {threads}"
    if missing := table.missing(blocks):
        raise InputError(
            f"{path}: the old table lacks {len(missing)} of {len(blocks)} blocks, such as {missing[0]}; a transfer "
            "takes a table of all blocks of the space"
        )
    ms = {block: table.ms(block, statistic) for block in blocks}
    for block, time in ms.items():
        if time <= 0:
            raise InputError(f"{path}: {block} takes {time:g} ms, but a ratio needs a time above 0")
    name = path.name if path.name.isprintable() else "unnamed"
    return Prior(name, hashlib.sha256(read_bytes(path, "table")).hexdigest(), device, ms)


def drawn(space: Space, count: int = NETWORKS) -> list[Piece]:
    """Return ``count`` networks of a space, the same ones each time."""
    rng = random.Random(0)
    return [space.architecture(space.sample(rng)).blocks for _ in range(count)]


def blocks_to_measure(space: Space, prior: Prior, count: int) -> list[BlockSpec]:
    """Return the ``count`` blocks that say most about the networks of a space, at least one of each kind; InputError
    where ``count`` is smaller than the number of kinds."""
    blocks = list(prior.ms)
    kinds = list(dict.fromkeys(block.kind for block in blocks))
    if not len(kinds) <= count:
        raise InputError(
            f"--blocks {count} is less than one block of each kind ({', '.join(kinds)}): give {len(kinds)} or more"
        )
    design, features = _design(space, prior)
    return [blocks[number] for number in chosen(design, features.kinds, count)]


def keep_prior(path: Path, prior: Prior) -> None:
    """Append the prior to the table at ``path``, unless it is the one that counts there already."""
    table = read_table(path)
    known = table.prior
    if known is None or (known.sha256, dict(known.ms)) != (prior.sha256, dict(prior.ms)):
        with TableWriter(path, table.setting, installed_version()) as writer:
            writer.append([prior])


def report(path: Path, space: Space) -> TransferReport:
    """Return the report on the table at ``path``, which has a prior."""
    table = read_table(path)
    assert table.prior is not None
    found = latest(table, space=space.name)
    statistic = DEFAULT if found is None else found.statistic
    learned = transferred(EstimatedTable(table, "alone" if found is None else found.way), table.prior, statistic)
    middle, _, high = learned.networks(drawn(space))
    half_width = float(np.mean(high / middle - 1))
    logs = [np.log(learned.ms(block) / table.prior.ms[block]) for block in learned.measured]
    inside, error = (None, None) if found is None else _validated(learned, found)
    return TransferReport(
        len(learned.measured),
        len(learned.blocks) - len(learned.measured),
        float(np.exp(np.mean(logs))),
        float(np.median(np.abs(np.expm1(learned.ratios.left_out())))),
        half_width,
        inside,
        error,
        None if half_width <= ENOUGH else _needed(space, table.prior, learned, half_width),
    )


def _design(space: Space, prior: Prior) -> tuple[NetworkVariance, Features]:
    ms = np.array(list(prior.ms.values()))
    features = Features.of(list(prior.ms), ms)
    return NetworkVariance(features, counts_of(drawn(space), list(prior.ms)), ms), features


def _needed(space: Space, prior: Prior, learned: TransferredTable, half_width: float) -> int | None:
    """Return the number of blocks at which the half-width should be ENOUGH: it shrinks with more blocks as it does
    before anything is measured, from the present one on."""
    design, features = _design(space, prior)
    index = {block: number for number, block in enumerate(prior.ms)}
    for block in learned.measured:
        design.measure(index[block])
    return needed(design, features.kinds, design.half_width * ENOUGH / half_width, len(prior.ms))


def _validated(learned: TransferredTable, found: Validation) -> tuple[float | None, float | None]:
    """Return the share of validated networks inside their 90 % intervals, and their mean absolute error as a share. The
    intervals are those of sums, times the calibration of the sum."""
    sums = found.chosen
    if sums.table_ms is None or sums.table is None:
        return None, None
    _, low, high = learned.networks(found.networks)
    inside = np.abs(np.log(found.measured_ms / sums.table_ms)) <= np.log(high / low) / 2
    return float(np.mean(inside)), sums.table.mape
