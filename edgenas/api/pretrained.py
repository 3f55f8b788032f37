"""Weights that others published, for the functions that take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError

if TYPE_CHECKING:
    from edgenas.blocks.architecture import Architecture
    from edgenas.blocks.pretrained.placing import Pretrained
    from edgenas.blocks.pretrained.source import Provenance


def pretrained_for(
    architecture: Architecture,
    text: str,
    name: str | None,
    alone: bool,
    mean: str | Sequence[float] | None,
    deviation: str | Sequence[float] | None,
) -> Pretrained:
    """Return the published weights that ``text`` names, in the blocks of ``architecture``, which may be a member
    of a published supernet.

    InputError where they do not fit, where they are not ``alone`` (other weights are given too), and where a ``mean``
    or ``deviation`` is given: these are those of the weights' training.
    """
    from edgenas.blocks.pretrained.members import read_member

    if not alone:
        raise InputError("--weights and --pretrained are both weights of the network; give one of them")
    if mean is not None or deviation is not None:
        raise InputError("--pretrained brings the mean and deviation of its training; leave out --mean and --deviation")
    return read_member(text, architecture, name)


def told(provenance: Provenance) -> str:
    """Return a sentence that says whose weights a network has."""
    licence = f"licence as stated: {provenance.licence}" if provenance.licence else "no licence is stated"
    return f"weights of {provenance.name} from {provenance.source}, sha256 {provenance.sha256[:12]}..., {licence}"
