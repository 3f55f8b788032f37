"""How a person names an accuracy: digits, train, supernet, nas-bench-macro:FILE, or package.module:function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from blocks.errors import InputError

if TYPE_CHECKING:
    from edgenas.image_judges import ImageTask
    from search.problem import Accuracy
    from search.space import Space

HELP = (
    "'train' trains each network on your --images, 'supernet' all of them at once with shared weights; 'digits' trains "
    "each on scikit-learn's digits; 'nas-bench-macro:FILE' reads the published JSON "
    "(mean of three trainings; 'nas-bench-macro-one:FILE' one of them, drawn by --seed); 'package.module:function' is "
    "any Python function from a network to percent."
)


@contextmanager
def open_accuracy(
    text: str, space: Space, seed: int, workers: int, images: ImageTask | None = None
) -> Iterator[Accuracy]:
    """The accuracy that ``text`` names, for networks of ``space``; its worker processes end with the block. InputError
    says what ``text`` could have been."""
    name, colon, rest = text.partition(":")
    if text in ("train", "supernet"):
        if images is None:
            raise InputError(f"the accuracy {text!r} needs images: edgenas search --accuracy {text} --images FOLDER")
        with images.judge(text, space, seed) as accuracy:
            yield accuracy
    elif text == "digits":
        from search.accuracy.digits import SEARCH_RECIPE, digits
        from search.accuracy.training import TrainingAccuracy

        with TrainingAccuracy(digits(space.in_size), SEARCH_RECIPE, seed, workers) as training:
            yield training
    elif name in ("nas-bench-macro", "nas-bench-macro-one"):
        from search.accuracy.tabular import NasBenchMacro

        if not rest:
            raise InputError(f"{text!r} names no file; write {name}:path/to/nas-bench-macro_cifar10.json")
        yield NasBenchMacro(Path(rest), "mean" if name == "nas-bench-macro" else "one", seed)
    elif colon:
        from search.accuracy.callable import CallableAccuracy

        yield CallableAccuracy(text)
    else:
        raise InputError(f"{text!r} names no accuracy. {HELP}")
