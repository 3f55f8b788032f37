"""The member of a space whose weights others published, and trainings of members that begin from its weights."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.pretrained.own import OwnWeights
    from edgenas.blocks.pretrained.placing import Pretrained
    from edgenas.blocks.weights import Array
    from edgenas.search.space import Choice, Space
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

    @property
    def identity(self) -> str:
        """Text that identifies the weights: their name, and the first digits of the sha256 of their file."""
        return f"{self.name}:{self.pretrained.provenance.sha256[:16]}"

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


def begun_from(text: str | None, name: str | None, space: Space, judge: str) -> PublishedMember | None:
    """Return the member of ``space`` whose published weights a search begins from; None without a ``text``.

    InputError where the ``judge`` is no supernet, which alone begins from them.
    """
    if text is None and name is not None:
        raise InputError(f"--pretrained-as {name} says which weights the file of --pretrained holds; add --pretrained")
    if text is None:
        return None
    if judge != "supernet":
        raise InputError(
            f"--pretrained is for --accuracy supernet, which begins from these weights, not for {judge or 'this judge'}"
        )
    return published_member(space, text, name)


def published_member(space: Space, text: str, name: str | None) -> PublishedMember:
    """Return the member of ``space`` whose weights ``text`` names (a file, or 'package:NAME').

    InputError where the space has no published member, or none with these weights.
    """
    from edgenas.blocks.pretrained.own import own_weights
    from edgenas.blocks.pretrained.placing import read_pretrained
    from edgenas.search.spaces.published_members import published_members

    own = own_weights(text) if name is None else None
    if own is not None:
        return _own_member(space, own)
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


def _own_member(space: Space, own: OwnWeights) -> PublishedMember:
    """Return the member of ``space`` whose weights edgenas trained; InputError where the network is no member."""
    from edgenas.search.spaces.published_members import member_of

    choice = member_of(space, own.at(space.in_size, space.classes)) if own.network.c_in == space.c_in else None
    if choice is None:
        raise InputError(f"space {space.name} does not have the network {own.network.name} of {own.path} as a member")
    member = space.architecture(choice)
    *body, head = member.blocks
    target = replace(member, blocks=(*body, replace(head, c_out=own.network.c_out)))
    return PublishedMember(own.placed(target), choice)
