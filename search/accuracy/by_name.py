"""Judges of accuracy by the text of ``--accuracy``: digits, train, supernet, table:FILE, nas-bench-macro:FILE,
FILE.py:NAME, PACKAGE.MODULE:NAME, or estimate:JUDGE with one of these as JUDGE."""

from __future__ import annotations

import importlib.util
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener
from edgenas.base.naming import nearest
from edgenas.base.plugins import GROUPS, entry_points, names
from edgenas.search.accuracy.estimate_by_name import EstimateRequest, fed_by, is_estimate

if TYPE_CHECKING:
    from edgenas.search.accuracy.cluster_address import RayAddress
    from edgenas.search.accuracy.image_task import ImageTask
    from edgenas.search.problem import Accuracy
    from edgenas.search.space import Space

WORKERS = 2  #: default number of training processes
TRAININGS = ("digits", "train", "supernet")
TABULAR = ("nas-bench-macro", "nas-bench-macro-one")
OWN_TABLE = "table"  #: accuracies of the user's own

HELP = (
    "'train' trains each network on your --images, 'supernet' all of them at once with shared weights; 'digits' trains "
    "each on scikit-learn's digits; 'table:FILE' reads your own accuracies from CSV or JSON; "
    "'nas-bench-macro:FILE' reads the published JSON (mean of three trainings; "
    "'nas-bench-macro-one:FILE' one of them, drawn by --seed); 'my_judge.py:judge' or 'package.module:judge' is any "
    "Python function from a network to percent (with --score to any number); 'estimate:JUDGE' fits a model to some "
    "networks judged by JUDGE, one of these judges, and predicts all others (options estimate.networks=100, and "
    "estimate.model=factors, ridge or blocks, the block model of MathNAS)."
)


@contextmanager
def open_accuracy(
    text: str,
    space: Space,
    seed: int,
    workers: int | None = None,
    cluster: RayAddress | None = None,
    listener: Listener = SILENT,
    images: ImageTask | None = None,
    estimate: EstimateRequest | None = None,
    score: bool = False,
) -> Iterator[Accuracy]:
    """Yield the judge that ``text`` names, for networks of ``space``; processes that it started end with the block.

    workers    processes on this machine that judge (None: WORKERS where networks are trained, else this process)
    cluster    Ray cluster that judges instead
    listener   gets progress: data that is read, networks that are trained, workers that are lost
    estimate   request of 'estimate:JUDGE' (default: its own defaults)
    score      True: a judge of the user's own gives scores, not percent

    InputError lists the known names.
    """
    if is_estimate(text):
        with open_accuracy(fed_by(text), space, seed, workers, cluster, listener, images, score=score) as feeder:
            yield (estimate or EstimateRequest({})).of(space, feeder, seed, listener)
        return
    if is_table(text):
        yield _own_table(text, space, cluster, score)
        return
    if score and not is_own(text):
        raise InputError(f"--score is for judges of your own: {text} judges in percent; leave it out")
    if text in TRAININGS and (cluster is None or text == "supernet"):
        if cluster is not None:
            raise InputError("a supernet is one training, here: leave out --ray, or judge by --accuracy train")
        with _training(text, space, seed, WORKERS if workers is None else workers, images, listener) as training:
            yield training
        return
    if text in TRAININGS:
        with _training(text, space, seed, 0, images, listener) as alone:
            accuracy = alone
    else:
        accuracy = _not_training(text, seed, score)
    with placed(accuracy, modules_of(text), workers, cluster, listener) as judge:
        yield judge


