"""Importer of TuNAS's linear cost model of the ProxylessNAS space (arXiv 2008.06120, section 4;
``tunas/cost_model_data.py`` of github.com/google-research/google-research): a bias, and one coefficient for each option
of each layer.

The form is ``{"bias_ms": ms, "coefficients_ms": [...]}``. The coefficients are those of the 3 kernels of the first
block, then of five stages of 6, 7, 7 and 7 options, then of the 6 options of the last block. The options of a layer are
kernels 3, 5 and 7, each with expansion 3 and 6, then the skip.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from edgenas.base.errors import InputError
from edgenas.latency_tables.importers.positions import SKIP, by_position
from edgenas.latency_tables.importers.reading import Places, PublishedTable, json_object
from edgenas.latency_tables.store.fields import Fields

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 6)
_FIRST = tuple(f"k{kernel}" for kernel in KERNELS)
_BLOCKS = tuple(f"k{kernel}e{expand}" for kernel in KERNELS for expand in EXPANSIONS)
LAYERS = (_FIRST, *(_BLOCKS, *((*_BLOCKS, SKIP),) * 3) * 5, _BLOCKS)
COUNT = sum(map(len, LAYERS))

_NOTE = (
    "a linear model's coefficients: sums over whole networks are its predictions, a block's own number is what it adds "
    "to leaving it out (or to the cheapest option of its layer), and all else is on the stem"
)


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table of the model in ``text`` for the space whose blocks are ``places``."""
    try:
        fields = Fields(json_object(text), "the model")
        bias_ms = fields.number("bias_ms")
        values = [
            Fields({"v": value}, "coefficients_ms").number("v") for value in fields.list("coefficients_ms", COUNT)
        ]
        fields.done()
        if len(values) != COUNT:
            raise ValueError(f"coefficients_ms has {len(values)} values, not {COUNT}")
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"not a linear model of TuNAS: {error}") from error
    left = iter(values)
    layers = [tuple(zip(keys, islice(left, len(keys)), strict=True)) for keys in LAYERS]
    reading = by_position(layers, bias_ms, places, relative=True)
    return replace(reading, notes=(_NOTE,))
