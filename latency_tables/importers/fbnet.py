"""Importer of FBNet tables (arXiv 1812.03443) as HW-NAS-Bench and HELP published them: CSV by position, JSON by shape.

    CSV    device,layer,op,ms_minus_skip    22 layers from 0, each option minus the skip of its layer; the time of a
                                            network of skips is layer -1, 'constant_all_skip'
    JSON   see ``fbnet_shapes``

Group convolutions (``_g2``) have no block kind in edgenas and are left out.
"""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace

from edgenas.base.errors import InputError
from edgenas.latency_tables.importers import fbnet_shapes
from edgenas.latency_tables.importers.positions import SKIP, by_position
from edgenas.latency_tables.importers.reading import Places, PublishedTable

LAYERS = 22
HEADER = ["device", "layer", "op", "ms_minus_skip"]
CONSTANT = "constant_all_skip"

_NOTE = (
    "differences: sums over whole networks are right, a block's own number is what it adds to the skip of its layer, "
    "and all else is on the stem"
)


def read(text: str, places: Places, column: str = "") -> PublishedTable:
    """Return the table of the device ``column`` in ``text``; InputError lists the devices where there are several and
    ``column`` names none of them."""
    if text.lstrip().startswith("{"):
        return fbnet_shapes.read(text, column)
    devices = _devices(text)
    if column not in devices and (column or len(devices) != 1):
        raise InputError(f"it holds the devices {', '.join(devices)}; name one: --device-column {next(iter(devices))}")
    table = devices[column or next(iter(devices))]
    if CONSTANT not in table.get(-1, {}):
        raise InputError(f"it lacks the row of layer -1, {CONSTANT}, what a network of skips takes")
    layers = [table.get(number, {}) for number in range(LAYERS)]
    for number, options in enumerate(layers):
        if SKIP not in options:
            raise InputError(f"layer {number} has no {SKIP}; there are {LAYERS} layers, from 0")
    if len(table) != LAYERS + 1 or len(table[-1]) != 1:
        raise InputError(f"it has more than {LAYERS} layers, or more in layer -1 than {CONSTANT}")
    reading = by_position([tuple(o.items()) for o in layers], table[-1][CONSTANT], places, relative=True)
    return replace(reading, notes=(_NOTE,))


def _devices(text: str) -> dict[str, dict[int, dict[str, float]]]:
    """Return ms by device, layer and operation; InputError names the line that cannot be read."""
    found: dict[str, dict[int, dict[str, float]]] = {}
    reader = csv.reader(io.StringIO(text), strict=True)
    try:
        if next(reader, None) != HEADER:
            raise ValueError(f"its first line is not {','.join(HEADER)}")
        for cells in reader:
            device, number, op, ms = cells
            layer = found.setdefault(device[:100], {}).setdefault(int(number), {})
            if op in layer:
                raise ValueError(f"{op} of layer {number} is given twice for {device}")
            layer[op] = float(ms)
            if not math.isfinite(layer[op]):
                raise ValueError(f"{ms} is not a finite number")
    except (ValueError, csv.Error) as error:
        raise InputError(f"line {reader.line_num}: not an FBNet table: {str(error)[:200]}") from error
    if not found:
        raise InputError("it holds no numbers")
    return found