@contextmanager
def placed(
    accuracy: Accuracy,
    modules: Sequence[Path],
    workers: int | None,
    cluster: RayAddress | None,
    listener: Listener = SILENT,
) -> Iterator[Accuracy]:
    """Yield ``accuracy`` where it runs: on ``cluster``, which receives ``modules``, in ``workers`` processes, or in
    this process (None or 0). What was started ends with the block."""
    if cluster is not None:
        from edgenas.search.accuracy.cluster import ClusterAccuracy

        with ClusterAccuracy(accuracy, cluster, modules, listener) as there:
            yield there
    elif workers:
        from edgenas.search.accuracy.workers import WorkersAccuracy

        with WorkersAccuracy(accuracy, workers) as in_workers:
            yield in_workers
    else:
        yield accuracy


@contextmanager
def _training(
    text: str, space: Space, seed: int, workers: int, images: ImageTask | None, listener: Listener
) -> Iterator[Accuracy]:
    from edgenas.search.accuracy.training import TrainingAccuracy
    from edgenas.training.digits import SEARCH_RECIPE, digits

    if text == "digits":
        with TrainingAccuracy([digits(size) for size in space.sizes], SEARCH_RECIPE, seed, workers) as training:
            yield training
    elif images is None:
        raise InputError(f"the accuracy {text!r} needs images: edgenas search --accuracy {text} --images FOLDER")
    else:
        with images.judge(text, space, seed, workers, listener) as judge:
            yield judge


def is_table(text: str) -> bool:
    """Return True if ``text`` names a file of the user's own accuracies: table:FILE."""
    return text.partition(":")[0] == OWN_TABLE


def _own_table(text: str, space: Space, cluster: RayAddress | None, score: bool) -> Accuracy:
    from edgenas.search.accuracy.own_table import AccuracyTable

    file = text.partition(":")[2]
    if not file:
        raise InputError(f"{text!r} names no file; write {OWN_TABLE}:path/to/accuracies.csv")
    if cluster is not None:
        raise InputError(f"{text} is looked up here, and needs no cluster: leave out --ray")
    return AccuracyTable(Path(file).expanduser(), space, score=score)


def _not_training(text: str, seed: int, score: bool) -> Accuracy:
    """Return a judge that does not train: a published table, or the user's function."""
    name, _, rest = text.partition(":")
    if name in TABULAR:
        from edgenas.search.accuracy.tabular import NasBenchMacro

        if not rest:
            raise InputError(f"{text!r} names no file; write {name}:path/to/nas-bench-macro_cifar10.json")
        return NasBenchMacro(Path(rest), "mean" if name == "nas-bench-macro" else "one", seed)
    if is_own(text):
        from edgenas.search.accuracy.callable import CallableAccuracy

        return CallableAccuracy(text, score=score)
    known = [*TRAININGS, *TABULAR, OWN_TABLE, "estimate", *names({}, GROUPS["judge"])]
    close = nearest(name, known)
    if text.endswith(".py"):
        from edgenas.search.accuracy.callable import load_judge

        load_judge(text)
    raise InputError(f"{text!r} names no accuracy{f'; did you mean {close!r}?' if close else '.'} {HELP}")


def is_own(text: str) -> bool:
    """Return True if ``text`` names a judge of the user: FILE.py:NAME, MODULE:NAME or an entry point."""
    if text in TRAININGS or is_table(text) or text.partition(":")[0] in TABULAR:
        return False
    return ":" in text or any(entry.name == text for entry in entry_points(GROUPS["judge"]))


def modules_of(text: str) -> list[Path]:
    """Return the file or package of a judge that is not installed, and therefore missing on the cluster's nodes.

    Files of the user that ``edgenas.base.own_files`` loads are not included: they are sent with the judge.
    """
    place = text.rpartition(":")[0]
    if place.endswith(".py") or "/" in place:
        return []
    name = text.partition(":")[0].partition(".")[0]
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or spec.origin is None or not spec.has_location:
        return []
    path = Path(spec.origin).resolve()
    installed = [Path(sysconfig.get_path(kind)).resolve() for kind in ("purelib", "platlib", "stdlib")]
    if any(path.is_relative_to(folder) for folder in installed):
        return []
    return [path.parent if spec.submodule_search_locations else path]
