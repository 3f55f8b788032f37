"""Importer of Single-Path NAS's runtime model (arXiv 1904.02877): ``pixel1_runtime_model.json``, ms by layer, option.

The form is ``{"0": {"0": ms, ...}, ..., "21": ...}``. Layer 0 is the separable block, measured once for each option
although all its options are the same. Options are kernel 3 and 5, each with expansion 3 and 6
(``train-final/parse_netarch.py`` of github.com/enyac-group/single-path-nas). Stem, layers 0 and 21 and head take
19.5999 ms together (``nas-search/singlepath_supernet.py``): that time minus layers 0 and 21 is on the stem. The 0.7 ms
that their code gives a skip "for handling purposes" is not a measurement: a skip costs 0 ms.
"""

from __future__ import annotations

from edgenas.base.errors import InputError
from edgenas.latency_tables.importers.positions import by_position
from edgenas.latency_tables.importers.reading import Places, PublishedTable, check_ms, json_object
from edgenas.latency_tables.store.fields import Fields

LAYERS = 22
OPTIONS = ("k3e3", "k3e6", "k5e3", "k5e6")
FIRST, LAST = "k3", "k3e6"  #: the only options of the first and the last layer
FIXED_MS = 19.5999  #: time of stem, first and last layer and head together


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table of the model in ``text`` for the space whose blocks are ``places``."""
    layers = []
    try:
        fields = Fields(json_object(text), "the model")
        for number in range(LAYERS):
            inner = Fields(fields.any(str(number)), f"layer {number}")
            values = [check_ms(inner.number(str(i)), f"layer {number}, option {i}") for i in range(len(OPTIONS))]
            inner.done()
            layers.append([(FIRST if number == 0 else key, ms) for key, ms in zip(OPTIONS, values, strict=True)])
        fields.done()
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"not a runtime model of Single-Path NAS: {error}") from error
    first_ms = sum(ms for _, ms in layers[0]) / len(OPTIONS)
    outside_ms = FIXED_MS - first_ms - dict(layers[-1])[LAST]
    return by_position(layers, outside_ms, places, relative=False)
