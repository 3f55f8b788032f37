"""Validation of a table: networks drawn from a space are timed whole on the device, in turn with their blocks."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.blocks.spec import BlockSpec
from edgenas.devices.inventory import Entry
from edgenas.latency_tables.records import HeldOut, Piece
from edgenas.latency_tables.store.journal import Journal, read_journal
from edgenas.latency_tables.table import LatencyTable
from edgenas.latency_tables.validation import LEAST, Validation, complete, validation
from edgenas.profiler.plan import Plan
from edgenas.profiler.workers import conditions, open_worker, runtime_named

if TYPE_CHECKING:
    from edgenas.search.space import Choice, Space

DRAWN = 1000  #: networks that the held-out ones are chosen from
PROCESSES = 4  #: fresh ones that time every network


@dataclass(frozen=True, slots=True)
class ValidationRequest:
    """Request of a validation: ``networks`` of ``space``, drawn with ``seed``, with or without ``chains``."""

    space: Space
    networks: int = 24
    processes: int = PROCESSES
    chains: bool = True
    seed: int = 0
    rounds: int = 10

    def __post_init__(self) -> None:
        if not LEAST <= self.networks <= 1000:
            raise InputError(f"{self.networks} networks: between {LEAST}, which prove something, and 1,000")
        if not 1 <= self.processes <= 100:
            raise InputError(f"{self.processes} processes: between 1 and 100")


def validate(
    entry: Entry,
    path: Path,
    request: ValidationRequest,
    *,
    force: bool = False,
    listener: Listener = SILENT,
) -> Validation:
    """Time held-out networks on the device and in the setting of the table at ``path``, and append the measurements.

    A validation that was stopped continues. InputError where the setting differs.
    """
    from edgenas.profiler.additivity import NetworksGoal
    from edgenas.profiler.campaign import pursue
    from edgenas.profiler.export.quantize import table_writer

    journal = read_journal(path)
    setting = journal.table.setting
    runtime = runtime_named(setting.runtime)
    held_out = _unfinished(journal, request.space.name)
    if held_out is None:
        held_out = hold_out(journal.table, request)
    else:
        listener.message(
            f"{path}: goes on with the validation of {held_out.created}, {len(held_out.networks)} networks in "
            f"{held_out.target} processes, that was stopped"
        )
    plan = Plan.of(setting, rounds=request.rounds)
    campaign = pursue(
        [open_worker(entry, runtime.name, plan.requested)],
        runtime,
        NetworksGoal(held_out, request.chains),
        path,
        writer=table_writer(runtime.format, plan.precision),
        plan=plan,
        conditions=conditions([entry], force, listener),
    )
    for failure in campaign.failures:
        listener.message(f"failed in process {failure.process} ({failure.stage}): {failure.message}")
    return validation(campaign.table, held_out)


def hold_out(table: LatencyTable, request: ValidationRequest) -> HeldOut:
    """Draw held-out networks, spread over the table's latencies, or over MACs where the table lacks blocks."""
    space = request.space.without(table.left_to_cpu)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    lacks = bool(table.missing(space.blocks()))
    drawn = stratified(
        space, lambda block: float(block.macs) if lacks else table.ms(block), request.networks, request.seed
    )
    networks = tuple(space.architecture(choice).blocks for choice in drawn)
    return HeldOut(f"v{created}", space.name, created, request.processes, networks)


def stratified(space: Space, ms: Callable[[BlockSpec], float], count: int, seed: int) -> list[Choice]:
    """Return ``count`` different networks, spread evenly over the logarithm of latency.

    They reach from the fastest network of the space to the slowest. Each stratum gets a random one of DRAWN networks,
    or else the nearest one left. There are fewer where the space has fewer networks.
    """
    rng = random.Random(seed)
    drawn: dict[Piece, tuple[Choice, float]] = {}
    for choice in dict.fromkeys(_draws(space, ms, rng)):
        blocks = space.architecture(choice).blocks
        drawn.setdefault(blocks, (choice, math.log(sum(ms(b) for b in blocks if b.kind != "skip"))))
    left = sorted(drawn.values(), key=lambda known: known[1])
    low, high = left[0][1], left[-1][1]
    found = []
    for i in range(min(count, len(left))):
        begin, end = (low + (high - low) * k / count for k in (i, i + 1))
        inside = [known for known in left if begin <= known[1] <= end]
        known = rng.choice(inside) if inside else min(left, key=lambda k: abs(k[1] - (begin + end) / 2))
        left.remove(known)
        found.append(known[0])
    return found


def _draws(space: Space, ms: Callable[[BlockSpec], float], rng: random.Random) -> Iterator[Choice]:
    """Return the fastest network, the slowest, and random ones, each crossed with one of those two at a random rate.

    Networks drawn with equal probability lie close together in latency, but searches look at the ends of the range.
    """
    from edgenas.search.graph import best_rest, layered_graph
    from edgenas.search.problem import Cost

    graph = layered_graph(space, Cost("ms", lambda block: 0.0 if block.kind == "skip" else ms(block)))
    costs = [layer.cost for layer in graph.layers]
    ends = [best_rest(graph, costs, largest).complete(graph, 0, 0) for largest in (False, True)]
    yield from ends
    for _ in range(DRAWN):
        end, rate = rng.choice(ends), rng.random()
        yield space.repaired([e if rng.random() < rate else own for e, own in zip(end, space.sample(rng), strict=True)])


def _unfinished(journal: Journal, space: str) -> HeldOut | None:
    """Return the last validation on this space if it was stopped; None otherwise."""
    last = journal.validations[-1] if journal.validations else None
    return last if last is not None and last.space == space and not complete(journal.table, last) else None
