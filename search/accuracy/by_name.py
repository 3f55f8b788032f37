"""How a person names an accuracy: digits, train, supernet, nas-bench-macro:FILE, package.module:function, or
estimate: and one of these."""

from __future__ import annotations

import importlib.util
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.search.accuracy.estimate_by_name import EstimateRequest, fed_by, is_estimate

if TYPE_CHECKING:
    from edgenas.search.accuracy.cluster_address import RayAddress
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space

WORKERS = 2  #: processes that train, unless a number is asked for
TRAININGS = ("digits", "train", "supernet")

HELP = (
    "'train' trains each network on your --images, 'supernet' all of them at once with shared weights; 'digits' trains "
    "each on scikit-learn's digits; 'nas-bench-macro:FILE' reads the published JSON "
    "(mean of three trainings; 'nas-bench-macro-one:FILE' one of them, drawn by --seed); 'package.module:function' is "
    "any Python function from a network to percent; 'estimate:WHO' has one of these judge some networks, and predicts "
    "all others from them (estimate.networks=100; estimate.model=ridge, or blocks as MathNAS has them)."
)


@contextmanager
def open_accuracy(
    text: str,
    space: Space,
    seed: int,
    workers: int | None = None,
    cluster: RayAddress | None = None,
    say: Callable[[str], None] = lambda text: None,
    images: ImageTask | None = None,
    estimate: EstimateRequest | None = None,
) -> Iterator[Accuracy]:
    """The accuracy that ``text`` names, for networks of ``space``, asked in ``workers`` processes here (None:
    WORKERS where networks are trained, else this process) or on ``cluster``, of which ``say`` hears what goes wrong;
    what it started ends with the block. ``estimate`` says how 'estimate:WHO' is made, where not by its defaults.
    InputError says what ``text`` could have been."""
    if is_estimate(text):
        with open_accuracy(fed_by(text), space, seed, workers, cluster, say, images) as feeder:
            yield (estimate or EstimateRequest({})).of(space, feeder, seed)
        return
    if text in TRAININGS and (cluster is None or text == "supernet"):
        if cluster is not None:
            raise InputError("a supernet is one training, here: leave out --ray, or judge by --accuracy train")
        with _training(text, space, seed, WORKERS if workers is None else workers, images) as training:
            yield training
        return
    if text in TRAININGS:
        with _training(text, space, seed, 0, images) as alone:
            accuracy = alone
    else:
        accuracy = _asked(text, seed)
    if cluster is not None:
        from edgenas.search.accuracy.cluster import ClusterAccuracy

        with ClusterAccuracy(accuracy, cluster, modules_of(text), say) as there:
            yield there
    elif workers:
        from edgenas.search.accuracy.workers import WorkersAccuracy

        with WorkersAccuracy(accuracy, workers) as here:
            yield here
    else:
        yield accuracy


@contextmanager
def _training(text: str, space: Space, seed: int, workers: int, images: ImageTask | None) -> Iterator[Accuracy]:
    from edgenas.search.accuracy.training import TrainingAccuracy
    from edgenas.training.digits import SEARCH_RECIPE, digits

    if text == "digits":
        with TrainingAccuracy(digits(space.in_size), SEARCH_RECIPE, seed, workers) as training:
            yield training
    elif images is None:
        raise InputError(f"the accuracy {text!r} needs images: edgenas search --accuracy {text} --images FOLDER")
    else:
        with images.judge(text, space, seed, workers) as judge:
            yield judge


def _asked(text: str, seed: int) -> Accuracy:
    """An accuracy that trains nothing itself."""
    name, colon, rest = text.partition(":")
    if name in ("nas-bench-macro", "nas-bench-macro-one"):
        from edgenas.search.accuracy.tabular import NasBenchMacro

        if not rest:
            raise InputError(f"{text!r} names no file; write {name}:path/to/nas-bench-macro_cifar10.json")
        return NasBenchMacro(Path(rest), "mean" if name == "nas-bench-macro" else "one", seed)
    if colon:
        from edgenas.search.accuracy.callable import CallableAccuracy

        return CallableAccuracy(text)
    raise InputError(f"{text!r} names no accuracy. {HELP}")


def modules_of(text: str) -> list[Path]:
    """The file or the package of a judge that is not installed, which nodes cannot have."""
    name = text.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None or not spec.has_location:
        return []
    path = Path(spec.origin).resolve()
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib")]
    if any(path.is_relative_to(folder) for folder in installed):
        return []
    return [path.parent if spec.submodule_search_locations else path]
