"""Judges on the user's own images: training of every candidate, or one supernet for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgenas.base.errors import InputError
from edgenas.base.listener import SILENT, Listener

if TYPE_CHECKING:
    from edgenas.search.accuracy.trust import Trust
    from edgenas.search.problem import Accuracy
    from edgenas.search.published import PublishedMember
    from edgenas.search.space import Space
    from edgenas.training.data import ImageData, SupernetRecipe, TrainRecipe
    from edgenas.training.images.source import PictureSource

NAMES = ("train", "supernet")
WINNER = "winner"  #: name of the winner's training, whose recipe has options like a judge's
SCRATCH = "scratch"  #: name of its training from random weights, for comparison with one from published weights
EPOCHS, WINNER_EPOCHS = 20, 60  #: default epochs of 'train' and of the winner
SHIFT = 1  #: default shift in pixels of both; docs/training.md has its effect


#: defaults of the winner's training that begins from published weights
FINE_TUNING = {"epochs": 8, "batch": 16, "lr": 0.002, "shift": 0, "crop": 0.35, "colour": 0.3}
#: defaults of a supernet that begins from published weights
PUBLISHED_SUPERNET = {"epochs": 12, "batch": 16, "optimizer": "adamw", "lr": 0.002}


def recipe_options() -> dict[str, dict[str, Any]]:
    """Return judge -> options of its recipe and their defaults."""
    from edgenas.search.accuracy.supernet import SUPERNET_RECIPE
    from edgenas.training.data import TrainRecipe

    supernet = asdict(SUPERNET_RECIPE)
    return {
        "train": asdict(TrainRecipe(epochs=EPOCHS, flip=True, shift=SHIFT)),
        "supernet": {**supernet.pop("training"), **supernet},
        WINNER: asdict(TrainRecipe(epochs=WINNER_EPOCHS, flip=True, shift=SHIFT)),
        SCRATCH: asdict(TrainRecipe(epochs=WINNER_EPOCHS, flip=True, shift=SHIFT)),
    }


@dataclass(frozen=True)
class ImageTask:
    """Images and the settings of judging networks on them: ``settings`` of each recipe, the ``device`` ('auto', 'cpu',
    'cuda'), and the file ``checkpoint`` of a supernet's training. ``scaling`` is the mean and deviation of published
    weights, in place of those of the images; ``published`` are these weights, which a supernet begins from."""

    source: PictureSource
    checkpoint: Path
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    device: str = "auto"
    workers: int = 2
    scaling: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    published: PublishedMember | None = None

    def from_published(self, published: PublishedMember) -> ImageTask:
        """Return the task for networks that begin from published weights."""
        return replace(self, scaling=(published.pretrained.mean, published.pretrained.deviation), published=published)

    @property
    def classes(self) -> int:
        return len(self.source.class_names)

    def train_recipe(self) -> TrainRecipe:
        return self._recipe("train")

    def winner_recipe(self) -> TrainRecipe:
        """Return the recipe of the winner: from published weights (``scaling``), a short one at a low rate."""
        if self.scaling is None:
            return self._recipe(WINNER)
        from edgenas.training.data import TrainRecipe

        return TrainRecipe(**{**recipe_options()[WINNER], **FINE_TUNING, **self.settings.get(WINNER, {})})

    def scratch_recipe(self) -> TrainRecipe:
        """Return the recipe of the winner's training from random weights, beside one from published weights."""
        return self._recipe(SCRATCH)

    def judging_recipe(self, judge: str) -> TrainRecipe:
        """Return the training recipe of ``judge``, one of NAMES."""
        return self.supernet_recipe().training if judge == "supernet" else self.train_recipe()

    def _recipe(self, name: str) -> TrainRecipe:
        from edgenas.training.data import TrainRecipe

        return TrainRecipe(**{**recipe_options()[name], **self.settings.get(name, {})})

    def supernet_recipe(self) -> SupernetRecipe:
        from edgenas.training.data import SupernetRecipe, TrainRecipe

        begun = {} if self.published is None else PUBLISHED_SUPERNET
        values = {**recipe_options()["supernet"], **begun, **self.settings.get("supernet", {})}
        own = {name: values.pop(name) for name in ("drawn", "calibration_images")}
        return SupernetRecipe(TrainRecipe(**values), **own)

    def read(self, space: Space, listener: Listener = SILENT) -> tuple[ImageData, ...]:
        """Return the images at each size and in the colours that ``space`` takes; ``listener`` receives the notes on
        them."""
        from edgenas.training.images.read import read_images
        from edgenas.training.sizes import sized

        found: list[ImageData] = []
        for size in reversed(space.sizes):
            data, notes = read_images(self.source, size, space.c_in, workers=self.workers, listener=listener)
            for note in () if found else notes:
                listener.message(note)
            if self.scaling is not None:
                data = replace(data, mean=self.scaling[0], deviation=self.scaling[1])
            found.append(data)
        return sized(found)

    @contextmanager
    def judge(
        self, name: str, space: Space, seed: int, workers: int, listener: Listener = SILENT
    ) -> Iterator[Accuracy]:
        """Yield the judge ``name``, one of NAMES; ``workers`` processes train, and end with the block."""
        from edgenas.search.accuracy.supernet import SupernetAccuracy
        from edgenas.search.accuracy.training import TrainingAccuracy
        from edgenas.training.feed import device_named

        data, device = self.read(space, listener), str(device_named(self.device))
        if name == "supernet":
            yield SupernetAccuracy(
                space,
                data,
                self.supernet_recipe(),
                seed,
                checkpoint=self.checkpoint,
                device=device,
                threads=max(1, workers),
                published=self.published,
                listener=listener,
            )
            return
        with TrainingAccuracy(data, self.train_recipe(), seed, workers, device) as accuracy:
            yield accuracy

    def trust(
        self,
        judge: Accuracy,
        space: Space,
        members: int,
        seed: int,
        journal: Path,
        listener: Listener = SILENT,
    ) -> Trust:
        """Return the rank correlation of ``judge`` with separate trainings of ``members`` networks, which ``journal``
        keeps. Notes on the images are not repeated.
        """
        from edgenas.search.accuracy.trust import members_to_train, trust
        from edgenas.search.digests import network_digest
        from edgenas.search.journal import TrialCache

        candidates = members_to_train(space, members, seed)
        with (
            self.judge("train", space, seed, self.workers, listener.quiet()) as alone,
            TrialCache(space, alone, journal) as cache,
        ):
            todo = [c for c in candidates if network_digest(c.architecture) not in cache]
            known = members - len(todo)

            def arrived(index: int, accuracy: float) -> None:
                nonlocal known
                known += 1
                listener.progress(known, members, f"{accuracy:.2f} %", name="trained alone")

            cache.judge(todo, arrived)
            trained = [cache[network_digest(c.architecture)] for c in candidates]
        shared = dict(judge.evaluate(candidates))
        return trust([shared[i] for i in range(members)], trained, candidates)


