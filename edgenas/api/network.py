"""``edgenas.network`` and Network: one network, its costs, and its export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.named import load_network
from edgenas.api.shown import FilePath, frame, html_table, number
from edgenas.base.errors import InputError
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import SizesLike
from edgenas.blocks.spec import BlockSpec
from edgenas.search.scale import accuracy_text

if TYPE_CHECKING:
    import pandas as pd

    from edgenas.api.export import ExportedFiles
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.blocks.weights import Weights


@dataclass(frozen=True, repr=False)
class Network:
    """One network, with the accuracy and cost that a search gave it.

    accuracy   accuracy in percent, or a score, as the judge of a search gave it; None where no search judged it
    cost       predicted cost in ``unit`` ('ms', 'MACs', 'params', 'MB'); None where no search found it
    interval   95 % interval of the measured cost, in ``unit``; None where it is not known
    score      True: ``accuracy`` is a score on the judge's own scale, not percent
    table      file of the latency table that predicted ``cost``; None where no table did
    """

    architecture: Architecture
    accuracy: float | None = None
    cost: float | None = None
    unit: str = "ms"
    interval: tuple[float, float] | None = None
    score: bool = False
    table: Path | None = None

    @property
    def name(self) -> str:
        """Name: SPACE/KEY of a network that a search found."""
        return self.architecture.name

    @property
    def blocks(self) -> tuple[BlockSpec, ...]:
        """Blocks in order, from the image to the classes."""
        return self.architecture.blocks

    @property
    def ms(self) -> float | None:
        """Predicted latency in milliseconds; None where no latency table predicted it."""
        return self.cost if self.unit == "ms" else None

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations (MACs) for one image."""
        return self.architecture.macs

    @property
    def params(self) -> int:
        """Trainable parameters before batch norm is folded."""
        return self.architecture.params

    def torch(self, weights: FilePath | Sequence[Weights] | None = None) -> NetworkModule:
        """Return the network as a torch module with random weights (extra: train).

        With ``weights`` (an .npz file of folded weights, or the arrays), the module has these and is in evaluation
        mode. Its input has shape (n, channels, height, width).
        """
        from edgenas.blocks.torch_folded import network_of_weights
        from edgenas.blocks.torch_modules import NetworkModule
        from edgenas.blocks.weights import load_weights

        if weights is None:
            return NetworkModule(self.architecture)
        if isinstance(weights, str | Path):
            weights = load_weights(Path(weights), self.blocks)
        return network_of_weights(self.architecture, weights)

    def export(self, folder: FilePath = "model", **options: Any) -> ExportedFiles:
        """Write the network as TFLite and ONNX files into ``folder``; ``options`` are those of ``edgenas.export``."""
        import edgenas

        return edgenas.export(self, folder, **options)

    def to_json(self) -> dict[str, Any]:
        """Return name and blocks of the network, in the form of ``arch.json`` and ``search.json``."""
        return self.architecture.to_json()

    def to_frame(self) -> pd.DataFrame:
        """Return a data frame with a row for each block."""
        return frame(self._rows())

    def _rows(self) -> list[dict[str, Any]]:
        return [
            {"block": str(b), "output": f"{b.out_size}x{b.c_out}", "macs": b.macs, "params": b.params}
            for b in self.blocks
        ]

    def __repr__(self) -> str:
        parts = [f"{self.macs / 1e6:.4g} MMACs", f"{self.params / 1e6:.4g} M parameters"]
        if self.cost is not None:
            parts.insert(0, f"{number(self.cost)} {self.unit} predicted")
        if self.interval is not None and self.interval[0] < self.interval[1]:
            parts[0] += f" ({number(self.interval[0])} .. {number(self.interval[1])})"
        if self.accuracy is not None:
            parts.insert(0, accuracy_text(self.accuracy, self.score))
        return f"<Network {self.name}: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return html_table(repr(self)[1:-1], self._rows())


def network(
    what: str | Path | Architecture | Network,
    in_size: SizesLike | None = None,
    classes: int | None = None,
    channels: int | None = None,
) -> Network:
    """Return a network: by a published name, by SPACE/KEY, from a JSON file, or an ``Architecture`` of your own.

    in_size    size of the input in pixels: 160, or '320x240' (width x height) (default: 224, or the space's own)
    classes    number of classes (default: 1000, or the space's own)
    channels   number of channels of the input (default: 3, or the space's own)

    InputError where nothing has that name, or where sizes are given beside a file or an object, which has its own.

        edgenas.network("mobilenet_v3_small", in_size=160).macs
    """
    if isinstance(what, str | Path):
        return Network(load_network(str(what), in_size, classes, channels))
    if (in_size, classes, channels) != (None, None, None):
        raise InputError(
            f"the network {what.name} is an object and has its own sizes; leave out in_size, classes and channels"
        )
    return what if isinstance(what, Network) else Network(what)
