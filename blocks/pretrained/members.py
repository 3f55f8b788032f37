"""Members of a supernet whose file others published: once-for-all's sub-networks."""

from __future__ import annotations

from dataclasses import replace

from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.pretrained.own import own_weights
from edgenas.blocks.pretrained.placing import Pretrained, read_pretrained
from edgenas.blocks.pretrained.published import PUBLISHED
from edgenas.blocks.pretrained.slicing import sliced_network


def read_member(text: str, network: Architecture, name: str | None = None) -> Pretrained:
    """Read the weights that ``text`` names into the blocks of ``network``: the published network itself, a member of a
    published supernet, cut out of it by its own rule, or a network that edgenas trained.

    InputError, with the reason, where ``network`` is neither, as ``edgenas.blocks.pretrained.placing.read_pretrained``.
    """
    own = own_weights(text) if name is None else None
    if own is not None:
        return own.placed(network)
    try:
        return read_pretrained(text, network, name)
    except InputError as error:
        problem = error
    for entry in PUBLISHED.values():
        if not entry.elastic or name not in (None, entry.name):
            continue
        whole = entry.network(network.in_size, network.c_out, network.c_in)
        try:
            known = read_pretrained(text, whole, entry.name)
            tensors = sliced_network(
                known.architecture.blocks, known.tensors, network.blocks, ordered=True, turns=known.turns
            )
        except InputError:
            continue
        return replace(known, architecture=network, tensors=tensors, turns={}, cut_out=True)
    raise problem