def make_run_folder(folder: Path, images: ImageTask | None, listener: Listener) -> None:
    """Make a run's ``folder``. Only its owner can read it where other users cannot read the images, since it will hold
    files made from them. An existing folder keeps its mode; ``listener`` receives a message where others can read it.
    """
    private = images is not None and images.source.private
    folder.mkdir(mode=0o700 if private else 0o777, parents=True, exist_ok=True)
    if images is not None and private and folder.stat().st_mode & 0o077:
        listener.message(
            f"other users can read {folder}, but not the images {images.source.name} that it is made from; type: "
            f"chmod 700 {folder}"
        )


def image_task(
    accuracy: str,
    images: Path | None,
    out: Path,
    settings: Mapping[str, Mapping[str, Any]],
    device: str,
    workers: int,
) -> ImageTask | None:
    """Return the image task of the judge ``accuracy`` where it is one of NAMES, else None. InputError for images
    without such a judge, and for such a judge without images."""
    if accuracy not in NAMES:
        if images is not None:
            raise InputError(
                f"--images {images} is for --accuracy {' or '.join(NAMES)}, or an estimate of one, not for {accuracy!r}"
            )
        return None
    if images is None:
        raise InputError(f"--accuracy {accuracy} judges networks on your images: add --images FOLDER")
    from edgenas.training.images.open import open_images

    return ImageTask(open_images(images), out.with_suffix(".supernet.npz"), settings, device, workers)
