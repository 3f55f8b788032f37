"""The card of a menu, as Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgenas.base.version import installed_version

if TYPE_CHECKING:
    from edgenas.runs.menu import SavedMenu

_WEIGHTS = {
    "supernet": "slices of one supernet, each with batch norm statistics of its own",
    "alone": "trained one by one",
    "pretrained": "trained one by one, from weights that others published",
}


def menu_card(menu: SavedMenu) -> str:
    """Return the card: the networks, how they were chosen and measured, and how to use them."""
    rows = "\n".join(
        f"| {n.name} | {n.key} | {n.macs / 1e6:.1f} | {n.ms:.3g} ({n.low_ms:.3g} .. {n.high_ms:.3g}) | "
        f"{n.predicted_ms:.3g} | {n.accuracy:.2f} | {'-' if n.test_accuracy is None else f'{n.test_accuracy:.2f}'} |"
        for n in menu.networks
    )
    losses = ", ".join(f"{number}: {loss:.2f}" for number, loss in menu.losses.items())
    setting = menu.setting
    how = "" if setting is None else f", {setting.version}, scheduler {setting.scheduler}"
    _, height, width, channels = menu.input
    return f"""---
pipeline_tag: image-classification
tags: [tflite, litert, edge, latency, adaptive, neural-architecture-search, edgenas]
metrics: [accuracy]
---
# {_plain(menu.space)}: {len(menu.networks)} networks for {menu.budget_ms:g} ms

Classifies images like those of {_plain(menu.data)}, {width}x{height}, {channels} channel{"s" * (channels > 1)}, \
{menu.classes} classes. `adaptive.py` runs the
most accurate of these networks that keeps {menu.budget_ms:g} ms a frame on the device as fast as it is now.

| network | key | M MACs | ms (95 % interval) | predicted ms | accuracy % | test % |
|---|---|---|---|---|---|---|
{rows}

- Weights: {_WEIGHTS[menu.weights]}. Precision: {menu.precision}. Accuracy: of running the file on the validation
  images; test: on images that nothing was chosen by.
- Timed whole on {_plain(menu.device)} with {menu.threads} thread{"s" * (menu.threads > 1)} of {menu.runtime}\
{_plain(how)}; statistic: {menu.statistic}.
- Chosen from the {menu.front} front of {menu.front_networks} networks, for slowdowns of 1 to {menu.slowdown:g}. A menu
  of so many networks loses so many percentage points against the whole front, on average: {losses}.

Use, in a program with numpy and ai-edge-litert (or tflite-runtime; onnxruntime for .onnx files):

```python
from adaptive import AdaptiveModel

model = AdaptiveModel("{{folder}}")  # the folder of this file
scores = model(pixels)  # float32 (1, {height}, {width}, {channels}): (level - mean) / deviation, see preprocessing.json
model.now, model.slowdown, model.events
```

`sha256sum -c MANIFEST` checks the files, `edgenas verify .` also times them again.
Made by edgenas {installed_version()}.
""".replace("{folder}", "adaptive")


def _plain(text: str) -> str:
    """Return text of others as text of Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>|#])", r"\\\1", " ".join(text.split()))
