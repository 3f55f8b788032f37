"""``edgenas.spaces`` and ``edgenas.space``: search spaces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from edgenas.api.named import load_space
from edgenas.api.shown import frame, html_table
from edgenas.base.counted import counted
from edgenas.base.errors import InputError
from edgenas.blocks.size import ImageSize, SizesLike, as_sizes, size_json
from edgenas.latency_tables.campaign_time import typical_s
from edgenas.search.space import Space

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.search.spaces.published_accuracy import PublishedAccuracy


@dataclass(frozen=True, slots=True)
class SpaceRow:
    """A built-in space.

    in_size           size of the input, pixels
    channels          number of channels of the input
    layers            number of layers
    networks          number of networks in the space
    distinct_blocks   number of distinct blocks in these networks
    source            citation
    parameters        parameters of the space, each with its default
    weights           published weights, 'LAYOUT/MODEL', of members (``--pretrained``)
    macs, params      of the networks with the fewest and the most
    published         a member whose accuracy is published, with its source; None where there is none
    profile_s         estimate of the measuring of all blocks, seconds (``latency_tables/campaign_time.py``)
    """

    name: str
    in_size: ImageSize
    channels: int
    layers: int
    networks: int
    distinct_blocks: int
    source: str
    parameters: dict[str, bool | int | float | str]
    weights: tuple[str, ...] = ()
    macs: tuple[int, int] = (0, 0)
    params: tuple[int, int] = (0, 0)
    published: PublishedAccuracy | None = None
    profile_s: float = 0.0


@dataclass(frozen=True, repr=False)
class SpaceList:
    """The built-in spaces. Iterating yields a ``SpaceRow`` for each."""

    rows: tuple[SpaceRow, ...]

    def __iter__(self) -> Iterator[SpaceRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_json(self) -> list[dict[str, Any]]:
        """Return what ``edgenas spaces --json`` prints."""
        return [
            {
                **asdict(row),
                "in_size": size_json(row.in_size),
                "weights": list(row.weights),
                "macs": list(row.macs),
                "params": list(row.params),
            }
            for row in self.rows
        ]

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each space."""
        return frame(self.to_json())

    def __repr__(self) -> str:
        return f"<{counted(len(self.rows), 'space')}: {', '.join(row.name for row in self.rows)}>"

    def _repr_html_(self) -> str:
        return html_table(f"{counted(len(self.rows), 'space')}", self.to_json())


def spaces(*, in_size: SizesLike | None = None, classes: int | None = None, channels: int | None = None) -> SpaceList:
    """List the built-in spaces, as ``edgenas spaces`` does.

    in_size    size of the input in pixels: 160, or '320x240' (width x height) (default: each space's own)
    classes    number of classes (default: each space's own)
    channels   number of channels of the input (default: each space's own)
    """
    from edgenas.search.spaces import known_spaces, parameters_of
    from edgenas.search.spaces.facts import facts_of, known_facts
    from edgenas.search.spaces.published_accuracy import PUBLISHED_ACCURACY

    own_sizes = (in_size, classes, channels) == (None, None, None)
    known = known_facts() if own_sizes else {}
    rows = []
    for name in known_spaces():
        f = known.get(name) or facts_of(load_space(name, in_size, classes, channels))
        counts = (f.layers, f.networks, f.distinct_blocks)
        row = SpaceRow(name, f.in_size, f.channels, *counts, f.source, parameters_of(name), f.weights)
        published = PUBLISHED_ACCURACY.get(name)
        measuring = typical_s(f.distinct_blocks, f.in_size)
        rows.append(replace(row, macs=f.macs(), params=f.params, published=published, profile_s=measuring))
    return SpaceList(tuple(rows))


def space(
    name: str | Space | Callable[..., Space],
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
    **parameters: bool | int | float | str,
) -> Space:
    """Return a space: a built-in one by its name, or a space of your own.

    ``to_json()`` of it is what ``edgenas spaces NAME --json`` prints.

    name         name of a built-in space; 'my_space.py:tiny' or 'package.module:tiny'; a ``Space``; or a function that
                 returns one. Parameters may be part of a name: 'ofa_mobilenet_v3:width=1.2'
    in_size      size of the input in pixels: 160, or '320x240' (width x height), or several to choose from: (128, 160)
                 (default: the space's own)
    classes      number of classes (default: the space's own)
    channels     number of channels of the input (default: the space's own)
    parameters   parameters of the space, such as width=1.2

    InputError where there is no such space or parameter, where it has no network, or where sizes or parameters are
    given beside an object, which has its own.

        edgenas.space("mobilenet_v3_small", in_size=160, width=0.75).networks
    """
    from edgenas.search.spaces import check_networks, with_channels
    from edgenas.search.spaces.parameters import joined, several, sized
    from edgenas.search.spaces.sizes import over_sizes

    if isinstance(name, str):
        return load_space(joined(name, parameters), in_size, classes, channels)
    size = None if in_size is None else as_sizes(in_size)
    sizes: dict[str, Any] = {
        key: value for key, value in (("in_size", size), ("classes", classes)) if value is not None
    }
    sizes |= parameters
    if isinstance(name, Space):
        own = [*sizes, *(["channels"] if channels else [])]
        if own:
            raise InputError(f"the space {name.name} is an object and has its own sizes; leave out {', '.join(own)}")
        check_networks(name, name.name)
        return name
    if not callable(name):
        raise InputError(f"{name!r} is not a space; give a name, a Space, or a function that returns a Space")

    def built(**sizes: Any) -> Space:
        made: object = name(**sizes)
        if not isinstance(made, Space):
            raise InputError(f"{getattr(name, '__qualname__', name)} returned {type(made).__name__}, not a Space")
        return made

    if isinstance(size, tuple):
        given = several(size)
        made = over_sizes(lambda one: built(**{**sizes, "in_size": one}), given, lambda of: sized(of, given))
    else:
        made = built(**sizes)
    if channels is not None:
        made = with_channels(made, channels)
    check_networks(made, made.name)
    return made
