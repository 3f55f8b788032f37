"""The member of a space whose weights others published, and trainings of members that begin from its weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.runs.layout import TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.pretrained.placing import Pretrained
    from edgenas.blocks.weights import Array
    from edgenas.search.problem import Trial
    from edgenas.search.record import SearchRecord
    from edgenas.search.space import Choice, Space
    from edgenas.ship.order import ShipRequest
    from edgenas.training.data import ImageData, TrainRecipe
    from edgenas.training.fine_tuning import Start
    from edgenas.training.network import Trained


@dataclass(frozen=True, eq=False)
class PublishedMember:
    """Published weights in the blocks of the member ``choice`` of a space; the head has the classes of the weights."""

    pretrained: Pretrained
    choice: Choice

    @property
    def name(self) -> str:
        """Name of the weights, 'LAYOUT/MODEL'."""
        return self.pretrained.provenance.name

    def start(self, architecture: Architecture) -> Start:
        """Return the weights that a training of a member begins with: the published ones, or cut out of them."""
        from edgenas.blocks.pretrained.slicing import sliced_network, teacher_of
        from edgenas.training.fine_tuning import Start

        known = self.pretrained
        whole = known.architecture.blocks
        elastic = bool(known.turns)
        tensors = sliced_network(whole, known.tensors, architecture.blocks, ordered=elastic, turns=known.turns)
        exact = not elastic and whole[:-1] == architecture.blocks[:-1]
        digest = known.provenance.sha256[:16]
        teacher = None
        if not exact and not elastic:
            teacher = teacher_of(known.architecture, architecture), Start(_body(known.tensors), known.epsilon, digest)
        return Start(_body(tensors), known.epsilon, digest, exact, teacher)

    def train(
        self,
        architecture: Architecture,
        data: ImageData,
        recipe: TrainRecipe,
        seed: int,
        listener: Listener = SILENT,
        *,
        device: str = "cpu",
        folder: Path,
    ) -> tuple[Trained, str]:
        """Return the network trained from the published weights, and the recipe that the validation images chose; an
        interrupted training continues from its checkpoints in ``folder``."""
        from edgenas.training.fine_tuning import fine_tuning_identity, trained_from

        start = self.start(architecture)
        text = fine_tuning_identity(architecture, data, recipe, seed, start)
        which = hashlib.sha256(text.encode()).hexdigest()[:8]
        checkpoint = folder / f"winner-{which}.checkpoint.npz"
        return trained_from(start, architecture, data, recipe, seed, listener, device=device, checkpoint=checkpoint)


def _body(tensors: Sequence[Mapping[str, Array]]) -> tuple[dict[str, Array], ...]:
    """Return the tensors without those of the classifier."""
    return tuple({n: a for n, a in block.items() if not n.startswith("classifier.")} for block in tensors)


def with_published(
    record: SearchRecord, order: ShipRequest, folder: Path, seed: int, workers: int, listener: Listener = SILENT
) -> tuple[SearchRecord, tuple[Trial, ...]]:
    """Return the record with the published network judged as the others, and its trial; nothing is added where the
    order has no published weights, or where the network is outside every budget."""
    from edgenas.search.accuracy.by_name import open_accuracy
    from edgenas.search.digests import network_digest
    from edgenas.search.journal import TrialCache
    from edgenas.search.problem import Candidate, Trial

    if order.published is None:
        return record, ()
    space, choice = order.space, order.published.choice
    found = Candidate(choice, space.architecture(choice))
    cost = record.runs[0].problem.cost.total(found.architecture)
    budget = max(run.budget for run in record.runs)
    if cost > budget:
        listener.message(f"{order.published.name} itself is outside the budget: {cost:.4g} of {budget:g} ms predicted")
        return record, ()
    digest, quiet = network_digest(found.architecture), listener.quiet()
    with (
        open_accuracy(order.judge, space, seed, workers, listener=quiet, images=order.images) as judge,
        TrialCache(space, judge, folder / TRIALS) as cache,
    ):
        new = digest not in cache
        if new:
            cache.judge([found])
        trial = Trial(choice, cache[digest], cost, new)
    return record.with_trial(trial), (trial,)


def published_member(space: Space, text: str, name: str | None) -> PublishedMember:
    """Return the member of ``space`` whose weights ``text`` names (a file, or 'package:NAME').

    InputError where the space has no published member, or none with these weights.
    """
    from edgenas.blocks.pretrained.placing import read_pretrained
    from edgenas.search.spaces.published_members import published_members

    members = published_members(space)
    if name is not None:
        members = {known: choice for known, choice in members.items() if known == name}
    if not members:
        raise InputError(
            f"space {space.name} has no member with {name or 'published weights'}; docs/pretrained.md lists them, and "
            "edgenas spaces NAME those of a space"
        )
    problem: InputError | None = None
    for known, choice in members.items():
        try:
            found = read_pretrained(text, space.architecture(choice), known, own_classes=True)
        except InputError as error:
            problem = problem or error
            continue
        return PublishedMember(found, choice)
    assert problem is not None
    raise problem
