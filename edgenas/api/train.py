"""``edgenas.train``: train one network on your own targets, with a loss of your own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.api.network import Network
from edgenas.api.network import network as network_of
from edgenas.api.shown import FilePath
from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import there_are
from edgenas.blocks.architecture import Architecture
from edgenas.blocks.size import of_axes

if TYPE_CHECKING:
    from torch import Tensor

    from edgenas.api.export import ExportedFiles
    from edgenas.blocks.torch_modules import NetworkModule
    from edgenas.blocks.weights import Array, Weights
    from edgenas.training.data import TrainRecipe
    from edgenas.training.losses import Loss
    from edgenas.training.targets import TargetData, TargetFile, Targets

#: settings of a training where ``options`` does not give them; ``tools/bench/targets.py`` tells how they were chosen
DEFAULTS: dict[str, Any] = {"epochs": 20, "batch": 32, "optimizer": "adamw", "lr": 0.01, "weight_decay": 0.01}


@dataclass(frozen=True, eq=False, repr=False)
class TrainedNetwork:
    """A network trained on targets.

    network           the network, with as many outputs as the targets need
    weights           its folded weights, as ``edgenas.export`` takes them
    module            the torch module, in evaluation mode, on the CPU
    loss              name of the loss
    losses            loss of every step
    validation_loss   mean loss of the validation pictures, after the training
    mean, deviation   of each channel, in levels 0..255, where the pictures were uint8; else empty
    seconds           wall time in seconds
    """

    network: Network
    weights: tuple[Weights, ...]
    module: NetworkModule
    loss: str
    losses: tuple[float, ...]
    validation_loss: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    seconds: float

    def predict(self, images: Any) -> Array:
        """Return the outputs (n, outputs), float32, for images (n, height, width, channels) as in the training."""
        from edgenas.blocks.torch_modules import predict

        return predict(self.module, self.normalised(images))

    def normalised(self, images: Any) -> Array:
        """Return images as exported files take them, float32: (level - mean) / deviation for uint8, else
        unchanged."""
        from edgenas.training.targets import normalised

        return normalised(images, self.mean, self.deviation)

    def save(self, path: FilePath) -> None:
        """Write the weights to an .npz file, which ``edgenas export --weights`` reads."""
        from edgenas.blocks.weights import save_weights

        save_weights(Path(path), self.weights)

    def write(self, folder: FilePath) -> None:
        """Write the network (arch.json) and its weights (weights.npz) into ``folder``, for ``edgenas export``."""
        from edgenas.base.files import filling
        from edgenas.runs.layout import ARCH, WEIGHTS
        from edgenas.runs.network import NETWORK

        with filling(Path(folder)):
            NETWORK.write(Path(folder) / ARCH, self.network.architecture)
            self.save(Path(folder) / WEIGHTS)

    def export(self, folder: FilePath = "model", **options: Any) -> ExportedFiles:
        """Write TFLite and ONNX files with these weights; ``options`` are those of ``edgenas.export``."""
        scaling = {"mean": self.mean, "deviation": self.deviation} if self.mean else {}
        return self.network.export(folder, weights=self.weights, **{**scaling, **options})

    def to_json(self) -> dict[str, Any]:
        """Return the network and the losses as plain JSON values."""
        return {
            "network": self.network.to_json(),
            "loss": self.loss,
            "losses": list(self.losses),
            "validation_loss": self.validation_loss,
            "mean": list(self.mean),
            "deviation": list(self.deviation),
            "seconds": self.seconds,
        }

    def __repr__(self) -> str:
        return (
            f"<{self.network.name}, {self.network.architecture.c_out} outputs, trained for {len(self.losses)} steps: "
            f"{self.loss} {self.validation_loss:.4g} on validation pictures>"
        )


def train(
    network: str | Path | Architecture | Network,
    images: Any,
    targets: Any,
    *,
    loss: str | Callable[[Tensor, Tensor], Tensor],
    outputs: int | None = None,
    validation: float | tuple[Any, Any] = 0.1,
    options: Mapping[str, Any] | None = None,
    mean: tuple[float, ...] | None = None,
    deviation: tuple[float, ...] | None = None,
    seed: int = 0,
    train_on: str = "auto",
    threads: int = 1,
    checkpoint: FilePath | None = None,
    listener: Listener = SILENT,
) -> TrainedNetwork:
    """Train a network on targets of your own: numbers, several labels for each picture, or anything that a loss takes.

    network      a name, SPACE/KEY, a JSON file, or the object; a network by name takes the size and the channels of the
                 pictures
    images       (n, height, width, channels): uint8 levels 0..255, or float32 as the network takes them
    targets      one for each picture: (n,) or (n, outputs) numbers for 'mse', 'l1' and 'huber'; (n, labels) of 0 and 1
                 for 'multi-label'; (n,) class numbers for 'cross-entropy'; (n, ...) for a function
    loss         a name, or a function of your own, also as text ('my_loss.py:NAME'): of (outputs, targets), tensors of
                 one batch, it returns one number; outputs are (n, outputs) float32, targets float32, or int64 for
                 whole numbers
    outputs      number of outputs of the network (default: as the targets need; with a function, the network's own)
    validation   share of the pictures that the training does not see, or (images, targets) of others
    options      settings of the training, as for ``--set train.OPTION`` of a search: epochs, batch, optimizer, lr,
                 weight_decay, warm_up, shrink, flip, shift, ema
    mean, deviation   of each channel, in levels, for uint8 pictures (default: those of the training pictures)
    train_on     'auto', 'cpu' or 'cuda'
    threads      CPU threads of torch; with another number the result differs
    checkpoint   file from which a training that was stopped continues; delete it when you change your loss function

    InputError for a value that breaks a rule; OutcomeError where the loss is not finite.

        edgenas.train("mobilenet_v3_small", images, targets, loss="mse").export("model")
    """
    from edgenas.blocks.torch_modules import network_folded_weights
    from edgenas.training.losses import loss_of
    from edgenas.training.target_training import train_on_targets

    chosen, recipe = loss_of(loss), _recipe(options or {})
    if threads < 1 or (outputs is not None and outputs < 1):
        raise InputError(f"threads={threads} and outputs={outputs} must be 1 or more")
    pictures, wanted = _array(images, "images"), chosen.prepared(_array(targets, "targets"))
    if pictures.ndim != 4 or len(pictures) != len(wanted):
        raise InputError(
            f"images are {pictures.dtype}{pictures.shape} and targets {wanted.dtype}{wanted.shape}: give (n, height, "
            "width, channels), and one target for each picture"
        )
    one = _with_outputs(_sized(network, pictures.shape), _width(chosen, wanted, outputs))
    if isinstance(validation, tuple):
        judged = _array(validation[0], "images"), chosen.prepared(_array(validation[1], "targets"))
        data = _data((pictures, wanted), judged, mean, deviation)
    else:
        from edgenas.training.targets import held_out

        rows, kept = held_out(len(pictures), validation, seed)
        data = _data((pictures[rows], wanted[rows]), (pictures[kept], wanted[kept]), mean, deviation)
    done = train_on_targets(
        one.architecture,
        data,
        chosen,
        recipe,
        seed,
        listener,
        device=train_on,
        cpu_threads=threads,
        checkpoint=None if checkpoint is None else Path(checkpoint),
    )
    return TrainedNetwork(
        one,
        network_folded_weights(done.module),
        done.module,
        chosen.name,
        done.losses,
        done.validation_loss,
        data.mean,
        data.deviation,
        done.seconds,
    )


def read_targets(path: Path) -> TargetFile:
    """Read the arrays of ``edgenas train --data``."""
    from edgenas.training.targets import read_targets as read

    return read(path)


def training_options() -> dict[str, Any]:
    """Return the options of a training with their defaults."""
    from edgenas.training.data import TrainRecipe

    values = {**asdict(TrainRecipe(**DEFAULTS)), **DEFAULTS}
    return {name: value for name, value in values.items() if name != "label_smoothing"}


def _array(values: Any, what: str) -> Any:
    """Return ``values`` as an array of numbers; InputError for anything else."""
    import numpy as np

    try:
        array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what} are no array: {error}") from error
    if array.dtype.kind not in "fiub":
        raise InputError(f"{what} are {array.dtype}{array.shape}, not numbers")
    return array.astype(np.float32) if what == "images" and array.dtype.kind == "f" else array


def _recipe(options: Mapping[str, Any]) -> TrainRecipe:
    from edgenas.training.data import TrainRecipe

    known = training_options()
    if unknown := [name for name in options if name not in known]:
        raise InputError(f"a training has no option {', '.join(unknown)}; {there_are(unknown[0], known, 'it has')}")
    return TrainRecipe(**{**DEFAULTS, "label_smoothing": 0.0, **options})


def _sized(network: str | Path | Architecture | Network, shape: tuple[int, ...]) -> Network:
    """Return the network: one by name with the size and channels of images (n, height, width, channels)."""
    by_name = isinstance(network, str) and not network.endswith(".json") and not Path(network).is_file()
    return network_of(network, of_axes(shape[1:3]), channels=shape[3]) if by_name else network_of(network)


def _width(loss: Loss, targets: Targets, outputs: int | None) -> int | None:
    """Return the number of outputs: as given, else as the targets need; None for the network's own. InputError where
    the targets need another number."""
    needed = loss.outputs(targets)
    if outputs is None or needed is None or outputs == needed or (loss.name == "cross-entropy" and outputs > needed):
        return needed if outputs is None else outputs
    raise InputError(f"outputs={outputs}, but the targets of {loss.name} need {needed}; leave out outputs")


def _with_outputs(network: Network, outputs: int | None) -> Network:
    """Return the network with that number of outputs of its head."""
    *body, head = network.blocks
    if outputs is None or head.kind != "head" or head.c_out == outputs:
        return network
    return Network(Architecture(network.name, (*body, replace(head, c_out=outputs))))


def _data(
    trained: tuple[Any, Targets],
    judged: tuple[Any, Targets],
    mean: tuple[float, ...] | None,
    deviation: tuple[float, ...] | None,
) -> TargetData:
    from edgenas.training.targets import TargetData, scaling_of

    found = scaling_of(trained[0])
    return TargetData(
        *trained,
        *judged,
        found[0] if mean is None else tuple(mean),
        found[1] if deviation is None else tuple(deviation),
    )
