"""Files of a packed menu, put together again from skeletons and one store of weights, by numpy alone.

The members of a supernet are slices of the same weights, each times the scales of its own batch norms. ``pack.bin``
holds every weight once, ``pack.json`` says where it is and which slice of it goes where in which file.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np


def unpacked(folder: Path, pack: dict[str, str], name: str) -> bytes:
    """Return the content of the file ``name`` of a packed menu.

    pack.json: {"weights": {KEY: [offset, shape]}, "files": {NAME: {"bytes", "kept": [[from, to], ...], "at",
    "patches": [[offset in the file, shape, KEY, offset of the scales], ...]}}}. The kept parts of a file lie one after
    another in pack.bin from ``at`` on; a patch is the weight's first ``shape`` elements times the scales, one for each
    output channel: the first axis; of depthwise weights (1, height, width, channels), the last one.
    """
    recipe = json.loads((folder / pack["recipes"]).read_text(encoding="utf-8"))
    store = np.memmap(folder / pack["store"], np.uint8, "r")
    file = recipe["files"][name]
    made, at = np.zeros(file["bytes"], np.uint8), file["at"]
    for begin, end in file["kept"]:
        made[begin:end] = store[at : at + end - begin]
        at += end - begin
    for offset, shape, key, scales_at in file["patches"]:
        begin, whole = recipe["weights"][key]
        weight = store[begin : begin + 4 * int(np.prod(whole))].view(np.float32).reshape(whole)
        depthwise = whole[0] == 1 and len(whole) == 4
        count = shape[3] if depthwise else shape[0]
        scales = store[scales_at : scales_at + 4 * count].view(np.float32)
        part = weight[tuple(slice(0, side) for side in shape)]
        scaled = part * (scales if depthwise else scales.reshape(-1, *[1] * (len(shape) - 1)))
        made[offset : offset + scaled.nbytes] = np.ascontiguousarray(scaled).reshape(-1).view(np.uint8)
    return made.tobytes()
